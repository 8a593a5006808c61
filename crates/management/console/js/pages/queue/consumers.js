// Who consumes from the queue.

import { consumerTable } from '../../components/consumers.js';
import { section } from '../../components/bits.js';
import { region } from '../../core/dom.js';
import { t } from '../../i18n/index.js';

/** @param {import('../../core/page.js').Context} _ctx @param {any} _of */
export function consumersTab(_ctx, _of) {
  const list = region('div');
  return {
    element: section(t('Consumers'), list.element),
    draw: (queue) => list.draw(consumerTable(queue.consumer_details ?? [], false)),
  };
}
