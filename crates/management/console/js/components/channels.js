// Channels, as columns of a table.

import { count, instant, rate } from '../core/format.js';
import { t } from '../i18n/index.js';
import { badge, channelLink, chosenVhost, userLink, vhostLink } from './bits.js';

/** @param {any} channel */
export const channelModes = (channel) => [
  channel.confirm && badge(t('confirms'), '', t('Its publishings are confirmed')), channel.transactional && badge(t('transactions')),
];

/** @param {boolean} withOwner @returns {import('./table.js').Column<any>[]} */
export const channelColumns = (withOwner) => [
  { label: t('Channel'), sort: 'name', head: true, cell: (one) => [channelLink(one.name), ' ', channelModes(one)] },
  { label: t('Virtual host'), sort: 'vhost', small: true, hidden: !withOwner || Boolean(chosenVhost()), cell: (one) => vhostLink(one.vhost) },
  { label: t('User'), sort: 'user', small: true, hidden: !withOwner, cell: (one) => userLink(one.user) },
  { label: t('State'), sort: 'state', small: 'phone', cell: (one) => badge(...channelState(one)) },
  { label: t('Unconfirmed'), sort: 'messages_unconfirmed', number: true, small: true, cell: (one) => count(one.messages_unconfirmed) },
  { label: t('Prefetch'), sort: 'prefetch_count', number: true, small: true, cell: (one) => (one.global_prefetch_count ? `${count(one.global_prefetch_count)} ${t('together')}` : one.prefetch_count ? count(one.prefetch_count) : '–') },
  { label: t('Unacked'), sort: 'messages_unacknowledged', number: true, cell: (one) => count(one.messages_unacknowledged) },
  { label: t('Consumers'), sort: 'consumer_count', number: true, small: 'phone', cell: (one) => count(one.consumer_count) },
  { label: t('Published'), sort: 'message_stats.publish_details.rate', number: true, small: 'phone', cell: (one) => rate(one.message_stats?.publish_details?.rate) },
  { label: t('Delivered'), sort: 'message_stats.deliver_get_details.rate', number: true, small: 'phone', cell: (one) => rate(one.message_stats?.deliver_get_details?.rate) },
  { label: t('Acked'), sort: 'message_stats.ack_details.rate', number: true, small: true, cell: (one) => rate(one.message_stats?.ack_details?.rate) },
];

/** A pause that is worth a word. */
const IDLE_MS = 10_000;

/** @param {any} channel @returns {[string, string]} */
export function channelState({ state, idle_since: idle }) {
  if (state === 'blocked' || state === 'flow') return [state === 'flow' ? t('slowed down') : t('blocked'), 'warn'];
  if (Date.now() - instant(idle) > IDLE_MS) return [t('idle'), ''];
  return state === 'running' ? [t('running'), 'good'] : [state ?? '–', ''];
}
