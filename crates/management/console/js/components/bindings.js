// Bindings: the table and the form, for queues and exchanges alike.

import { get, path, query, request } from '../api/http.js';
import { h } from '../core/dom.js';
import { t } from '../i18n/index.js';
import { args, exchangeLink, queueLink } from './bits.js';
import { confirmed } from './dialog.js';
import { form } from './form.js';
import { table } from './table.js';
import { doing } from './toast.js';

/** @param {any[]} bindings @param {{ show: 'source' | 'destination', onChange: () => void }} options which end is told */
export function bindingTable(bindings, { show, onChange }) {
  const key = (one) => `${one.source} ${one.destination_type} ${one.destination} ${one.properties_key}`;
  return table({
    caption: t('Bindings'), rows: bindings, key,
    columns: [
      { label: show === 'source' ? t('From exchange') : t('To'), head: true, cell: (one) => (show === 'source' ? exchangeLink(one.vhost, one.source) : destination(one)) },
      { label: t('Routing key'), cell: (one) => h('code', {}, one.routing_key) },
      { label: t('Arguments'), small: 'phone', cell: (one) => args(one.arguments) },
      { label: h('span', { class: 'unseen' }, t('Actions')), number: true, cell: (one) => one.source !== '' &&
        h('button', { class: 'button small danger', type: 'button', 'aria-label': t('Unbind {source} from {destination}', one), on: { click: () => unbind(one, onChange) } }, t('Unbind')) },
    ],
    empty: h('p', {}, show === 'source' ? t('Nothing is bound to it.') : t('It is bound to nothing: what is published here is dropped, or returned to its publisher.')),
  });
}

const destination = (one) => [one.destination_type === 'queue' ? queueLink(one.vhost, one.destination) : exchangeLink(one.vhost, one.destination), ' ', h('small', {}, one.destination_type === 'queue' ? t('queue') : t('exchange'))];

async function unbind(one, onChange) {
  const sure = await confirmed({
    title: t('Unbind?'), action: t('Unbind'),
    loses: t('Messages that exchange “{source}” gets with routing key “{routing_key}” no longer reach “{destination}”.', one),
  });
  const kind = one.destination_type === 'queue' ? 'q' : 'e';
  if (sure && (await doing(() => request('DELETE', `${path`bindings/${one.vhost}/e/${one.source}`}/${kind}/${encodeURIComponent(one.destination)}/${encodeURIComponent(one.properties_key)}`), t('Unbound.')))) onChange();
}

/** @param {{ vhost: string, ask: 'source' | 'destination', onSubmit: (values: any) => Promise<any> }} options */
export function bindingForm({ vhost, ask, onSubmit }) {
  const name = ask === 'source' ? { name: 'source', label: t('Exchange'), required: true } : { name: 'destination', label: t('Queue or exchange'), required: true };
  const kind = { name: 'kind', label: t('which is a'), type: /** @type {'select'} */ ('select'), options: /** @type {[string, string][]} */ ([['q', t('queue')], ['e', t('exchange')]]) };
  const element = form({
    submit: t('Bind'), reset: true, onSubmit, label: t('Bind'),
    fields: [name, ...(ask === 'destination' ? [kind] : []), { name: 'routing_key', label: t('Routing key') },
      { name: 'arguments', label: t('Arguments (JSON)'), type: 'json', rows: 2, placeholder: '{"x-match": "all", "tenant": "eu"}', hint: t('For headers exchanges.') }],
  });
  suggest(element.elements[name.name], () => (ask === 'source' || element.elements.kind.value === 'e' ? 'exchanges' : 'queues'), vhost);
  return element;
}

// Names that begin as what is typed: asked of the server, a few at a time.
function suggest(input, what, vhost) {
  const list = h('datalist', { id: `${input.id}-names` });
  input.setAttribute('list', list.id);
  input.after(list);
  let timer = 0;
  input.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      const found = await get(path`${what()}/${vhost}` + query({ page: 1, page_size: 12, name: input.value, use_regex: false, columns: 'name', pagination: true }), AbortSignal.timeout(5000)).catch(() => ({ items: [] }));
      list.replaceChildren(...(found.items ?? []).map((item) => h('option', { value: item.name })));
    }, 200);
  });
}
