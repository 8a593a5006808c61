// Exchanges: adding, binding, publishing, deleting.

import assert from 'node:assert/strict';
import test from 'node:test';
import { api, fill, queue, until } from '../lib/api.mjs';
import { accessible, confirm, settled, shot, toast, visit } from '../lib/browser.mjs';

test('an exchange is added, bound, published to and deleted', async () => {
  await fill('c.target');
  await api('DELETE', 'exchanges/%2F/c.topic', undefined, { also: [404] });
  await visit(async (page) => {
    await page.click('text=Add an exchange');
    const form = page.locator('dialog form');
    await form.getByLabel('Name').fill('c.topic');
    await form.getByLabel('Type').selectOption('topic');
    await form.getByLabel('What nobody wants goes to exchange').fill('amq.fanout');
    await accessible(page, 'adding an exchange');
    await form.getByRole('button', { name: 'Add the exchange' }).click();
    await page.locator('h1', { hasText: 'c.topic' }).waitFor();
    assert.deepEqual((await api('GET', 'exchanges/%2F/c.topic')).arguments, { 'alternate-exchange': 'amq.fanout' });

    const bind = page.locator('form[aria-label="Bind"]');
    await bind.getByLabel('Queue or exchange').fill('c.targ');
    await page.waitForSelector('datalist option[value="c.target"]', { state: 'attached' });
    await bind.getByLabel('Queue or exchange').fill('c.target');
    await bind.getByLabel('Routing key').fill('order.#');
    await bind.getByRole('button', { name: 'Bind' }).click();
    await page.locator('tr', { hasText: 'order.#' }).waitFor();

    const publish = page.locator('form', { has: page.getByRole('button', { name: 'Publish' }) });
    await publish.getByLabel('Routing key').fill('order.new.eu');
    await publish.getByLabel('Body', { exact: true }).fill('hello');
    await publish.getByRole('button', { name: 'Publish' }).click();
    await toast(page, 'Published.');
    await until(() => queue('c.target'), (now) => now.messages === 1, 'the message came');
    await publish.getByLabel('Routing key').fill('other');
    await publish.getByLabel('Body', { exact: true }).fill('hello');
    await publish.getByRole('button', { name: 'Publish' }).click();
    await toast(page, 'No queue wanted it');
    await shot(page, 'exchange');

    await page.click('.page-head >> text=Delete');
    await page.locator('dialog input').fill('c.topic');
    await confirm(page, 'Delete the exchange');
    await page.locator('h1', { hasText: 'Exchanges' }).waitFor();
  }, { at: '/exchanges' });
  await until(() => api('GET', 'exchanges/%2F/c.topic', undefined, { also: [404] }), (now) => now === null, 'it is gone');
});

test('the default exchange and those of the broker cannot be deleted', () => visit(async (page) => {
  await page.locator('h1', { hasText: '(default exchange)' }).waitFor();
  await settled(page);
  assert.equal(await page.locator('.page-head >> text=Delete').count(), 0);
  assert.equal(await page.locator('form[aria-label="Bind"]').count(), 0);
}, { at: '/exchanges/%2F' }));
