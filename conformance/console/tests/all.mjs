// All tests, in one process and one browser, while traffic goes on. `node tests/all.mjs [NAME...]` runs only these files.

import { after } from 'node:test';
import { until, api } from '../lib/api.mjs';
import { quit } from '../lib/browser.mjs';
import { traffic } from '../lib/traffic.mjs';

const files = ['shell', 'queues', 'exchanges', 'clients', 'admin', 'leveret', 'pages', 'phone', 'scale'];
const wanted = process.argv.slice(2);
const stop = await traffic();
await until(() => api('GET', 'connections'), (now) => now.length >= 2 && now.every(({ user }) => user), 'the connections are listed');
const within = (seconds, what, done) => Promise.race([done, new Promise((_, reject) => setTimeout(() => reject(new Error(`${what} took more than ${seconds} s`)), seconds * 1000))]);
after(async () => {
  await within(15, 'closing the connections', stop());
  await within(15, 'closing the browser', quit());
});
for (const file of files) if (wanted.length === 0 || wanted.includes(file)) await import(`./${file}.mjs`);
