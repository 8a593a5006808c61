// One queue, with a tab for each thing people come for.

import { get, path, query } from '../api/http.js';
import { offers } from '../api/server.js';
import { badge, tabs, vhostLink } from '../components/bits.js';
import { historyQuery } from '../charts/history.js';
import { h, region } from '../core/dom.js';
import { link } from '../core/router.js';
import { t } from '../i18n/index.js';
import { actions } from './queue/actions.js';
import { bindingsTab } from './queue/bindings.js';
import { consumersTab } from './queue/consumers.js';
import { features, state } from './queue/features.js';
import { messagesTab } from './queue/messages.js';
import { publishTab } from './queue/publish.js';
import { summaryTab } from './queue/summary.js';

const TABS = () => /** @type {[string, string, (ctx: any, queue: any) => any][]} */ ([
  ['', t('Summary'), summaryTab], ['messages', t('Messages'), messagesTab], ['publish', t('Publish'), publishTab],
  ['bindings', t('Bindings'), bindingsTab], ['consumers', t('Consumers'), consumersTab],
]);

/** @param {import('../core/page.js').Context} ctx */
export async function page(ctx) {
  const { vhost, name, tab = '' } = ctx.params;
  ctx.title(name);
  const canPause = await offers('/pause');
  const head = region('div', { class: 'page-head' });
  const [, , open] = TABS().find(([key]) => key === tab) ?? TABS()[0];
  const shown = open(ctx, { vhost, name });
  ctx.every(async (signal) => {
    const queue = await get(path`queues/${vhost}/${name}` + query(historyQuery()), signal);
    head.draw(
      h('div', {}, h('h1', {}, name), h('div', { class: 'row wrap' }, h('span', { class: 'muted' }, t('Queue in'), ' ', vhostLink(vhost)), badge(...state(queue)), h('span', { class: 'features' }, features(queue)))),
      actions(queue, canPause));
    shown.draw?.(queue);
  });
  return h('div', {}, head.element, tabs(t('Parts of the queue'), TABS().map(([key, label]) => [key, label]), tab, (key) => (key ? link('queues', vhost, name, key) : link('queues', vhost, name))), shown.element);
}
