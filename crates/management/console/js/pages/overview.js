// The first page: is it well, how much goes through, and what needs somebody.

import { get, getIfThere, query } from '../api/http.js';
import { badge, meter, tile } from '../components/bits.js';
import { levelsChart, rangeChoice, ratesChart } from '../charts/panel.js';
import { historyQuery } from '../charts/history.js';
import { h, region } from '../core/dom.js';
import { bytes, count, duration, rate, short } from '../core/format.js';
import { t } from '../i18n/index.js';
import { alarmsOf } from './health/alarms.js';
import { storeTiles } from './overview/store.js';
import { trouble } from './overview/trouble.js';

const COUNTERS = ['publish', 'confirm', 'deliver_get', 'ack', 'redeliver', 'return_unroutable'];

/** @param {import('../core/page.js').Context} ctx */
export function page(ctx) {
  ctx.title(t('Overview'));
  const head = region('div', { class: 'page-head' });
  const tiles = region('div', { class: 'tiles' });
  const nodes = region('div', { class: 'tiles' });
  const levels = levelsChart('overview');
  const rates = ratesChart('overview', COUNTERS);
  ctx.every(async (signal) => {
    const [overview, all, store] = await Promise.all([
      get(`overview${query(historyQuery())}`, signal), getIfThere('nodes', signal), storeTiles(signal),
    ]);
    head.draw(title(overview, all), rangeChoice(ctx.refresh));
    tiles.draw(figures(overview));
    nodes.draw((all ?? []).flatMap(nodeTiles), store);
    levels.set(overview.queue_totals);
    rates.set(overview.message_stats);
  });
  return h('div', {}, head.element, tiles.element, h('div', { class: 'charts' }, levels.element, rates.element), trouble(ctx), h('h2', {}, t('The server')), nodes.element);
}

// Ours tells tools the version of RabbitMQ that it answers like; a person is told what runs here.
const product = (overview) =>
  overview.leveret_version ? `Leveret ${overview.leveret_version}` : `${overview.product_name ?? 'RabbitMQ'} ${overview.product_version ?? overview.rabbitmq_version}`;

function title(overview, nodes) {
  const alarms = alarmsOf(nodes ?? []);
  return h('div', { class: 'row wrap' }, h('h1', {}, t('Overview')),
    nodes === null ? null : alarms.length ? badge(t('Alarm'), 'bad') : badge(t('Healthy'), 'good'),
    h('span', { class: 'muted' }, `${product(overview)} · ${overview.cluster_name}`));
}

/** @param {any} overview */
function figures({ queue_totals: totals = {}, object_totals: objects = {}, message_stats: stats = {} }) {
  const out = stats.deliver_get_details?.rate;
  const growing = totals.messages_details?.rate;
  const link = (href, text) => h('a', { href }, text);
  return [
    tile(t('Messages ready'), count(totals.messages_ready), typeof growing === 'number' && Math.abs(growing) >= 0.1 && t('{rate} in all', { rate: (growing > 0 ? '+' : '') + rate(growing) })),
    tile(t('Messages unacked'), count(totals.messages_unacknowledged)),
    tile(t('Published'), rate(stats.publish_details?.rate), typeof stats.publish === 'number' && t('{n} in all', { n: short(stats.publish) })),
    tile(t('Delivered'), rate(out), typeof stats.deliver_get === 'number' && t('{n} in all', { n: short(stats.deliver_get) })),
    tile(t('Queues'), link('#/queues', count(objects.queues))),
    tile(t('Consumers'), link('#/consumers', count(objects.consumers))),
    tile(t('Connections'), link('#/connections', count(objects.connections)), objects.channels !== undefined && link('#/channels', t('{n} channels', { n: count(objects.channels) }))),
    tile(t('Exchanges'), link('#/exchanges', count(objects.exchanges))),
  ];
}

function nodeTiles(node) {
  const all = [];
  if (node.mem_used !== undefined) {
    all.push(tile(t('Memory'), bytes(node.mem_used), [t('limit {limit}', { limit: bytes(node.mem_limit) }), meter(t('Memory of the limit'), node.mem_used, node.mem_limit, node.mem_alarm)], node.mem_alarm ? 'bad' : ''));
  }
  if (node.disk_free !== undefined) all.push(tile(t('Disk free'), bytes(node.disk_free), t('limit {limit}', { limit: bytes(node.disk_free_limit) }), node.disk_free_alarm ? 'bad' : ''));
  if (node.fd_total) all.push(tile(t('Open files'), count(node.fd_used), [t('limit {limit}', { limit: count(node.fd_total) }), meter(t('Open files of the limit'), node.fd_used, node.fd_total, false)]));
  if (node.uptime !== undefined) all.push(tile(t('Up for'), duration(node.uptime), node.name));
  return all;
}
