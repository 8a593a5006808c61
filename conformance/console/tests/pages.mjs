// Every page at three widths, in both themes: it opens without an error, nobody stumbles, nothing is wider than the screen, no control
// lies outside it, is cut or lies on another, and whoever goes through it by Tab sees where he is.

import assert from 'node:assert/strict';
import test from 'node:test';
import { api } from '../lib/api.mjs';
import { accessible, settled, shot, visit } from '../lib/browser.mjs';
import { misplaced, unseenFocus } from '../lib/layout.mjs';

const named = (list) => list[0]?.name ?? 'none';

/** The addresses of all pages, with something to see on each. */
async function everyPage() {
  const connection = named((await api('GET', 'connections')).filter(({ user_provided_name: name }) => name === 'worker'));
  const channel = named((await api('GET', 'channels')).filter((one) => one.consumer_count > 0 || one.name.startsWith(connection)));
  return [
    '/', '/flow', '/queues', '/queues/%2F/orders.stock', '/queues/%2F/orders.dead/messages', '/queues/%2F/orders.stock/publish', '/queues/%2F/orders.stock/bindings', '/queues/%2F/orders.stock/consumers',
    '/exchanges', '/exchanges/%2F/orders', '/exchanges/%2F', '/connections', `/connections/${encodeURIComponent(connection)}`, '/channels', `/channels/${encodeURIComponent(channel)}`,
    '/consumers', '/vhosts', '/vhosts/%2F', '/users', '/users/guest', '/policies', '/definitions', '/events', '/health',
  ];
}

const PHONE = 360;
const screens = [{ width: PHONE, height: 740, theme: 'light' }, { width: 768, height: 1024, theme: 'dark' }, { width: 1440, height: 900, theme: 'light' }];
// For pictures to look at: each width in the other theme as well.
if (process.env.SHOTS) screens.push(...screens.map((screen) => ({ ...screen, theme: screen.theme === 'light' ? 'dark' : 'light' })));

test('every page', { concurrency: 3 }, async (t) => {
  const pages = await everyPage();
  await Promise.all(screens.map((screen) =>
    t.test(`at ${screen.width} pixels, ${screen.theme}`, () => visit(async (page) => {
      const wrong = [];
      for (const at of pages) {
        await page.evaluate((hash) => { location.hash = hash; }, at);
        await settled(page);
        await shot(page, `${screen.width}-${screen.theme}${at}`);
        wrong.push(...await misplaced(page, `${at} at ${screen.width}`));
        await accessible(page, `${at} at ${screen.width}`).catch((error) => wrong.push(error.message));
      }
      assert.deepEqual(wrong, []);
    }, screen))));
});

test('by Tab one sees where one is, on every page', async () => {
  const pages = await everyPage();
  await visit(async (page) => {
    const wrong = [];
    for (const at of pages) {
      await page.evaluate((hash) => { location.hash = hash; }, at);
      await settled(page);
      wrong.push(...await unseenFocus(page, at));
    }
    assert.deepEqual(wrong, []);
  }, screens[0]);
});

test('a page that is not there says so', () => visit(async (page) => {
  await page.locator('h1', { hasText: 'No such page' }).waitFor();
}, { at: '/nowhere' }));

test('a queue that is not there says so', () => visit(async (page) => {
  await page.locator('h1', { hasText: 'Not here' }).waitFor();
  await accessible(page, 'a queue that is not there');
}, { at: '/queues/%2F/never-declared', expect: [404] }));
