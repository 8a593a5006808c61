// Connections, channels, consumers; the flow between them; what the overview says of it.

import assert from 'node:assert/strict';
import test from 'node:test';
import { connect } from '../lib/traffic.mjs';
import { api, until } from '../lib/api.mjs';
import { confirm, settled, shot, visit } from '../lib/browser.mjs';

test('a connection is closed with a reason that its program is told', async () => {
  const victim = await connect('victim');
  const told = new Promise((resolve) => victim.once('close', resolve));
  victim.on('error', () => {});
  await victim.createChannel();
  const all = await until(() => api('GET', 'connections'), (now) => now.some((one) => one.client_properties?.connection_name === 'victim'), 'the connection is listed');
  const { name } = all.find((one) => one.client_properties?.connection_name === 'victim');
  await visit(async (page) => {
    await page.locator('tr', { hasText: 'victim' }).locator('a.entity').first().click();
    await page.locator('h1', { hasText: 'victim' }).or(page.locator('h1', { hasText: name })).waitFor();
    await settled(page);
    await page.click('.page-head button:has-text("Close")');
    await page.locator('dialog').getByLabel('Reason, told to the program').fill('console test');
    await shot(page, 'close');
    await confirm(page, 'Close the connection');
    await page.locator('h1', { hasText: /^Connections$/ }).waitFor();
  }, { at: '/connections' });
  assert.match(String((await told)?.message), /console test/);
});

test('channels and consumers lead to what they belong to', () => visit(async (page) => {
  await page.locator('tr', { hasText: 'stock-worker' }).locator('a', { hasText: 'orders.stock' }).click();
  await page.locator('h1', { hasText: 'orders.stock' }).waitFor();
  await page.click('.tabs a:has-text("Consumers")');
  await page.locator('tr', { hasText: 'stock-worker' }).waitFor();
  await page.locator('tr', { hasText: 'stock-worker' }).locator('a.entity').first().click();
  await page.locator('.page-head', { hasText: 'of connection' }).locator('a.entity').first().click();
  await page.locator('.page-head', { hasText: 'worker' }).waitFor();
}, { at: '/consumers' }));

test('the flow shows exchange, queue and consumer, with how much goes between them', () => visit(async (page) => {
  await page.fill('main input[type=search]', 'orders.');
  for (const kind of ['exchange', 'queue', 'consumer']) await page.locator(`.flow .node.${kind}`).first().waitFor();
  await page.locator('.flow .node.queue', { hasText: 'orders.stock' }).waitFor();
  await page.locator('.flow .node.queue', { hasText: /\d\/s/ }).first().waitFor({ timeout: 25_000 });
  await shot(page, 'flow');
  await page.locator('summary', { hasText: 'The same as a table' }).click();
  await page.locator('tr', { hasText: 'orders.stock' }).first().waitFor();
  await page.locator('.flow a', { hasText: 'orders.stock' }).first().focus();
  await page.keyboard.press('Enter');
  await page.locator('h1', { hasText: 'orders.stock' }).waitFor();
}, { at: '/flow' }));

test('the overview has figures, lines that move, and names what needs somebody', () => visit(async (page) => {
  await page.locator('.badge.good', { hasText: 'Healthy' }).waitFor();
  await page.locator('.tile', { hasText: 'Published' }).filter({ hasText: /[1-9]\d*\/s/ }).waitFor({ timeout: 25_000 });
  await page.locator('tr', { hasText: 'No consumer' }).filter({ hasText: 'audit.log' }).waitFor({ timeout: 25_000 });
  const drawn = await page.locator('.chart .line').first().getAttribute('d');
  assert.ok(drawn && drawn.length > 10, 'a line is drawn');
  await page.waitForFunction((before) => document.querySelector('.chart .line').getAttribute('d') !== before, drawn, { timeout: 20_000 });
  await page.selectOption('.page-head select', '60');
  await page.locator('.chart .tick').first().waitFor();
}));
