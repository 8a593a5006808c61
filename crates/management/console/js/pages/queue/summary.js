// A queue at a glance: figures, charts, how it was declared, which policy applies.

import { getIfThere, path } from '../../api/http.js';
import { offers } from '../../api/server.js';
import { args, badge, exchangeLink, section, tile } from '../../components/bits.js';
import { facts } from '../../components/table.js';
import { levelsChart, rangeChoice, ratesChart } from '../../charts/panel.js';
import { h, region } from '../../core/dom.js';
import { bytes, count, duration, instant, rate, since, time } from '../../core/format.js';
import { t } from '../../i18n/index.js';

/** @param {import('../../core/page.js').Context} ctx @param {{ vhost: string, name: string }} of */
export function summaryTab(ctx, { vhost, name }) {
  const key = `queue ${vhost} ${name}`;
  const tiles = region('div', { class: 'tiles' });
  const levels = levelsChart(key);
  const rates = ratesChart(key, ['publish', 'deliver_get', 'ack', 'redeliver']);
  const about = region('div', { class: 'columns' });
  let seen = null;
  ctx.every(async (signal) => {
    if (await offers('/dedup')) seen = await getIfThere(path`leveret/queues/${vhost}/${name}/dedup`, signal);
  }, 10);
  return {
    element: h('div', { class: 'stack' }, h('div', { class: 'row end' }, rangeChoice(ctx.refresh)), tiles.element, h('div', { class: 'charts' }, levels.element, rates.element), about.element),
    draw(queue) {
      tiles.draw(figures(queue));
      levels.set(queue);
      rates.set(queue.message_stats);
      about.draw(section(t('About'), facts(aboutOf(queue))), section(t('Arguments'), args(queue.arguments) ?? h('p', { class: 'muted' }, t('none'))), policy(queue), deadLetters(queue), duplicates(seen), flows(queue));
    },
  };
}

function figures(queue) {
  const stats = queue.message_stats ?? {};
  const head = instant(queue.head_message_timestamp);
  const alone = queue.messages > 0 && queue.consumers === 0;
  return [
    tile(t('Ready'), count(queue.messages_ready)), tile(t('Unacked'), count(queue.messages_unacknowledged)),
    tile(t('In'), rate(stats.publish_details?.rate)), tile(t('Delivered'), rate(stats.deliver_get_details?.rate)), tile(t('Acked'), rate(stats.ack_details?.rate)),
    tile(t('Consumers'), count(queue.consumers), alone && t('messages wait for nobody'), alone ? 'bad' : ''),
    tile(t('Size'), bytes(queue.message_bytes), queue.message_bytes_ram !== undefined && t('{n} in memory', { n: bytes(queue.message_bytes_ram) })),
    head > 0 && tile(t('Oldest message'), duration(Math.max(0, Date.now() - head)), time(head)),
  ];
}

/** @type {(queue: any) => [string, any][]} */
const aboutOf = (queue) => [
  [t('Type'), queue.type], [t('Durable'), queue.durable ? t('yes') : t('no')], [t('Auto-delete'), queue.auto_delete ? t('yes') : t('no')],
  [t('Exclusive'), queue.exclusive ? queue.owner_pid_details?.name ?? t('yes') : t('no')], [t('Node'), queue.node],
  [t('Idle for'), queue.idle_since && since(queue.idle_since)], [t('Memory'), queue.memory === undefined ? null : bytes(queue.memory)],
  [t('Persistent messages'), queue.messages_persistent === undefined ? null : count(queue.messages_persistent)],
  [t('Messages in memory'), queue.messages_ram === undefined ? null : count(queue.messages_ram)],
  [t('Used by its consumers'), typeof queue.consumer_capacity === 'number' ? `${Math.round(queue.consumer_capacity * 100)} %` : null],
];

const policy = (queue) => section(t('Policies'),
  facts([[t('Policy'), queue.policy && h('a', { href: '#/policies' }, queue.policy)], [t('Operator policy'), queue.operator_policy && h('a', { href: '#/policies' }, queue.operator_policy)],
    [t('What applies'), args(queue.effective_policy_definition)]]),
  !queue.policy && !queue.operator_policy && h('p', { class: 'muted' }, t('No policy matches this queue.')));

function deadLetters(queue) {
  const settings = { ...queue.effective_policy_definition, ...queue.arguments };
  const exchange = settings['x-dead-letter-exchange'] ?? settings['dead-letter-exchange'];
  if (exchange === undefined) return null;
  const key = settings['x-dead-letter-routing-key'] ?? settings['dead-letter-routing-key'];
  return section(t('Dead letters'), facts([[t('go to exchange'), exchangeLink(queue.vhost, exchange)], [t('with routing key'), key ? h('code', {}, key) : t('the one they came with')]]));
}

// Only where somebody asks for it: a queue that drops nothing has seen no ids.
const duplicates = (seen) => (seen && (seen.ids || seen.producers || seen.duplicates) ? section(t('Duplicates'), facts([
  [t('dropped'), count(seen.duplicates)], [t('ids remembered'), count(seen.ids)], [t('producers remembered'), seen.producers ? count(seen.producers) : null],
  [t('gaps in sequences'), seen.sequence_gaps ? count(seen.sequence_gaps) : null]])) : null);

function flows(queue) {
  const incoming = (queue.incoming ?? []).filter(({ exchange }) => exchange);
  if (!incoming.length) return null;
  return section(t('Where messages come from'), h('ul', { class: 'args' }, incoming.map(({ exchange, stats }) =>
    h('li', {}, exchangeLink(queue.vhost, exchange.name), ' ', badge(rate(stats?.publish_details?.rate))))));
}
