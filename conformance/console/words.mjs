// What can be seen of the console's files without a browser: every file is named by another and every name has its file, and every
// text has its Chinese, with the same names in braces, and no Chinese is left over that nothing uses.

import { readFileSync, readdirSync, statSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '../../crates/management/console');
const faults = [];
const files = [];
(function walk(folder) {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) walk(path);
    else files.push(relative(root, path));
  }
})(root);

const named = new Set(['index.html']);
const used = new Set();
for (const file of files) {
  const text = readFileSync(join(root, file), 'utf8');
  for (const [, name] of text.matchAll(/['"]([\w./-]+\.(?:js|css|svg))['"]/g)) {
    const path = normalize(name.startsWith('.') ? join(dirname(file), name) : name);
    if (files.includes(path)) named.add(path);
    else faults.push(`${file} names ${name}, which is not there`);
  }
  if (!file.endsWith('.js') || file.includes('/i18n/')) continue;
  const literal = "'((?:\\\\.|[^'\\\\])*)'";
  const take = (found) => used.add(found.replace(/\\(.)/g, '$1'));
  for (const [, words] of text.matchAll(new RegExp(`\\bt\\(\\s*${literal}`, 'g'))) take(words);
  for (const [, one, many] of text.matchAll(new RegExp(`\\btn\\([^']*?,\\s*${literal}\\s*,\\s*${literal}`, 'g'))) {
    take(one);
    take(many);
  }
  for (const [call] of text.matchAll(/\btn?\(\s*[^'\s)][^)\n]{0,60}/g)) if (!call.startsWith('tn(')) faults.push(`${file}: ${call}: a text has to stand where it is used`);
}
for (const file of files) if (!named.has(file)) faults.push(`nothing names ${file}`);

const { zh } = await import(pathToFileURL(join(root, 'js/i18n/zh/index.js')).href);
const braces = (text) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort().join();
for (const words of used) {
  if (!(words in zh)) faults.push(`no Chinese for: ${words}`);
  else if (braces(words) !== braces(zh[words])) faults.push(`other names in braces in the Chinese of: ${words}`);
}
for (const words of Object.keys(zh)) if (!used.has(words)) faults.push(`Chinese that nothing uses: ${words}`);

if (faults.length) {
  console.error(faults.join('\n'));
  process.exit(1);
}
console.log(`${files.length} files, ${used.size} texts in English and Chinese`);
