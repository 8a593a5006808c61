// Is it well: alarms with what to do about them, the checks that load balancers ask, listeners, feature flags.

import { ApiError, get, getIfThere } from '../api/http.js';
import { badge, section, tile } from '../components/bits.js';
import { table } from '../components/table.js';
import { h, region } from '../core/dom.js';
import { bytes, count, duration } from '../core/format.js';
import { t } from '../i18n/index.js';
import { alarmsOf } from './health/alarms.js';

const CHECKS = () => /** @type {[string, string][]} */ ([
  ['alarms', t('No memory or disk alarm')], ['local-alarms', t('No alarm on this node')], ['virtual-hosts', t('All virtual hosts run')],
  ['certificate-expiration/1/months', t('Certificates are good for another month')], ['protocol-listener/amqp', t('AMQP is listened for')],
  ['node-is-mirror-sync-critical', t('No mirror would be lost with this node')], ['node-is-quorum-critical', t('No queue would be lost with this node')],
]);

async function check(name, signal) {
  try {
    await get(`health/checks/${name}`, signal);
    return { verdict: badge(t('well'), 'good'), why: '' };
  } catch (error) {
    if (!(error instanceof ApiError) || error.status === 0) throw error;
    if (error.status === 404 || error.status === 405) return null;
    if (error.status === 401 || error.status === 403) return { verdict: badge(t('not for you to see')), why: '' };
    return { verdict: badge(t('not well'), 'bad'), why: error.message };
  }
}

/** @param {import('../core/page.js').Context} ctx */
export function page(ctx) {
  ctx.title(t('Health'));
  const alarms = region('div');
  const nodes = region('div', { class: 'tiles' });
  const checks = region('div');
  const listeners = region('div');
  ctx.every(async (signal) => {
    const [overview, all, results] = await Promise.all([
      get('overview', signal), getIfThere('nodes', signal), Promise.all(CHECKS().map(async ([name, label]) => ({ name, label, result: await check(name, signal) }))),
    ]);
    const found = alarmsOf(all ?? []);
    alarms.draw(found.length ? found.map((text) => h('div', { class: 'banner bad' }, text)) : all && h('p', { class: 'banner' }, t('No alarm. Publishers are not held back.')), found.length > 0 && advice(all ?? []));
    nodes.draw((all ?? []).flatMap(nodeTiles));
    checks.draw(table({
      caption: t('Checks'), rows: results.filter(({ result }) => result), key: ({ name }) => name,
      columns: [{ label: t('Check'), head: true, cell: ({ label }) => label }, { label: t('Now'), cell: ({ result }) => [result?.verdict, ' ', result?.why] },
        { label: t('Address'), small: true, cell: ({ name }) => h('code', {}, `/api/health/checks/${name}`) }],
    }));
    listeners.draw(table({
      caption: t('Listeners'), rows: overview.listeners ?? [], key: (one) => `${one.protocol} ${one.ip_address} ${one.port}`,
      columns: [{ label: t('Protocol'), head: true, cell: (one) => one.protocol }, { label: t('Address'), cell: (one) => one.ip_address }, { label: t('Port'), number: true, cell: (one) => String(one.port) }],
      empty: t('none'),
    }));
  }, 10);
  return h('div', {}, h('h1', {}, t('Health')), alarms.element, nodes.element, section(t('Checks'), h('p', { class: 'hint' }, t('What a load balancer or Kubernetes can ask: 200 when well, else 503.')), checks.element), section(t('Listeners'), listeners.element));
}

function advice(nodes) {
  const memory = nodes.some((node) => node.mem_alarm);
  const disk = nodes.some((node) => node.disk_free_alarm);
  return section(t('What to do'), h('ul', {},
    memory && h('li', {}, t('Memory: find the longest queues (Queues, sorted by Ready) and see that somebody consumes them; purge what nobody needs; limit them with a policy (max-length, message-ttl).')),
    disk && h('li', {}, t('Disk: make room on the disk that holds the data folder. Messages leave it when they are consumed, expire or are purged.')),
    h('li', {}, t('Publishers go on by themselves when the alarm is over. Nothing that was confirmed is lost meanwhile.'))));
}

function nodeTiles(node) {
  const has = (name) => node[name] !== undefined;
  return [
    has('mem_used') && tile(t('Memory'), bytes(node.mem_used), t('limit {limit}', { limit: bytes(node.mem_limit) }), node.mem_alarm ? 'bad' : ''),
    has('disk_free') && tile(t('Disk free'), bytes(node.disk_free), t('limit {limit}', { limit: bytes(node.disk_free_limit) }), node.disk_free_alarm ? 'bad' : ''),
    has('fd_used') && tile(t('Open files'), count(node.fd_used), t('limit {limit}', { limit: count(node.fd_total) })),
    has('sockets_used') && tile(t('Sockets'), count(node.sockets_used)), has('processors') && tile(t('Processors'), count(node.processors)), has('uptime') && tile(t('Up for'), duration(node.uptime), node.name),
  ];
}
