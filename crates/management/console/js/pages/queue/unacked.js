// Messages that consumers hold and have not acked, the one held longest first: who has it, and since when.

import { unacked } from '../../api/leveret.js';
import { connectionLink, section } from '../../components/bits.js';
import { messageView } from '../../components/message.js';
import { h, region } from '../../core/dom.js';
import { count, since, time } from '../../core/format.js';
import { t } from '../../i18n/index.js';

const SHOWN = 25;
const BODY_BYTES_MAX = 50_000;

/** @param {import('../../core/page.js').Context} ctx @param {{ vhost: string, name: string }} of */
export function unackedList(ctx, { vhost, name }) {
  const list = region('div');
  const row = (message) => h('div', { class: 'schedule', 'data-key': `${message.connection} ${message.channel} ${message.delivery_tag}` },
    h('div', { class: 'schedule-head' }, h('span', {}, h('b', {}, t('held for {time}', { time: since(message.since) })), ' ', h('small', {}, time(message.since))),
      h('span', {}, message.connection ? connectionLink(message.connection) : t('a connection that is gone'), ' ', h('code', {}, message.consumer_tag ?? t('got without a consumer')))),
    messageView(message, vhost));
  ctx.every(async (signal) => {
    const { messages, silent_connections: silent } = await unacked(vhost, name, { count: SHOWN, truncate: BODY_BYTES_MAX }, signal);
    list.draw(
      messages.length ? messages.map(row) : h('p', { class: 'muted' }, t('Nothing: everything that was delivered has been acked.')),
      messages.length === SHOWN && h('p', { class: 'hint' }, t('The {n} that are held longest.', { n: count(SHOWN) })),
      silent > 0 && h('p', { class: 'hint' }, t('{n} connections did not answer in time; what they hold is missing here.', { n: count(silent) })));
  });
  return section(t('Not acked yet'), list.element);
}
