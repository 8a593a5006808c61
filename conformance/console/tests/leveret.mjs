// What our broker alone has: browsing, replaying, moving, schedules, pausing.

import assert from 'node:assert/strict';
import test from 'node:test';
import { api, fill, offers, queue, until } from '../lib/api.mjs';
import { accessible, confirm, shot, toast, visit } from '../lib/browser.mjs';
import { connect } from '../lib/traffic.mjs';

const skip = { skip: (await offers('/browse')) ? false : 'the broker has no /api/leveret' };
const ready = (name, n) => until(() => queue(name), (now) => now.messages_ready === n, `${n} messages in ${name}`);

test('messages are browsed with conditions, and nothing is taken', skip, async () => {
  await fill('c.browse', Array.from({ length: 70 }, (_, at) => `{"n": ${at}}`));
  await ready('c.browse', 70);
  await visit(async (page) => {
    const messages = page.locator('.messages .message');
    await page.locator('[role=status]', { hasText: '50 shown' }).waitFor();
    assert.equal(await messages.count(), 50);
    await page.getByRole('button', { name: 'Show more' }).click();
    await page.locator('[role=status]', { hasText: '70 shown' }).waitFor();
    await page.getByRole('button', { name: 'Add a condition' }).click();
    await page.getByLabel('Condition', { exact: true }).selectOption('body_contains');
    await page.getByLabel('Value of the condition').fill('"n": 42}');
    await page.getByRole('button', { name: 'Find' }).click();
    await page.locator('[role=status]', { hasText: '1 fit' }).waitFor();
    await messages.first().locator('summary').click();
    await messages.first().locator('.json-number', { hasText: '42' }).waitFor();
    await accessible(page, 'browsing');
    await shot(page, 'browse');
    await page.getByLabel('Condition', { exact: true }).selectOption('priority');
    await page.getByLabel('Value of the condition').fill('high');
    await page.getByRole('button', { name: 'Find' }).click();
    await page.locator('[role=alert]', { hasText: 'from 0 to 255' }).waitFor();
    await page.getByRole('button', { name: 'Take the condition away' }).click();
    await page.locator('[role=status]', { hasText: '50 shown' }).waitFor();
  }, { at: '/queues/%2F/c.browse/messages' });
  const after = await queue('c.browse');
  assert.equal(after.messages_ready, 70);
  const [first] = await api('POST', 'queues/%2F/c.browse/get', { count: 1, ackmode: 'ack_requeue_true', encoding: 'auto' });
  assert.equal(first.redelivered, false);
});

test('a message is followed on its way', skip, async () => {
  await fill('c.followed');
  await api('POST', 'exchanges/%2F/amq.default/publish', { routing_key: 'c.followed', payload: 'x', payload_encoding: 'string', properties: { message_id: 'followed-7' } });
  await ready('c.followed', 1);
  await visit(async (page) => {
    const message = page.locator('.messages .message').first();
    await message.locator('summary').click();
    await message.getByRole('button', { name: 'Follow this message' }).click();
    const followed = page.locator('.followed', { hasText: 'Message followed-7' });
    await followed.locator('.badge', { hasText: 'listening' }).waitFor();
    await api('POST', 'queues/%2F/c.followed/get', { count: 1, ackmode: 'reject_requeue_false', encoding: 'auto' });
    await followed.locator('li', { hasText: 'Died, and is gone' }).filter({ hasText: 'rejected' }).waitFor();
    assert.equal(await followed.locator('li', { hasText: 'Rejected by its consumer' }).count(), 1);
    await accessible(page, 'following');
    await shot(page, 'follow');
    await followed.getByRole('button', { name: 'Stop following' }).click();
    await followed.locator('.badge', { hasText: 'over' }).waitFor();
    assert.deepEqual(await api('GET', 'leveret/traces/%2F'), []);
    await page.getByRole('button', { name: 'Follow what happens' }).click();
    await page.locator('.followed', { hasText: 'Messages of “c.followed”' }).waitFor();
    await page.evaluate(() => { location.hash = '#/queues'; });
    await until(() => api('GET', 'leveret/traces/%2F'), (all) => all.length === 0, 'nothing followed once the page is left');
  }, { at: '/queues/%2F/c.followed/messages' });
});

test('what is ticked is moved, all that fits is copied, the rest deleted', skip, async () => {
  await fill('c.from', ['a', 'b', 'c', 'd']);
  await fill('c.to');
  await ready('c.from', 4);
  await visit(async (page) => {
    await page.locator('.pick').nth(1).check();
    await page.locator('.browse-bar', { hasText: '1 ticked' }).getByRole('button', { name: 'Move' }).click();
    await page.locator('dialog', { hasText: 'The message that is ticked' }).getByLabel('Into queue').fill('c.to');
    await confirm(page, 'Move');
    await toast(page, 'Begun');
    await ready('c.to', 1);
    await page.locator('.message').nth(2).waitFor();
    await page.locator('.message').nth(3).waitFor({ state: 'detached' });
    await page.locator('.browse-bar').getByRole('button', { name: 'Copy' }).click();
    await page.locator('dialog', { hasText: 'Every message of the queue' }).getByLabel('Into queue').fill('c.to');
    await confirm(page, 'Copy');
    await ready('c.to', 4);
    await page.locator('.browse-bar').getByRole('button', { name: 'Delete' }).click();
    await page.locator('dialog', { hasText: 'gone for ever' }).waitFor();
    await confirm(page, 'Delete');
    await ready('c.from', 0);
    await page.locator('tr', { hasText: 'Delete' }).filter({ hasText: 'done' }).first().waitFor();
    await accessible(page, 'sweeps');
    await shot(page, 'sweeps');
  }, { at: '/queues/%2F/c.from/messages' });
});

test('dead letters show how they came, and are replayed to where they came from', skip, async () => {
  await fill('c.dead');
  await fill('c.work', ['{"order": 1}', '{"order": 2}'], { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': 'c.dead' });
  await ready('c.work', 2);
  await api('POST', 'queues/%2F/c.work/get', { count: 2, ackmode: 'reject_requeue_false', encoding: 'auto' });
  await ready('c.dead', 2);
  await visit(async (page) => {
    const message = page.locator('.message').first();
    await message.locator('summary').click();
    await message.locator('.timeline', { hasText: 'rejected by a consumer' }).filter({ hasText: 'c.work' }).waitFor();
    await shot(page, 'dead');
    await page.locator('.browse-bar').getByRole('button', { name: 'Replay' }).click();
    await page.locator('dialog').getByLabel('To', { exact: true }).selectOption('queue');
    await accessible(page, 'replaying');
    await shot(page, 'replay');
    await confirm(page, 'Replay');
    await ready('c.work', 2);
    await ready('c.dead', 0);
  }, { at: '/queues/%2F/c.dead/messages' });
});

test('a queue is paused and goes on', skip, async () => {
  await fill('c.pause');
  await visit(async (page) => {
    await page.locator('.page-head').getByRole('button', { name: 'Pause' }).click();
    await confirm(page, 'Pause');
    await page.locator('.badge.warn', { hasText: 'paused' }).waitFor();
    await page.locator('.page-head').getByRole('button', { name: 'Resume' }).click();
    await page.locator('.badge', { hasText: 'running' }).waitFor();
  }, { at: '/queues/%2F/c.pause' });
});

test('what is scheduled is listed, sent now, or cancelled', skip, async () => {
  await api('DELETE', 'exchanges/%2F/c.later', undefined, { also: [404] });
  await api('PUT', 'exchanges/%2F/c.later', { type: 'x-delayed-message', durable: true, arguments: { 'x-delayed-type': 'fanout' } });
  await fill('c.due');
  await api('POST', 'bindings/%2F/e/c.later/q/c.due', { routing_key: '', arguments: {} });
  for (const hours of [1, 2, 3]) await api('POST', 'exchanges/%2F/c.later/publish', { properties: { headers: { 'x-delay': hours * 3_600_000 } }, routing_key: `in.${hours}`, payload: `{"hours": ${hours}}`, payload_encoding: 'string' });
  await visit(async (page) => {
    const rows = page.locator('.schedule');
    await page.locator('[role=status]', { hasText: '3 messages wait' }).waitFor();
    assert.match(await rows.nth(0).innerText(), /in 59 min.*in\.1/s);
    await rows.nth(0).locator('summary').click();
    await rows.nth(0).locator('.json-key', { hasText: 'hours' }).waitFor();
    await accessible(page, 'schedules');
    await shot(page, 'schedules');
    await rows.nth(0).getByRole('button', { name: 'Send now' }).click();
    await ready('c.due', 1);
    await page.locator('[role=status]', { hasText: '2 messages wait' }).waitFor();
    await rows.nth(0).getByRole('button', { name: 'Cancel the message' }).click();
    await confirm(page, 'Cancel the message');
    await toast(page, 'It will not be sent.');
    await page.locator('[role=status]', { hasText: '1 messages wait' }).waitFor();
  }, { at: '/exchanges/%2F/c.later' });
  assert.equal((await queue('c.due')).messages_ready, 1);
});

test('what a consumer holds is shown, with who holds it', skip, async () => {
  await fill('c.held', ['{"held": 1}']);
  const holder = await connect('holder');
  const channel = await holder.createChannel();
  await channel.consume('c.held', () => {}, { consumerTag: 'slow-one' });
  await until(() => queue('c.held'), (now) => now.messages_unacknowledged === 1, 'it is out');
  await visit(async (page) => {
    const held = page.locator('section', { hasText: 'Not acked yet' }).locator('.schedule', { hasText: 'slow-one' });
    await held.filter({ hasText: 'held for' }).waitFor();
    await held.locator('summary').click();
    await held.locator('.json-key', { hasText: 'held' }).waitFor();
    await accessible(page, 'what is not acked');
    await shot(page, 'unacked');
    await holder.close();
    await held.waitFor({ state: 'detached', timeout: 15_000 });
  }, { at: '/queues/%2F/c.held/consumers' });
});

test('events are seen as they happen', skip, () => visit(async (page) => {
  await page.locator('[role=status]', { hasText: 'listening' }).waitFor();
  await fill('c.event');
  const row = page.locator('tr', { hasText: 'queue.created' }).filter({ hasText: 'c.event' });
  await row.waitFor();
  await accessible(page, 'events');
  await shot(page, 'events');
  await page.getByLabel('Events with this in them').fill('c.event');
  await page.waitForFunction(() => [...document.querySelectorAll('tbody tr')].every((one) => one.textContent.includes('c.event')));
  await page.getByLabel('Hold still').check();
  await api('DELETE', 'queues/%2F/c.event');
  await page.getByLabel('Hold still').uncheck();
  await page.locator('tr', { hasText: 'queue.deleted' }).filter({ hasText: 'c.event' }).waitFor();
}, { at: '/events' }));

test('duplicates that were dropped are counted', skip, async () => {
  await fill('c.once', [], { 'x-message-deduplication': true });
  for (let n = 0; n < 3; n += 1) await api('POST', 'exchanges/%2F/amq.default/publish', { properties: { headers: { 'x-deduplication-header': 'one' } }, routing_key: 'c.once', payload: 'x', payload_encoding: 'string' });
  await visit(async (page) => {
    const facts = page.locator('section', { hasText: 'Duplicates' });
    await facts.locator('div', { hasText: 'dropped' }).filter({ hasText: '2' }).first().waitFor();
    await page.locator('.tile', { hasText: 'Ready' }).filter({ hasText: '1' }).waitFor();
  }, { at: '/queues/%2F/c.once' });
});
