// What flows where: the busiest queues (or those with a name), the exchanges that feed them, the connections that consume from them.
// Bounded: a few queues, whatever the broker has.

import { ofVhost } from '../components/bits.js';
import { table } from '../components/table.js';
import { get, query } from '../api/http.js';
import { h, keep, region } from '../core/dom.js';
import { rate } from '../core/format.js';
import { requery } from '../core/router.js';
import { settings } from '../core/settings.js';
import { t } from '../i18n/index.js';
import { lookAround } from './flow/data.js';
import { layOut } from './flow/layout.js';
import { picture } from './flow/picture.js';

const SIZES = ['8', '16', '32'];

/** @param {import('../core/page.js').Context} ctx */
export function page(ctx) {
  ctx.title(t('Flow'));
  let asked = ctx.query;
  const drawing = region('div', { class: 'flow-scroll', tabindex: '0', role: 'region', 'aria-label': t('Flow') });
  const words = region('div');
  const name = () => asked.get('name') ?? '';
  const size = () => asked.get('top') ?? '8';
  const asking = ctx.every(async (signal) => {
    const answer = await get(ofVhost('queues') + query({
      page: 1, page_size: size(), name: name(), use_regex: name() ? false : null, pagination: true, columns: 'name,vhost,messages_ready',
      sort: name() ? 'name' : 'message_stats.publish_details.rate', sort_reverse: !name(),
    }), signal);
    const flow = await lookAround(answer.items ?? answer.slice(0, Number(size())), signal);
    const total = answer.filtered_count ?? answer.length;
    if (flow.queues.length === 0) {
      drawing.draw(h('div', { class: 'empty' }, name() ? t('No queue has “{name}” in its name.', { name: name() }) : t('There are no queues, so nothing flows yet.')));
      words.draw();
      return;
    }
    drawing.draw(picture(layOut(flow, drawing.element.clientWidth)));
    words.draw(
      total > flow.queues.length && h('p', { class: 'hint' }, name() ? t('The first {n} of {total} queues with this name.', { n: flow.queues.length, total }) : t('The {n} queues with the most publishings, of {total}.', { n: flow.queues.length, total })),
      h('details', { class: 'card' }, h('summary', {}, h('h2', {}, t('The same as a table'))), table({
        caption: t('Flow'), rows: flow.streams, key: (one) => `${one.from} ${one.to}`,
        columns: [{ label: t('From'), head: true, cell: (one) => one.fromName }, { label: t('To'), cell: (one) => one.toName }, { label: t('Rate'), number: true, cell: (one) => rate(one.rate ?? undefined) }],
      })));
  });
  const choose = (changes) => {
    asked = requery(changes);
    asking.now();
  };
  let timer = 0;
  const typed = (event) => {
    clearTimeout(timer);
    timer = setTimeout(() => choose({ name: event.target.value }), 250);
  };
  settings.watch('vhost', () => asking.now(), ctx.signal);
  return h('div', {}, h('h1', {}, t('Flow')),
    keep('filters', h('form', { class: 'filters', role: 'search', on: { submit: (event) => event.preventDefault() } },
      h('label', {}, h('span', { class: 'unseen' }, t('Queues with this in their name')), h('input', { type: 'search', class: 'filter-name', value: name(), placeholder: t('Queues with this in their name'), on: { input: typed } })),
      h('label', { class: 'inline right' }, t('Queues'), h('select', { value: size(), on: { change: (event) => choose({ top: event.target.value }) } }, SIZES.map((each) => h('option', { value: each }, each)))))),
    drawing.element, words.element);
}
