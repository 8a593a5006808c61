// A phone of 360 pixels: every window over the page fits, its buttons are reached, and it is left without a mouse.

import assert from 'node:assert/strict';
import test from 'node:test';
import { api, fill, offers } from '../lib/api.mjs';
import { accessible, settled, shot, visit } from '../lib/browser.mjs';
import { misplaced, unseenFocus } from '../lib/layout.mjs';

const PHONE = { width: 360, height: 640 };
const isOurs = await offers('/browse');

/** The window that is open: inside the screen, each of its controls reached by scrolling it alone, and closed by Escape. */
async function usable(page, what) {
  const dialog = page.locator('dialog[open]').last();
  await dialog.waitFor();
  await shot(page, `phone-${what}`);
  const wrong = await misplaced(page, what);
  const { x, y, width, height } = /** @type {any} */ (await dialog.boundingBox());
  if (x < 0 || y < 0 || x + width > PHONE.width || y + height > PHONE.height) wrong.push(`${what}: the window is at ${[x, y, width, height]}`);
  for (const button of await dialog.locator('button').all()) {
    await button.scrollIntoViewIfNeeded();
    const box = /** @type {any} */ (await button.boundingBox());
    if (box.y < y - 1 || box.y + box.height > y + height + 1) wrong.push(`${what}: a button is not reached: ${await button.innerText()}`);
    if (Math.min(box.width, box.height) < 24) wrong.push(`${what}: a button is ${box.width} by ${box.height}`);
  }
  wrong.push(...await unseenFocus(page, what));
  await accessible(page, what).catch((error) => wrong.push(error.message));
  assert.deepEqual(wrong, []);
  await page.keyboard.press('Escape');
  await page.waitForFunction(() => !document.querySelector('dialog'));
}

const press = (page, name) => page.locator('main').getByRole('button', { name }).first().click();

test('the windows over the page', async () => {
  await fill('c.phone', ['{"order": 1}', 'two']);
  await api('PUT', 'vhosts/c.a-virtual-host-with-a-name-that-is-long', {});
  await api('PUT', 'policies/%2F/c.phone', { pattern: '^c[.]phone$', 'apply-to': 'queues', priority: 0, definition: { 'max-length': 1000 } });
  const connection = (await api('GET', 'connections')).find(({ user_provided_name: name }) => name === 'worker').name;
  const windows = [
    ['/queues', 'Add a queue'], ['/exchanges', 'Add an exchange'], ['/policies', 'Add a policy'], ['/policies', 'Delete c.phone'],
    [`/connections/${encodeURIComponent(connection)}`, 'Close'], ['/queues/%2F/c.phone', 'Purge'], ['/queues/%2F/c.phone', 'Delete'],
    ...(isOurs ? [['/queues/%2F/c.phone', 'Pause'], ['/queues/%2F/c.phone/messages', 'Replay'], ['/queues/%2F/c.phone/messages', 'Move']] : []),
  ];
  await visit(async (page) => {
    for (const [at, button] of windows) {
      await page.evaluate((hash) => { location.hash = hash; }, at);
      await settled(page);
      await press(page, button);
      await usable(page, button);
    }
    await page.click('.search-button');
    await page.keyboard.type('orders');
    await page.locator('#search-results li').first().waitFor();
    await usable(page, 'Search');
  }, { ...PHONE, at: '/queues' });
  await api('DELETE', 'policies/%2F/c.phone');
});

test('the choice of the virtual host is read whole, whatever its name', async () => {
  const name = 'c.a-virtual-host-with-a-name-that-is-long';
  await api('PUT', `vhosts/${name}`, {});
  for (const language of ['en-GB', 'zh-CN']) {
    await visit(async (page) => {
      assert.deepEqual(await misplaced(page, language), []);
      const choice = page.locator('.vhost-choice select');
      await choice.locator('option', { hasText: name }).waitFor({ state: 'attached' });
      await choice.selectOption(name);
      await shot(page, `phone-vhost-${language}`);
      const [select, search] = [await choice.boundingBox(), await page.locator('.search-button').boundingBox()];
      assert.ok(select && search && select.x + select.width <= search.x && search.x + search.width <= PHONE.width, JSON.stringify({ select, search }));
      assert.equal(await choice.getAttribute('title'), name);
      await choice.selectOption('');
    }, { ...PHONE, language });
  }
  await api('DELETE', `vhosts/${name}`);
});

test('the menu', () => visit(async (page) => {
  await page.click('.menu');
  await shot(page, 'phone-menu');
  assert.deepEqual(await misplaced(page, 'the menu'), []);
  await page.locator('.side button', { hasText: 'Log out' }).scrollIntoViewIfNeeded();
  await page.locator('.side button', { hasText: 'Log out' }).click();
  await page.waitForSelector('.login');
  assert.deepEqual(await misplaced(page, 'the login'), []);
}, PHONE));
