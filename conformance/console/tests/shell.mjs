// The door, the frame around the pages, the search over everything, and the choices about the console itself.

import assert from 'node:assert/strict';
import test from 'node:test';
import { accessible, shot, visit } from '../lib/browser.mjs';

test('log in, reload, log out', () => visit(async (page) => {
  await accessible(page, 'the login');
  await shot(page, 'login');
  await page.fill('input[name=name]', 'guest');
  await page.fill('input[name=password]', 'wrong');
  await page.click('button[type=submit]');
  await page.locator('[role=alert]', { hasText: 'does not know' }).waitFor();
  await accessible(page, 'the login that failed');
  await page.fill('input[name=password]', 'guest');
  await page.click('button[type=submit]');
  await page.waitForSelector('.shell h1');
  await page.reload();
  await page.waitForSelector('.shell h1');
  assert.equal(await page.evaluate(() => document.cookie), '');
  await page.click('text=Log out');
  await page.waitForSelector('.login');
  await page.reload();
  await page.waitForSelector('.login');
  assert.equal(await page.evaluate(() => sessionStorage.length), 0);
}, { login: false, expect: [401] }));

test('search finds what is there, by keyboard alone', () => visit(async (page) => {
  await page.keyboard.press('/');
  await page.waitForSelector('dialog.search[open]');
  await page.keyboard.type('orders.s');
  await page.locator('#search-results li', { hasText: 'orders.stock' }).waitFor();
  await accessible(page, 'the search');
  await shot(page, 'search');
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => location.hash === '#/queues/%2F/orders.stock');
  await page.locator('h1', { hasText: 'orders.stock' }).waitFor();
  await page.keyboard.press('Control+k');
  await page.keyboard.type('guest');
  await page.locator('#search-results li', { hasText: 'guest' }).waitFor();
  await page.keyboard.press('Escape');
  await page.waitForFunction(() => !document.querySelector('dialog'));
  for (const [text, found] of [['polic', 'Policies'], ['stock-work', 'stock-worker'], ['amq.to', 'amq.topic'], ['no such thing', '']]) {
    await page.keyboard.press('Control+k');
    await page.keyboard.type(text);
    if (found) await page.locator('#search-results li', { hasText: found }).first().waitFor();
    else await page.locator('dialog [role=status]', { hasText: 'Nothing has' }).waitFor();
    await page.keyboard.press('Escape');
    await page.waitForFunction(() => !document.querySelector('dialog'));
  }
}));

test('a stroke in a field is a letter, not the search', () => visit(async (page) => {
  await page.fill('.filter-name', '');
  await page.locator('.filter-name').pressSequentially('a/b');
  assert.equal(await page.inputValue('.filter-name'), 'a/b');
  assert.equal(await page.locator('dialog').count(), 0);
}, { at: '/queues' }));

test('the first Tab leads past the frame, and the pages are reached by keyboard', () => visit(async (page) => {
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement?.textContent), 'Skip to the content');
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate(() => document.activeElement?.id), 'main');
  await page.locator('.side a', { hasText: 'Queues' }).focus();
  await page.keyboard.press('Enter');
  await page.locator('h1', { hasText: 'Queues' }).waitFor();
  assert.equal(await page.getAttribute('.side a[href="#/queues"]', 'aria-current'), 'page');
}));

test('on a phone the pages are behind a button', () => visit(async (page) => {
  const menu = page.locator('.menu');
  assert.equal(await page.locator('.side').isVisible(), false);
  await menu.click();
  assert.equal(await menu.getAttribute('aria-expanded'), 'true');
  await accessible(page, 'the menu');
  await shot(page, 'menu');
  await page.click('.side a[href="#/exchanges"]');
  await page.locator('h1', { hasText: 'Exchanges' }).waitFor();
  assert.equal(await page.locator('.side').isVisible(), false);
}, { width: 390 }));

test('theme and language are chosen and kept', () => visit(async (page) => {
  const paper = () => page.evaluate(() => getComputedStyle(document.body.parentElement).backgroundColor);
  const light = await paper();
  await page.selectOption('.side-foot label:has-text("Theme") select', 'dark');
  assert.notEqual(await paper(), light);
  await page.selectOption('.side-foot label:has-text("Language") select', 'zh');
  await page.locator('h1', { hasText: '概览' }).waitFor();
  assert.equal(await page.getAttribute('html', 'lang'), 'zh');
  await page.reload();
  await page.locator('h1', { hasText: '概览' }).waitFor();
  assert.notEqual(await paper(), light);
  await accessible(page, 'the overview in Chinese');
  await shot(page, 'overview-zh');
}));

test('a browser that asks for Chinese gets it', () => visit(async (page) => {
  await page.locator('h1', { hasText: '队列' }).waitFor();
}, { at: '/queues', language: 'zh-CN' }));

test('while the server is away that is said, and gone when it is back', () => visit(async (page) => {
  await page.locator('tbody a', { hasText: 'orders.stock' }).waitFor();
  await page.route('**/api/**', (route) => route.abort());
  await page.locator('[role=alert]', { hasText: 'cannot be reached' }).waitFor();
  await page.locator('tbody a', { hasText: 'orders.stock' }).waitFor();
  await accessible(page, 'a server that is away');
  await page.unroute('**/api/**');
  await page.locator('[role=alert]').waitFor({ state: 'detached', timeout: 20_000 });
}, { at: '/queues', kept: { 'leveret.every': '2' } }));
