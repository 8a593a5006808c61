// Who consumes from the queue, and what they hold.

import { offers } from '../../api/server.js';
import { consumerTable } from '../../components/consumers.js';
import { section } from '../../components/bits.js';
import { h, region } from '../../core/dom.js';
import { t } from '../../i18n/index.js';
import { unackedList } from './unacked.js';

/** @param {import('../../core/page.js').Context} ctx @param {{ vhost: string, name: string }} of */
export function consumersTab(ctx, of) {
  const list = region('div');
  const element = h('div', { class: 'stack' }, section(t('Consumers'), list.element));
  offers('/unacked').then((can) => {
    if (can && !ctx.signal.aborted) element.append(unackedList(ctx, of));
  });
  return { element, draw: (queue) => list.draw(consumerTable(queue.consumer_details ?? [], false)) };
}
