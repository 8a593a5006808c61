// Queues: declaring, finding, publishing, getting, binding, purging, deleting.

import assert from 'node:assert/strict';
import test from 'node:test';
import { api, fill, queue, until } from '../lib/api.mjs';
import { accessible, confirm, settled, shot, toast, visit } from '../lib/browser.mjs';

const at = (name, tab) => `/queues/%2F/${name}${tab ? `/${tab}` : ''}`;

test('a queue is added with its arguments', async () => {
  await api('DELETE', 'queues/%2F/c.added', undefined, { also: [404] });
  await visit(async (page) => {
    await page.click('text=Add a queue');
    const form = page.locator('dialog form');
    await accessible(page, 'adding a queue');
    await shot(page, 'queue-add');
    await form.getByLabel('Name').fill('c.added');
    await form.getByLabel('Messages expire after (ms)').fill('60000');
    await form.getByLabel('At most so many messages').fill('10');
    await form.getByLabel('When full').selectOption('reject-publish');
    await form.getByLabel('More arguments').fill('{"x-max-priority":');
    await form.getByRole('button', { name: 'Add the queue' }).click();
    assert.equal(await queue('c.added'), null, 'broken JSON is not sent');
    await form.getByLabel('More arguments').fill('{"x-max-priority": 3}');
    await form.getByRole('button', { name: 'Add the queue' }).click();
    await toast(page, 'is there');
    await page.locator('h1', { hasText: 'c.added' }).waitFor();
  }, { at: '/queues' });
  const { durable, arguments: args } = await queue('c.added');
  assert.equal(durable, true);
  assert.deepEqual(args, { 'x-message-ttl': 60000, 'x-max-length': 10, 'x-overflow': 'reject-publish', 'x-max-priority': 3 });
});

test('what the server refuses is said, and the form stays', async () => {
  await fill('c.classic');
  await visit(async (page) => {
    await page.click('text=Add a queue');
    const form = page.locator('dialog form');
    await form.getByLabel('Name').fill('c.classic');
    await form.getByLabel('Messages expire after (ms)').fill('5');
    await form.getByRole('button', { name: 'Add the queue' }).click();
    await page.locator('.toast.bad', { hasText: 'x-message-ttl' }).waitFor();
    assert.equal(await form.getByLabel('Name').inputValue(), 'c.classic');
  }, { at: '/queues', expect: [400] });
});

test('a list is filtered, sorted and paged, and its address can be kept', async () => {
  const queues = Array.from({ length: 120 }, (_, at) => ({ name: `c.many.${String(at).padStart(3, '0')}`, durable: true, auto_delete: false, arguments: {} }));
  await api('POST', 'definitions/%2F', { queues, exchanges: [], bindings: [], policies: [], parameters: [] });
  await fill('c.many.full', Array.from({ length: 5 }, () => 'x'));
  await until(() => queue('c.many.full'), (now) => now.messages_ready === 5, 'five messages are counted');
  await visit(async (page) => {
    await page.fill('.filter-name', 'c.many.');
    await page.locator('.pager', { hasText: '121 of' }).waitFor();
    await page.click('th button:has-text("Ready")');
    await page.locator('tbody tr').first().locator('th', { hasText: 'c.many.full' }).waitFor();
    assert.equal(await page.locator('th[aria-sort=descending]').innerText().then((text) => text.trim().startsWith('Ready')), true);
    await page.click('th button:has-text("Name")');
    await page.locator('.inline.right select').selectOption('25');
    await page.locator('.pager', { hasText: 'Page 1 of 5' }).waitFor();
    await page.click('[aria-label="Last page"]');
    await page.locator('.pager', { hasText: 'Page 5 of 5' }).waitFor();
    assert.equal(await page.locator('tbody tr').count(), 21);
    await page.reload();
    await page.locator('.pager', { hasText: 'Page 5 of 5' }).waitFor();
    await page.check('text=Regular expression');
    await page.fill('.filter-name', '^c\\.many\\.0[01]\\d$');
    await page.locator('.pager', { hasText: '20 of' }).waitFor();
    await page.fill('.filter-name', '^none$');
    await page.locator('.empty', { hasText: 'Nothing here' }).waitFor();
    await page.waitForFunction(() => document.querySelector('.filter-name').value === '^none$' && document.querySelector('.filter-name') === document.activeElement);
  }, { at: '/queues' });
  for (const { name } of queues) await api('DELETE', `queues/%2F/${name}`);
});

test('messages are published, and got in all three ways', async () => {
  await fill('c.get');
  await visit(async (page) => {
    const form = page.locator('main form');
    await form.getByLabel('Body', { exact: true }).fill('{"order": 7, "lines": [1.50, 12345678901234567890]}');
    await form.locator('summary').click();
    await form.getByLabel('Content type').fill('application/json');
    await form.getByLabel('Headers (JSON)').fill('{"tenant": "eu"}');
    for (let n = 1; n <= 3; n += 1) {
      await form.getByRole('button', { name: 'Publish' }).click();
      await until(() => queue('c.get'), (now) => now.messages_ready === n, `${n} are there`);
    }
    await toast(page, 'Published.');
    await page.click('.tabs a:has-text("Messages")');
    const get = page.locator('form[aria-label="Get messages"]');
    const ask = async (how) => {
      await get.getByLabel('And then').selectOption(how);
      await get.getByRole('button', { name: 'Get', exact: true }).click();
    };
    await ask('ack_requeue_true');
    const message = page.locator('section:has(form[aria-label="Get messages"]) .message').first();
    await message.locator('summary').click();
    await message.locator('.json-key', { hasText: '"order"' }).waitFor();
    assert.match(await message.locator('pre').innerText(), /12345678901234567890/, 'numbers stay what they were');
    assert.match(await message.innerText(), /tenant\s+eu/);
    await message.locator('button', { hasText: 'Hex' }).click();
    assert.match(await message.locator('pre').innerText(), /^00000000 {2}7b 22 6f 72 64 65 72/);
    await accessible(page, 'a message');
    await shot(page, 'message');
    await ask('ack_requeue_false');
    await confirm(page, 'Take them');
    await until(() => queue('c.get'), (now) => now.messages_ready === 2, 'one is gone');
    await ask('reject_requeue_false');
    await confirm(page, 'Take them');
    await until(() => queue('c.get'), (now) => now.messages_ready === 1, 'another is gone');
  }, { at: at('c.get', 'publish') });
});

test('a body that is no text is shown as bytes, markup as text', async () => {
  await fill('c.bytes', ['<img src=x onerror="document.title = 1">']);
  await api('POST', 'exchanges/%2F/amq.default/publish', { properties: {}, routing_key: 'c.bytes', payload: btoa('\x00\x01\xff\xfe'), payload_encoding: 'base64' });
  await until(() => queue('c.bytes'), (now) => now.messages_ready === 2, 'both are there');
  await visit(async (page) => {
    const get = page.locator('form[aria-label="Get messages"]');
    await get.getByLabel('How many').fill('2');
    await get.getByRole('button', { name: 'Get', exact: true }).click();
    const messages = page.locator('section:has(form[aria-label="Get messages"]) .message');
    await messages.nth(0).locator('summary').click();
    await messages.nth(0).locator('pre', { hasText: '<img src=x' }).waitFor();
    assert.equal(await messages.locator('img').count(), 0);
    await messages.nth(1).locator('summary').click();
    assert.match(await messages.nth(1).locator('pre.hex').innerText(), /00 01 ff fe/);
    const [saved] = await Promise.all([page.waitForEvent('download'), messages.nth(1).locator('button', { hasText: 'Save' }).click()]);
    assert.equal(saved.suggestedFilename(), 'message.bin');
  }, { at: at('c.bytes', 'messages') });
});

test('a queue is bound and unbound', async () => {
  await fill('c.bound');
  await visit(async (page) => {
    const form = page.locator('main form');
    await form.getByLabel('Exchange').fill('amq.headers');
    await form.getByLabel('Routing key').fill('a.b/c d');
    await form.getByLabel('Arguments').fill('{"x-match": "all", "tenant": "eu"}');
    await form.getByRole('button', { name: 'Bind' }).click();
    await toast(page, 'Bound.');
    await page.locator('tr', { hasText: 'a.b/c d' }).waitFor();
    await settled(page);
    await page.locator('tr', { hasText: 'a.b/c d' }).locator('button').click();
    await page.locator('dialog', { hasText: 'no longer reach' }).waitFor();
    await accessible(page, 'unbinding');
    await confirm(page, 'Unbind');
    await toast(page, 'Unbound.');
  }, { at: at('c.bound', 'bindings') });
  assert.equal((await api('GET', 'queues/%2F/c.bound/bindings')).length, 1);
});

test('purging and deleting say what is lost, and ask first', async () => {
  await fill('c.gone', ['a', 'b', 'c']);
  await until(() => queue('c.gone'), (now) => now.messages === 3, 'three are there');
  await visit(async (page) => {
    await page.locator('.tile', { hasText: 'Ready' }).filter({ hasText: '3' }).waitFor();
    await page.click('.page-head >> text=Delete');
    const button = page.locator('dialog button', { hasText: 'Delete the queue' });
    assert.equal(await button.isDisabled(), true, 'its name has to be typed');
    await page.keyboard.press('Escape');
    await page.click('.page-head >> text=Purge');
    await page.locator('dialog', { hasText: 'The 3 messages' }).waitFor();
    await shot(page, 'purge');
    await page.locator('dialog button', { hasText: 'Cancel' }).click();
    assert.equal((await queue('c.gone')).messages, 3);
    await page.click('.page-head >> text=Purge');
    await confirm(page, 'Purge');
    await toast(page, 'is purged');
    await until(() => queue('c.gone'), (now) => now.messages === 0, 'it is empty');
    await page.locator('.tile', { hasText: 'Ready' }).filter({ hasText: '0' }).waitFor({ timeout: 20_000 });
    await page.click('.page-head >> text=Delete');
    await confirm(page, 'Delete the queue');
    await page.locator('h1', { hasText: 'Queues' }).waitFor();
  }, { at: at('c.gone') });
  assert.equal(await queue('c.gone'), null);
});

test('names of all letters are names', async () => {
  const name = 'c/ä %25 <b>&"\' 队列?#';
  await fill(name);
  await visit(async (page) => {
    await page.fill('.filter-name', '队列?#');
    await page.locator('tbody a.entity', { hasText: '队列?#' }).click();
    await page.locator('h1').filter({ hasText: name }).waitFor();
    await page.click('.tabs a:has-text("Bindings")');
    await settled(page);
    await page.click('.page-head >> text=Delete');
    await confirm(page, 'Delete the queue');
    await page.locator('h1', { hasText: 'Queues' }).waitFor();
  }, { at: '/queues' });
  assert.equal(await queue(name), null);
});
