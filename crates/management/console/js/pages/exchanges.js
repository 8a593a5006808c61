// All exchanges.

import { path, request } from '../api/http.js';
import { paths, virtualHosts } from '../api/server.js';
import { badge, chosenVhost, exchangeLink, ofVhost, vhostLink } from '../components/bits.js';
import { dialog } from '../components/dialog.js';
import { form } from '../components/form.js';
import { listPage } from '../components/list-page.js';
import { toast } from '../components/toast.js';
import { h } from '../core/dom.js';
import { rate } from '../core/format.js';
import { changed } from '../core/page.js';
import { link } from '../core/router.js';
import { t } from '../i18n/index.js';

const FIELDS = 'name,vhost,type,durable,auto_delete,internal,arguments,policy,message_stats.publish_in_details.rate,message_stats.publish_out_details.rate';
const TYPES = ['direct', 'fanout', 'topic', 'headers', 'x-delayed-message', 'x-consistent-hash', 'x-modulus-hash', 'x-random', 'x-recent-history'];

/** @param {any} exchange */
export const exchangeFeatures = (exchange) => [
  !exchange.durable && badge(t('transient'), '', t('Gone when the server stops')),
  exchange.auto_delete && badge(t('auto-delete'), '', t('Deleted when nothing is bound to it any more')),
  exchange.internal && badge(t('internal'), '', t('Clients cannot publish to it')),
  exchange.arguments?.['alternate-exchange'] && badge('AE', '', t('What nobody wants goes to “{name}”', { name: exchange.arguments['alternate-exchange'] })),
  exchange.arguments?.['x-delayed-type'] && badge(exchange.arguments['x-delayed-type'], '', t('Routes as this type when a message is due')),
  exchange.policy && badge(exchange.policy, 'policy', t('Policy')),
];

/** @param {import('../core/page.js').Context} ctx */
export function page(ctx) {
  ctx.title(t('Exchanges'));
  return listPage(ctx, {
    title: t('Exchanges'), address: () => ofVhost('exchanges'), ask: () => ({ columns: FIELDS }), sort: 'name', key: (one) => `${one.vhost} ${one.name}`,
    head: h('button', { class: 'button primary', type: 'button', on: { click: () => add() } }, t('Add an exchange')),
    columns: () => [
      { label: t('Name'), sort: 'name', head: true, cell: (one) => [exchangeLink(one.vhost, one.name), ' ', h('span', { class: 'features' }, exchangeFeatures(one))] },
      { label: t('Virtual host'), sort: 'vhost', small: true, hidden: Boolean(chosenVhost()), cell: (one) => vhostLink(one.vhost) },
      { label: t('Type'), sort: 'type', cell: (one) => h('span', { class: 'whole' }, one.type) },
      { label: t('In'), sort: 'message_stats.publish_in_details.rate', number: true, cell: (one) => rate(one.message_stats?.publish_in_details?.rate) },
      { label: t('Out'), sort: 'message_stats.publish_out_details.rate', number: true, small: 'phone', title: t('To queues; a message that reaches two counts twice'), cell: (one) => rate(one.message_stats?.publish_out_details?.rate) },
    ],
    empty: t('There are no exchanges here that you may see.'),
  });
}

async function add() {
  const [vhosts, ours] = [await virtualHosts().catch(() => []), (await paths()).size > 0];
  const types = ours ? TYPES : TYPES.filter((type) => type !== 'x-delayed-message');
  await dialog({ title: t('Add an exchange'), body: (close) => form({
    submit: t('Add the exchange'), onCancel: () => close(),
    fields: [
      { name: 'vhost', label: t('Virtual host'), type: 'select', options: vhosts.map(({ name }) => /** @type {[string, string]} */ ([name, name])), value: chosenVhost() || '/' },
      { name: 'name', label: t('Name'), required: true },
      { name: 'type', label: t('Type'), type: 'select', options: types.map((type) => /** @type {[string, string]} */ ([type, type])) },
      { name: 'alternate-exchange', label: t('What nobody wants goes to exchange') },
      { name: 'x-delayed-type', label: t('When due, route as'), type: 'select', options: [['', t('(not delayed)')], ...['direct', 'fanout', 'topic', 'headers'].map((type) => /** @type {[string, string]} */ ([type, type]))], when: ['type', 'x-delayed-message'] },
      { name: 'durable', label: t('Durable: is there after a restart'), type: 'checkbox', value: true },
      { name: 'auto_delete', label: t('Delete when nothing is bound any more'), type: 'checkbox' },
      { name: 'internal', label: t('Internal: only other exchanges publish to it'), type: 'checkbox' },
      { name: 'more', label: t('More arguments (JSON)'), type: 'json', wide: true, rows: 2 },
    ],
    onSubmit: async ({ vhost, name, more, type, durable, auto_delete, internal, ...values }) => {
      const args = { ...more };
      for (const [key, value] of Object.entries(values)) if (value !== null) args[key] = value;
      await request('PUT', path`exchanges/${vhost}/${name}`, { body: { type, durable, auto_delete, internal, arguments: args } });
      toast(t('Exchange “{name}” is there.', { name }));
      close();
      changed();
      location.hash = link('exchanges', vhost, name);
    },
  }) });
}
