// What the picture is made of: nodes and the streams between them, from the API's answers about a few queues.

import { get, path } from '../../api/http.js';
import { t } from '../../i18n/index.js';
import { programOf } from '../connections.js';
import { link } from '../../core/router.js';

/**
 * @typedef {{ id: string, kind: 'exchange' | 'queue' | 'consumer', name: string, more: string, href: string, trouble?: boolean, ready?: number }} FlowNode
 * @typedef {{ from: string, to: string, fromName: string, toName: string, rate: number | null, out?: boolean }} Stream `rate`: null when the server does not tell it
 * @typedef {{ upstream: FlowNode[], exchanges: FlowNode[], queues: FlowNode[], consumers: FlowNode[], streams: Stream[] }} Flow
 */

const BINDINGS_MS = 30_000;
const CONSUMERS_MAX = 6;
const SOURCES_MAX = 8;

// Bindings and names of programs change seldom: they are asked for twice a minute.
const kept = new Map();
async function asBefore(address, signal, none) {
  const old = kept.get(address);
  if (old && Date.now() - old.at < BINDINGS_MS) return old.answer;
  const answer = await get(address, signal).catch(() => none);
  if (kept.size > 500) kept.clear();
  kept.set(address, { at: Date.now(), answer });
  return answer;
}

const bindingsOf = (address, signal) => asBefore(address, signal, []);

const exchangeNode = (vhost, name) => ({
  id: `e ${vhost} ${name}`, kind: /** @type {'exchange'} */ ('exchange'), name: name || t('(default exchange)'), more: vhost === '/' ? t('exchange') : `${t('exchange')} · ${vhost}`,
  href: name ? link('exchanges', vhost, name) : link('exchanges', vhost),
});

/** @param {{ vhost: string, name: string }[]} chosen @param {AbortSignal} signal @returns {Promise<Flow>} */
export async function lookAround(chosen, signal) {
  const found = await Promise.all(chosen.map(async ({ vhost, name }) => {
    const address = path`queues/${vhost}/${name}`;
    const [queue, bindings] = await Promise.all([get(`${address}?msg_rates_age=60&msg_rates_incr=5`, signal).catch(() => null), bindingsOf(`${address}/bindings`, signal)]);
    return { queue, bindings };
  }));
  /** @type {Map<string, FlowNode>} */
  const exchanges = new Map();
  /** @type {Map<string, FlowNode>} */
  const consumers = new Map();
  /** @type {Flow} */
  const flow = { upstream: [], exchanges: [], queues: [], consumers: [], streams: [] };
  for (const { queue, bindings } of found) {
    if (!queue) continue;
    const node = queueNode(queue);
    flow.queues.push(node);
    for (const { name, rate } of sources(queue, bindings)) {
      const exchange = exchangeNode(queue.vhost, name);
      exchanges.set(exchange.id, exchange);
      flow.streams.push({ from: exchange.id, to: node.id, fromName: exchange.name, toName: node.name, rate });
    }
    for (const { consumer, rate } of drains(queue)) {
      consumers.set(consumer.id, consumer);
      flow.streams.push({ from: node.id, to: consumer.id, fromName: node.name, toName: consumer.name, rate, out: true });
    }
  }
  flow.exchanges = [...exchanges.values()];
  flow.consumers = [...consumers.values()];
  await Promise.all([addUpstream(flow, found, signal), nameConsumers(flow, signal)]);
  return flow;
}

const queueNode = (queue) => ({
  id: `q ${queue.vhost} ${queue.name}`, kind: /** @type {'queue'} */ ('queue'), name: queue.name, href: link('queues', queue.vhost, queue.name), ready: queue.messages_ready ?? 0,
  trouble: queue.messages > 0 && queue.consumers === 0, more: '',
});

// Who feeds a queue. A rate is told where the server tells it per exchange, or where there is only one it can be from.
function sources(queue, bindings) {
  /** @type {Map<string, number | null>} */
  const rates = new Map();
  for (const { exchange, stats } of queue.incoming ?? []) if (exchange) rates.set(exchange.name, stats?.publish_details?.rate ?? 0);
  const names = new Set(bindings.map(({ source }) => source).filter((source) => source !== ''));
  for (const name of names) if (!rates.has(name)) rates.set(name, queue.incoming?.length ? 0 : null);
  const whole = queue.message_stats?.publish_details?.rate;
  if (rates.size === 0 && whole > 0) rates.set('', whole);
  if (rates.size === 1 && names.size === 1 && [...rates.values()][0] === null) rates.set([...names][0], whole ?? 0);
  return [...rates].map(([name, rate]) => ({ name, rate })).sort((a, b) => (b.rate ?? 0) - (a.rate ?? 0)).slice(0, SOURCES_MAX);
}

// Who consumes, by connection.
function drains(queue) {
  const told = new Map();
  for (const { channel_details: channel, stats } of queue.deliveries ?? []) {
    const name = channel?.connection_name;
    if (name) told.set(name, (told.get(name) ?? 0) + (stats?.deliver_get_details?.rate ?? stats?.deliver_details?.rate ?? 0));
  }
  const counts = new Map();
  for (const { channel_details: channel } of queue.consumer_details ?? []) {
    const name = channel?.connection_name ?? channel?.name ?? '?';
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const whole = queue.message_stats?.deliver_get_details?.rate ?? 0;
  const rateOf = (name) => told.get(name) ?? (counts.size === 1 ? whole : queue.deliveries ? 0 : null);
  const all = [...counts].map(([name, n]) => ({
    rate: rateOf(name),
    consumer: { id: `c ${name}`, kind: /** @type {'consumer'} */ ('consumer'), name, more: n > 1 ? t('{n} consumers', { n }) : t('consumer'), href: link('connections', name) },
  })).sort((a, b) => (b.rate ?? 0) - (a.rate ?? 0));
  if (all.length <= CONSUMERS_MAX) return all;
  const rest = all.slice(CONSUMERS_MAX - 1);
  const sum = rest.some(({ rate }) => rate === null) ? null : rest.reduce((total, { rate }) => total + (rate ?? 0), 0);
  return [...all.slice(0, CONSUMERS_MAX - 1), { rate: sum, consumer: { id: `c more ${queue.vhost} ${queue.name}`, kind: /** @type {'consumer'} */ ('consumer'), name: t('{n} more connections', { n: rest.length }), more: '', href: link('queues', queue.vhost, queue.name, 'consumers') } }];
}

// Programs say their name when they connect; an address says nobody anything.
async function nameConsumers(flow, signal) {
  await Promise.all(flow.consumers.filter(({ id }) => !id.startsWith('c more ')).slice(0, 32).map(async (node) => {
    const connection = await asBefore(path`connections/${node.name}`, signal, null);
    const name = connection && programOf(connection);
    if (!name) return;
    node.more = `${node.more} · ${connection.peer_host}:${connection.peer_port}`;
    node.name = name;
    for (const stream of flow.streams) if (stream.to === node.id) stream.toName = name;
  }));
}

// Exchanges that are bound to the exchanges shown.
async function addUpstream(flow, found, signal) {
  const vhosts = new Map(found.filter(({ queue }) => queue).flatMap(({ queue, bindings }) => bindings.map(({ source }) => [`e ${queue.vhost} ${source}`, [queue.vhost, source]])));
  const lists = await Promise.all(flow.exchanges.filter(({ id }) => vhosts.has(id)).slice(0, 24).map(async (node) => {
    const [vhost, name] = vhosts.get(node.id);
    return name === '' ? [] : (await bindingsOf(path`exchanges/${vhost}/${name}/bindings/destination`, signal)).map(({ source }) => ({ node, source: exchangeNode(vhost, source) }));
  }));
  const shown = new Set(flow.exchanges.map(({ id }) => id));
  for (const { node, source } of lists.flat()) {
    if (!shown.has(source.id)) {
      shown.add(source.id);
      flow.upstream.push(source);
    }
    if (!flow.streams.some(({ from, to }) => from === source.id && to === node.id)) flow.streams.push({ from: source.id, to: node.id, fromName: source.name, toName: node.name, rate: null });
  }
}
