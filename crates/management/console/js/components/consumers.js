// Consumers, as a table of their queue's or channel's page.

import { h } from '../core/dom.js';
import { count } from '../core/format.js';
import { t } from '../i18n/index.js';
import { args, badge, channelLink, queueLink } from './bits.js';
import { table } from './table.js';

/** @param {boolean} withQueue @returns {import('./table.js').Column<any>[]} */
export const consumerColumns = (withQueue) => [
  { label: t('Consumer tag'), sort: 'consumer_tag', head: true, cell: (one) => h('code', {}, one.consumer_tag) },
  { label: t('Queue'), sort: 'queue.name', hidden: !withQueue, cell: (one) => queueLink(one.queue.vhost, one.queue.name) },
  { label: t('Channel'), small: withQueue && 'phone', cell: (one) => channelLink(one.channel_details?.name ?? '') },
  { label: t('Acks'), small: true, cell: (one) => (one.ack_required ? t('by hand') : badge(t('automatic'), 'warn', t('A message counts as done when it was sent'))) },
  { label: t('Prefetch'), sort: 'prefetch_count', number: true, cell: (one) => (one.prefetch_count === 0 ? t('unlimited') : count(one.prefetch_count)) },
  { label: t('State'), small: 'phone', cell: (one) => (one.active === false ? badge(one.activity_status ?? t('waiting'), 'warn') : badge(one.exclusive ? t('exclusive') : t('active'), 'good')) },
  { label: t('Arguments'), small: true, cell: (one) => args(one.arguments) },
];

/** @param {any[]} consumers @param {boolean} withQueue */
export const consumerTable = (consumers, withQueue) =>
  table({
    caption: t('Consumers'), rows: consumers, key: (one) => `${one.channel_details?.name} ${one.consumer_tag}`, columns: consumerColumns(withQueue),
    empty: h('p', {}, t('Nobody consumes here.')),
  });
