// All consumers.

import { ofVhost } from '../components/bits.js';
import { consumerColumns } from '../components/consumers.js';
import { listPage } from '../components/list-page.js';
import { h } from '../core/dom.js';
import { t } from '../i18n/index.js';

/** @param {import('../core/page.js').Context} ctx */
export function page(ctx) {
  ctx.title(t('Consumers'));
  return listPage(ctx, {
    title: t('Consumers'), address: () => ofVhost('consumers'), sort: 'queue.name', columns: () => consumerColumns(true), nameHint: t('Filter by consumer tag'),
    key: (one) => `${one.channel_details?.name} ${one.consumer_tag}`, empty: h('p', {}, t('Nobody consumes. Messages wait in their queues.')),
  });
}
