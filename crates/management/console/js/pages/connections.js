// All connections.

import { badge, chosenVhost, connectionLink, userLink, vhostLink } from '../components/bits.js';
import { listPage } from '../components/list-page.js';
import { h } from '../core/dom.js';
import { byteRate, count, since } from '../core/format.js';
import { t } from '../i18n/index.js';

const FIELDS = 'name,vhost,user,state,ssl,protocol,channels,client_properties,connected_at,recv_oct_details.rate,send_oct_details.rate,user_provided_name';

/** @param {any} connection @returns {[string, string]} */
export function connectionState({ state }) {
  if (state === 'running') return [t('running'), 'good'];
  if (state === 'blocked' || state === 'blocking') return [t('blocked'), 'bad'];
  return [state ?? '–', 'warn'];
}

/** What the program calls itself. @param {any} connection */
export const programOf = ({ client_properties: client = {}, user_provided_name: name }) =>
  name ?? client.connection_name ?? [client.product, client.version].filter(Boolean).join(' ');

/** @param {import('../core/page.js').Context} ctx */
export function page(ctx) {
  ctx.title(t('Connections'));
  return listPage(ctx, {
    title: t('Connections'), sort: 'name', key: (one) => one.name, ask: () => ({ columns: FIELDS }),
    address: () => (chosenVhost() ? `vhosts/${encodeURIComponent(chosenVhost())}/connections` : 'connections'),
    columns: () => [
      { label: t('Name'), sort: 'name', head: true, cell: (one) => [connectionLink(one.name), h('div', {}, h('small', {}, programOf(one)))] },
      { label: t('Virtual host'), sort: 'vhost', small: true, hidden: Boolean(chosenVhost()), cell: (one) => vhostLink(one.vhost) },
      { label: t('User'), sort: 'user', small: 'phone', cell: (one) => userLink(one.user) },
      { label: t('State'), sort: 'state', cell: (one) => badge(...connectionState(one)) },
      { label: 'TLS', sort: 'ssl', small: true, cell: (one) => (one.ssl ? badge('TLS', 'good') : '–') },
      { label: t('Channels'), sort: 'channels', number: true, cell: (one) => count(one.channels) },
      { label: t('From client'), sort: 'recv_oct_details.rate', number: true, small: 'phone', cell: (one) => byteRate(one.recv_oct_details?.rate) },
      { label: t('To client'), sort: 'send_oct_details.rate', number: true, small: 'phone', cell: (one) => byteRate(one.send_oct_details?.rate) },
      { label: t('For'), sort: 'connected_at', number: true, small: 'wide', cell: (one) => since(one.connected_at) },
    ],
    empty: t('Nobody is connected.'),
  });
}
