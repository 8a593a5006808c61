// One exchange: rates, who feeds it and whom it feeds, publishing, what it holds back until later.

import { get, path, query, request } from '../api/http.js';
import { offers } from '../api/server.js';
import { bindingForm, bindingTable } from '../components/bindings.js';
import { args, badge, section, vhostLink } from '../components/bits.js';
import { confirmed } from '../components/dialog.js';
import { publishForm } from '../components/publish.js';
import { facts } from '../components/table.js';
import { doing } from '../components/toast.js';
import { historyQuery } from '../charts/history.js';
import { rangeChoice, ratesChart } from '../charts/panel.js';
import { h, region } from '../core/dom.js';
import { t } from '../i18n/index.js';
import { schedules } from './exchange/schedules.js';
import { exchangeFeatures } from './exchanges.js';

/** @param {import('../core/page.js').Context} ctx */
export async function page(ctx) {
  const { vhost, name = '' } = ctx.params;
  const isDefault = name === '' || name === 'amq.default';
  const address = path`exchanges/${vhost}/${isDefault ? 'amq.default' : name}`;
  const title = isDefault ? t('(default exchange)') : name;
  ctx.title(title);
  const head = region('div', { class: 'page-head' });
  const about = region('div', { class: 'columns' });
  const from = region('div');
  const to = region('div');
  const rates = ratesChart(`exchange ${vhost} ${name}`, ['publish_in', 'publish_out']);
  const later = h('div');
  let wantsSchedules = await offers('/schedules');

  const asking = ctx.every(async (signal) => {
    const [exchange, sources, destinations] = await Promise.all([
      get(address + query(historyQuery()), signal), isDefault ? [] : get(`${address}/bindings/destination`, signal), isDefault ? [] : get(`${address}/bindings/source`, signal),
    ]);
    head.draw(
      h('div', {}, h('h1', {}, title), h('div', { class: 'row wrap' }, h('span', { class: 'muted' }, t('Exchange in'), ' ', vhostLink(vhost)), badge(exchange.type), h('span', { class: 'features' }, exchangeFeatures(exchange)))),
      h('div', { class: 'actions' }, rangeChoice(ctx.refresh),
        !isDefault && !name.startsWith('amq.') && h('button', { class: 'button danger', type: 'button', on: { click: () => remove(vhost, name, destinations.length) } }, t('Delete'))));
    rates.set(exchange.message_stats);
    about.draw(
      section(t('About'), facts([[t('Type'), exchange.type], [t('Durable'), exchange.durable ? t('yes') : t('no')], [t('Auto-delete'), exchange.auto_delete ? t('yes') : t('no')],
        [t('Internal'), exchange.internal ? t('yes') : t('no')], [t('Policy'), exchange.policy && h('a', { href: '#/policies' }, exchange.policy)]])),
      section(t('Arguments'), args(exchange.arguments) ?? h('p', { class: 'muted' }, t('none'))));
    from.draw(sources.length ? section(t('Bound to other exchanges'), bindingTable(sources, { show: 'source', onChange: () => asking.now() })) : null);
    to.draw(isDefault ? section(t('Bindings'), h('p', {}, t('Every queue is bound to it by its own name; that cannot be changed.')))
      : section(t('Bindings: who gets its messages'), bindingTable(destinations, { show: 'destination', onChange: () => asking.now() })));
    if (wantsSchedules && exchange.type === 'x-delayed-message') {
      wantsSchedules = false;
      later.append(schedules(ctx, { vhost, name }));
    }
  });
  const bind = async ({ destination, kind, routing_key: key, arguments: values }) => {
    const bound = await doing(() => request('POST', `${path`bindings/${vhost}/e/${name}`}/${kind}/${encodeURIComponent(destination)}`, { body: { routing_key: key ?? '', arguments: values ?? {} } }), t('Bound.'));
    if (bound) asking.now();
  };
  return h('div', {}, head.element, rates.element, about.element, later, from.element, to.element,
    !isDefault && section(t('Bind to a queue or exchange'), bindingForm({ vhost, ask: 'destination', onSubmit: bind })),
    section(t('Publish a message'), publishForm({ vhost, exchange: isDefault ? '' : name })));
}

async function remove(vhost, name, bound) {
  const sure = await confirmed({
    title: t('Delete “{name}”?', { name }), action: t('Delete the exchange'), word: bound ? name : undefined,
    loses: t('The exchange and its {n} bindings go. Applications that publish to it are refused.', { n: bound }),
  });
  if (sure && (await doing(() => request('DELETE', path`exchanges/${vhost}/${name}`), t('“{name}” is deleted.', { name })))) location.hash = '#/exchanges';
}
