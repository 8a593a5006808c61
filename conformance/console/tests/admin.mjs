// Virtual hosts, users, permissions, limits, policies, definitions, health.

import assert from 'node:assert/strict';
import test from 'node:test';
import { readFileSync } from 'node:fs';
import { api, queue } from '../lib/api.mjs';
import { accessible, confirm, settled, shot, toast, visit } from '../lib/browser.mjs';

const press = (page, name) => page.getByRole('button', { name, exact: true }).click();

test('a virtual host is added, limited, shared and deleted', async () => {
  await api('DELETE', 'vhosts/c.host', undefined, { also: [404] });
  await visit(async (page) => {
    const form = page.locator('main form');
    await form.getByLabel('Name').fill('c.host');
    await form.getByLabel('Description').fill('for the tests');
    await press(page, 'Add the virtual host');
    await page.locator('tbody a', { hasText: 'c.host' }).click();
    await page.locator('h1', { hasText: 'c.host' }).waitFor();
    const limit = page.locator('form[aria-label="Set a limit"]');
    await limit.getByLabel('Limit').selectOption('max-queues');
    await limit.getByLabel('Value').fill('5');
    await press(page, 'Set the limit');
    await page.locator('dl', { hasText: 'Queues at most' }).filter({ hasText: '5' }).waitFor();
    assert.deepEqual((await api('GET', 'vhost-limits/c.host'))[0].value, { 'max-queues': 5 });
    await page.getByRole('button', { name: 'Take away: Queues at most' }).click();
    await page.locator('section', { hasText: 'No limits.' }).waitFor();
    await page.locator('form[aria-label="Set permissions"]').getByLabel('User').selectOption('guest');
    await page.locator('form[aria-label="Set permissions"]').getByLabel('Write').fill('^orders');
    await press(page, 'Set the permissions');
    await page.locator('tr', { hasText: 'guest' }).filter({ hasText: '^orders' }).waitFor();
    await shot(page, 'vhost');
    await page.click('.page-head >> text=Delete');
    await page.locator('dialog input').fill('c.host');
    await confirm(page, 'Delete the virtual host');
    await page.locator('h1', { hasText: 'Virtual hosts' }).waitFor();
    await page.locator('tbody a', { hasText: 'c.host' }).waitFor({ state: 'detached' });
  }, { at: '/vhosts' });
});

test('a user is added, given permissions, changed and deleted', async () => {
  await api('DELETE', 'users/c.user', undefined, { also: [404] });
  await visit(async (page) => {
    const form = page.locator('main form');
    await form.getByLabel('Name').fill('c.user');
    await form.getByLabel('Password').fill('secret');
    await press(page, 'Add the user');
    await page.locator('tbody a', { hasText: 'c.user' }).click();
    await page.locator('h1', { hasText: 'c.user' }).waitFor();
    await page.locator('form[aria-label="Set permissions"]').getByLabel('Read').fill('^orders');
    await press(page, 'Set the permissions');
    await page.locator('tr', { hasText: '^orders' }).waitFor();
    assert.equal((await api('GET', 'permissions/%2F/c.user')).read, '^orders');
    await press(page, 'Set the permissions on topics');
    await page.locator('tr', { hasText: 'amq.topic' }).waitFor();
    const limit = page.locator('form[aria-label="Set a limit"]');
    await limit.getByLabel('Value').fill('3');
    await press(page, 'Set the limit');
    await page.locator('dl', { hasText: 'Connections at most' }).waitFor();
    await page.getByLabel('Tag').selectOption('monitoring');
    await page.getByLabel('New password').fill('other');
    await press(page, 'Change the user');
    await toast(page, 'is changed');
    assert.equal(String((await api('GET', 'users/c.user')).tags), 'monitoring');
    await accessible(page, 'a user');
    await page.getByRole('button', { name: 'Take away the permissions of c.user in /' }).click();
    await confirm(page, 'Take away');
    await toast(page, 'Taken away.');
    await page.click('.page-head >> text=Delete');
    await page.locator('dialog').waitFor();
    const word = page.locator('dialog input');
    if (await word.count()) await word.fill('c.user');
    await confirm(page, 'Delete the user');
    await page.locator('h1', { hasText: 'Users' }).waitFor();
  }, { at: '/users' });
  assert.equal(await api('GET', 'users/c.user', undefined, { also: [404] }), null);
});

test('who may see less is shown less, without errors', async () => {
  await api('PUT', 'users/c.low', { password: 'low', tags: 'management' });
  await api('PUT', 'permissions/%2F/c.low', { configure: '', write: '', read: '.*' });
  await visit(async (page) => {
    await page.fill('input[name=name]', 'c.low');
    await page.fill('input[name=password]', 'low');
    await page.click('button[type=submit]');
    await page.waitForSelector('.shell h1');
    assert.equal(await page.locator('.side a', { hasText: 'Users' }).count(), 0);
    for (const at of ['/', '/queues', '/exchanges/%2F/orders', '/policies', '/vhosts/%2F', '/health', '/flow']) {
      await page.evaluate((hash) => { location.hash = hash; }, at);
      await settled(page);
      await accessible(page, `${at} for a user of management alone`);
    }
  }, { login: false, expect: [401, 403] });
  await api('DELETE', 'users/c.low');
});

test('policies are added, changed and deleted, for operators too', async () => {
  for (const [kind, title, button] of [['policies', 'Policies', 'Add a policy'], ['operator-policies', 'Operator policies', 'Add an operator policy']]) {
    await api('DELETE', `${kind}/%2F/c.policy`, undefined, { also: [404] });
    await visit(async (page) => {
      await press(page, button);
      const form = page.locator('dialog form');
      await form.getByLabel('Name').fill('c.policy');
      await form.getByLabel('Pattern').fill('^c\\.p');
      await form.getByLabel('Definition (JSON)').fill('{"max-length": 100}');
      await accessible(page, `adding to ${title}`);
      await form.locator('button[type=submit]').click();
      await toast(page, 'applies now');
      const row = page.locator('tr', { hasText: 'c.policy' });
      await row.waitFor();
      assert.deepEqual((await api('GET', `${kind}/%2F/c.policy`)).definition, { 'max-length': 100 });
      await row.getByRole('button', { name: 'Change c.policy' }).click();
      await page.locator('dialog form').getByLabel('Definition (JSON)').fill('{"max-length": 7}');
      await page.locator('dialog form button[type=submit]').click();
      await page.locator('tr', { hasText: 'c.policy' }).filter({ hasText: '7' }).waitFor();
      await shot(page, kind);
      await row.getByRole('button', { name: 'Delete c.policy' }).click();
      await confirm(page, 'Delete the policy');
      await row.waitFor({ state: 'detached' });
    }, { at: '/policies' });
  }
});

test('definitions are exported, and imported after a look at them', async () => {
  await api('DELETE', 'queues/%2F/c.imported', undefined, { also: [404] });
  await visit(async (page) => {
    const [saved] = await Promise.all([page.waitForEvent('download'), press(page, 'Export to a file')]);
    const whole = JSON.parse(readFileSync(await saved.path(), 'utf8'));
    assert.ok(whole.users.some(({ name }) => name === 'guest'));
    const file = (text) => ({ name: 'some.json', mimeType: 'application/json', buffer: Buffer.from(text) });
    await page.locator('input[type=file]').setInputFiles(file('{"queues": ['));
    await press(page, 'Import');
    await page.locator('.toast.bad').waitFor();
    await page.locator('input[type=file]').setInputFiles(file(JSON.stringify({ queues: [{ name: 'c.imported', vhost: '/', durable: true, auto_delete: false, arguments: {} }] })));
    await press(page, 'Import');
    await page.locator('dialog', { hasText: 'The file holds' }).waitFor();
    assert.equal(await queue('c.imported'), null, 'nothing is done before it is said yes to');
    await accessible(page, 'importing');
    await confirm(page, 'Import');
    await toast(page, 'Imported.');
  }, { at: '/definitions' });
  assert.ok(await queue('c.imported'));
});

test('health has checks, listeners and no alarm', () => visit(async (page) => {
  await page.locator('.banner', { hasText: 'No alarm' }).waitFor();
  await page.locator('tr', { hasText: '/api/health/checks/alarms' }).locator('.badge.good').waitFor();
  await page.locator('tr', { hasText: 'amqp' }).first().waitFor();
}, { at: '/health' }));
