// Which queues need somebody: those that grow, those nobody consumes, those with the oldest messages, the most unacked ones; and who
// is blocked. Asked for by sorting on the server, a few rows each, whatever the number of queues.

import { get, query } from '../../api/http.js';
import { badge, connectionLink, ofVhost, queueLink } from '../../components/bits.js';
import { table } from '../../components/table.js';
import { h, region } from '../../core/dom.js';
import { count, duration, instant, rate } from '../../core/format.js';
import { session } from '../../core/session.js';
import { t } from '../../i18n/index.js';

const EACH = 6;
const COLUMNS = 'name,vhost,messages,messages_ready,messages_unacknowledged,messages_details.rate,message_stats.publish_details.rate,consumers,head_message_timestamp,state';
/** Older heads than this are worth a look. */
const OLD_MS = 60_000;

/** @typedef {{ kind: string, level: 'bad' | 'warn', what: any, why: string, key: string, weight: number }} Finding */

const top = async (sort, reverse, size, signal) => {
  const answer = await get(ofVhost('queues') + query({ page: 1, page_size: size, sort, sort_reverse: reverse, pagination: true, columns: COLUMNS }), signal);
  return Array.isArray(answer) ? answer.slice(0, size) : answer.items;
};

/** @param {AbortSignal} signal @returns {Promise<Finding[]>} */
async function look(signal) {
  // One after the other: these are the dearest questions, and this page is left open.
  const growing = await top('messages_details.rate', true, EACH, signal);
  const largest = await top('messages', true, 50, signal);
  const unacked = await top('messages_unacknowledged', true, EACH, signal);
  const blocked = await blockedConnections(signal);
  /** @type {Finding[]} */
  const all = [];
  const add = (kind, level, queue, why, weight) =>
    all.push({ kind, level, what: queueLink(queue.vhost, queue.name), why, key: `${kind} ${queue.vhost} ${queue.name}`, weight });
  for (const queue of growing) {
    const speed = queue.messages_details?.rate;
    if (!(speed >= 0.2) || queue.messages === 0) continue;
    // Dead letters do not count as published: a queue that grows without them is where they end.
    if ((queue.message_stats?.publish_details?.rate ?? 0) < speed / 2) add(t('Dead letters'), 'bad', queue, t('{rate} without anybody publishing: dead letters come in', { rate: `+${rate(speed)}` }), 3);
    else add(t('Growing'), 'warn', queue, t('{rate}, {n} messages now', { rate: `+${rate(speed)}`, n: count(queue.messages) }), 2);
  }
  for (const queue of largest.filter((each) => each.messages > 0 && each.consumers === 0).slice(0, EACH)) {
    add(t('No consumer'), 'bad', queue, t('{n} messages wait for nobody', { n: count(queue.messages) }), 3);
  }
  const old = largest.map((queue) => ({ queue, age: Date.now() - instant(queue.head_message_timestamp) })).filter(({ age }) => age > OLD_MS);
  for (const { queue, age } of old.sort((a, b) => b.age - a.age).slice(0, EACH)) add(t('Old message'), 'warn', queue, t('the first has waited {age}', { age: duration(age) }), 1);
  for (const queue of unacked.filter((each) => each.consumers > 0 && each.messages_unacknowledged > 1000 && each.messages_ready === 0)) {
    add(t('Unacked'), 'warn', queue, t('{n} messages are out with consumers that do not ack', { n: count(queue.messages_unacknowledged) }), 1);
  }
  for (const connection of blocked) {
    all.push({ kind: t('Blocked'), level: 'bad', what: connectionLink(connection.name), why: t('publishes as {user} and is held back', { user: connection.user }), key: `blocked ${connection.name}`, weight: 4 });
  }
  return all.sort((a, b) => b.weight - a.weight);
}

async function blockedConnections(signal) {
  if (!session.isMonitoring) return [];
  const answer = await get(`connections${query({ page: 1, page_size: EACH, sort: 'state', columns: 'name,state,user', pagination: true })}`, signal);
  return (answer.items ?? answer).filter(({ state }) => state === 'blocked' || state === 'blocking');
}

/** @param {import('../../core/page.js').Context} ctx */
export function trouble(ctx) {
  const rows = region('div');
  ctx.every(async (signal) => {
    const found = await look(signal);
    rows.draw(table({
      caption: t('What needs attention'), rows: found, key: (finding) => finding.key,
      columns: [
        { label: t('What'), cell: ({ kind, level }) => badge(kind, level) },
        { label: t('Where'), head: true, cell: ({ what }) => what },
        { label: t('Why'), cell: ({ why }) => h('span', { class: 'whole' }, why) },
      ],
      empty: h('p', {}, t('Nothing: no queue grows, every queue with messages has a consumer, nobody is blocked.')),
    }));
  }, 10);
  return h('section', { class: 'card' }, h('h2', {}, t('What needs attention')), rows.element);
}
