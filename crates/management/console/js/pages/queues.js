// All queues.

import { badge, chosenVhost, ofVhost, queueLink, vhostLink } from '../components/bits.js';
import { listPage } from '../components/list-page.js';
import { h } from '../core/dom.js';
import { bytes, count, rate } from '../core/format.js';
import { t } from '../i18n/index.js';
import { addQueue } from './queue/add.js';
import { features, state } from './queue/features.js';

const FIELDS = ['name', 'vhost', 'type', 'durable', 'auto_delete', 'exclusive', 'arguments', 'policy', 'operator_policy', 'state', 'paused', 'messages', 'messages_ready',
  'messages_unacknowledged', 'consumers', 'memory', 'message_bytes', 'messages_details.rate', 'message_stats.publish_details.rate', 'message_stats.deliver_get_details.rate',
  'message_stats.ack_details.rate'].join(',');

/** @param {import('../core/page.js').Context} ctx */
export function page(ctx) {
  ctx.title(t('Queues'));
  return listPage(ctx, {
    title: t('Queues'), address: () => ofVhost('queues'), ask: () => ({ columns: FIELDS }), sort: 'name', key: (queue) => `${queue.vhost} ${queue.name}`,
    head: h('button', { class: 'button primary', type: 'button', on: { click: () => addQueue() } }, t('Add a queue')),
    mark: (queue) => (queue.messages > 0 && queue.consumers === 0 ? 'warn' : ''),
    columns: () => [
      { label: t('Name'), sort: 'name', head: true, cell: (queue) => [queueLink(queue.vhost, queue.name), ' ', h('span', { class: 'features' }, features(queue))] },
      { label: t('Virtual host'), sort: 'vhost', small: true, hidden: Boolean(chosenVhost()), cell: (queue) => vhostLink(queue.vhost) },
      { label: t('State'), sort: 'state', small: true, cell: (queue) => badge(...state(queue)) },
      { label: t('Ready'), sort: 'messages_ready', number: true, cell: (queue) => count(queue.messages_ready) },
      { label: t('Unacked'), sort: 'messages_unacknowledged', number: true, small: 'phone', cell: (queue) => count(queue.messages_unacknowledged) },
      { label: t('Growth'), sort: 'messages_details.rate', number: true, small: true, title: t('How fast the number of messages grows'), cell: (queue) => change(queue.messages_details?.rate) },
      { label: t('In'), sort: 'message_stats.publish_details.rate', number: true, small: 'phone', cell: (queue) => rate(queue.message_stats?.publish_details?.rate) },
      { label: t('Out'), sort: 'message_stats.deliver_get_details.rate', number: true, small: 'phone', cell: (queue) => rate(queue.message_stats?.deliver_get_details?.rate) },
      { label: t('Acked'), sort: 'message_stats.ack_details.rate', number: true, small: 'wide', cell: (queue) => rate(queue.message_stats?.ack_details?.rate) },
      { label: t('Consumers'), sort: 'consumers', number: true, cell: (queue) => (queue.consumers === 0 && queue.messages > 0 ? badge('0', 'bad', t('messages wait for nobody')) : count(queue.consumers)) },
      { label: t('Size'), sort: 'message_bytes', number: true, small: 'wide', cell: (queue) => bytes(queue.message_bytes) },
    ],
    empty: [h('p', {}, t('There are no queues yet. An application declares them when it starts, or you add one here.')),
      h('p', {}, h('code', {}, 'leveret bench --url amqp://guest:guest@127.0.0.1:5672/'), ' ', t('makes some traffic to look at.'))],
  });
}

const change = (value) => (typeof value === 'number' && Math.abs(value) >= 0.05 ? `${value > 0 ? '+' : ''}${rate(value)}` : '–');
