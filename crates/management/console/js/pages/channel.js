// One channel: its modes, its rates, its consumers.

import { get, path, query } from '../api/http.js';
import { badge, connectionLink, section, tile, userLink, vhostLink } from '../components/bits.js';
import { channelModes, channelState } from '../components/channels.js';
import { consumerTable } from '../components/consumers.js';
import { historyQuery } from '../charts/history.js';
import { rangeChoice, ratesChart } from '../charts/panel.js';
import { h, region } from '../core/dom.js';
import { count, since } from '../core/format.js';
import { t } from '../i18n/index.js';

/** @param {import('../core/page.js').Context} ctx */
export function page(ctx) {
  const { name } = ctx.params;
  ctx.title(name);
  const head = region('div', { class: 'page-head' });
  const tiles = region('div', { class: 'tiles' });
  const consumers = region('div');
  const rates = ratesChart(`channel ${name}`, ['publish', 'confirm', 'deliver_get', 'ack', 'redeliver', 'return_unroutable']);
  ctx.every(async (signal) => {
    const channel = await get(path`channels/${name}` + query(historyQuery()), signal);
    head.draw(
      h('div', {}, h('h1', {}, name), h('div', { class: 'row wrap' }, badge(...channelState(channel)), channelModes(channel),
        h('span', { class: 'muted' }, t('of connection'), ' ', connectionLink(channel.connection_details?.name ?? ''), ' · ', userLink(channel.user), ' · ', vhostLink(channel.vhost)))),
      rangeChoice(ctx.refresh));
    tiles.draw(
      tile(t('Unacked'), count(channel.messages_unacknowledged), t('prefetch {n}', { n: channel.prefetch_count ? count(channel.prefetch_count) : t('unlimited') })),
      tile(t('Unconfirmed'), count(channel.messages_unconfirmed)), tile(t('Uncommitted'), count(channel.messages_uncommitted), t('{n} acks', { n: count(channel.acks_uncommitted) })),
      tile(t('Consumers'), count(channel.consumer_count)), channel.idle_since && tile(t('Idle for'), since(channel.idle_since)));
    rates.set(channel.message_stats);
    consumers.draw(consumerTable(channel.consumer_details ?? [], true));
  });
  return h('div', {}, head.element, tiles.element, rates.element, section(t('Consumers'), consumers.element));
}
