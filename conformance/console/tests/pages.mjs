// Every page at three widths, in both themes: it opens without an error, nobody stumbles, nothing is wider than the screen.

import test from 'node:test';
import { api } from '../lib/api.mjs';
import { accessible, settled, shot, visit } from '../lib/browser.mjs';

const named = (list) => list[0]?.name ?? 'none';

test('every page', { concurrency: 3 }, async (t) => {
  const connection = named((await api('GET', 'connections')).filter(({ user_provided_name: name }) => name === 'worker'));
  const channel = named((await api('GET', 'channels')).filter((one) => one.consumer_count > 0 || one.name.startsWith(connection)));
  const pages = [
    '/', '/flow', '/queues', '/queues/%2F/orders.stock', '/queues/%2F/orders.dead/messages', '/queues/%2F/orders.stock/publish', '/queues/%2F/orders.stock/bindings', '/queues/%2F/orders.stock/consumers',
    '/exchanges', '/exchanges/%2F/orders', '/exchanges/%2F', '/connections', `/connections/${encodeURIComponent(connection)}`, '/channels', `/channels/${encodeURIComponent(channel)}`,
    '/consumers', '/vhosts', '/vhosts/%2F', '/users', '/users/guest', '/policies', '/definitions', '/events', '/health',
  ];
  const screens = [{ width: 390, height: 800, theme: 'light' }, { width: 820, height: 1000, theme: 'dark' }, { width: 1440, height: 900, theme: 'light' }];
  await Promise.all(screens.map((screen) =>
    t.test(`at ${screen.width} pixels, ${screen.theme}`, () => visit(async (page) => {
      for (const at of pages) {
        await page.evaluate((hash) => { location.hash = hash; }, at);
        await settled(page);
        await accessible(page, `${at} at ${screen.width}`);
        await shot(page, `${screen.width}-${screen.theme}${at}`);
      }
    }, screen))));
});

test('a page that is not there says so', () => visit(async (page) => {
  await page.locator('h1', { hasText: 'No such page' }).waitFor();
}, { at: '/nowhere' }));

test('a queue that is not there says so', () => visit(async (page) => {
  await page.locator('h1', { hasText: 'Not here' }).waitFor();
  await accessible(page, 'a queue that is not there');
}, { at: '/queues/%2F/never-declared', expect: [404] }));
