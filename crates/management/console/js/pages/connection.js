// One connection: who is at the other end, what goes through, its channels; and closing it, with a reason that its program is told.

import { get, getIfThere, path, query, request } from '../api/http.js';
import { args, badge, section, tile, userLink, vhostLink } from '../components/bits.js';
import { channelColumns } from '../components/channels.js';
import { dialog } from '../components/dialog.js';
import { form } from '../components/form.js';
import { facts, table } from '../components/table.js';
import { doing } from '../components/toast.js';
import { chart } from '../charts/chart.js';
import { historyQuery, rateOf } from '../charts/history.js';
import { rangeChoice } from '../charts/panel.js';
import { h, region } from '../core/dom.js';
import { byteRate, bytes, count, since, time } from '../core/format.js';
import { t } from '../i18n/index.js';
import { connectionState, programOf } from './connections.js';

/** @param {import('../core/page.js').Context} ctx */
export function page(ctx) {
  const { name } = ctx.params;
  ctx.title(name);
  const head = region('div', { class: 'page-head' });
  const tiles = region('div', { class: 'tiles' });
  const about = region('div', { class: 'columns' });
  const channels = region('div');
  const drawn = chart({ title: t('Bytes per second'), format: byteRate, base: 1024 });
  ctx.every(async (signal) => {
    const ages = historyQuery();
    const [connection, list] = await Promise.all([
      get(path`connections/${name}` + query({ data_rates_age: ages.lengths_age, data_rates_incr: ages.lengths_incr }), signal), getIfThere(path`connections/${name}/channels`, signal),
    ]);
    head.draw(
      h('div', {}, h('h1', {}, name), h('div', { class: 'row wrap' }, badge(...connectionState(connection)), connection.ssl && badge('TLS', 'good'), h('span', { class: 'muted' }, programOf(connection)))),
      h('div', { class: 'actions' }, rangeChoice(ctx.refresh), h('button', { class: 'button danger', type: 'button', on: { click: () => close(connection) } }, t('Close'))));
    tiles.draw(
      tile(t('From client'), byteRate(connection.recv_oct_details?.rate), connection.recv_oct !== undefined && t('{n} in all', { n: bytes(connection.recv_oct) })),
      tile(t('To client'), byteRate(connection.send_oct_details?.rate), connection.send_oct !== undefined && t('{n} in all', { n: bytes(connection.send_oct) })),
      tile(t('Channels'), count(connection.channels), t('at most {n}', { n: count(connection.channel_max) })), tile(t('Connected for'), since(connection.connected_at), time(connection.connected_at)));
    drawn.set([
      { label: t('From client'), kind: 'received', points: rateOf(name, connection, 'recv_oct') }, { label: t('To client'), kind: 'sent', points: rateOf(name, connection, 'send_oct') },
    ]);
    about.draw(section(t('About'), facts(aboutOf(connection))), section(t('What the client says of itself'), args(withoutCapabilities(connection.client_properties)) ?? h('p', { class: 'muted' }, t('nothing'))));
    channels.draw(table({ caption: t('Channels'), rows: list ?? [], key: (one) => one.name, columns: channelColumns(false), empty: h('p', {}, t('It has no channel open.')) }));
  });
  return h('div', {}, head.element, tiles.element, drawn.element, section(t('Channels'), channels.element), about.element);
}

const withoutCapabilities = ({ capabilities: _, ...rest } = /** @type {any} */ ({})) => rest;

/** @type {(one: any) => [string, any][]} */
const aboutOf = (one) => [
  [t('User'), userLink(one.user)], [t('Virtual host'), vhostLink(one.vhost)], [t('Client'), one.peer_host && `${one.peer_host}:${one.peer_port}`], [t('Server'), one.host && `${one.host}:${one.port}`],
  [t('Protocol'), one.protocol], [t('Logged in by'), one.auth_mechanism], [t('Heartbeat'), one.timeout === undefined ? null : one.timeout ? `${one.timeout} s` : t('none')],
  [t('Largest frame'), one.frame_max ? bytes(one.frame_max) : null], ['TLS', one.ssl ? [one.ssl_protocol, one.ssl_cipher].filter(Boolean).join(', ') || t('yes') : null],
  [t('Certificate of'), one.peer_cert_subject],
];

async function close({ name, channels }) {
  await dialog({
    title: t('Close this connection?'), class: 'narrow',
    body: (leave) => [
      h('p', {}, t('Its {n} channels end; what its consumers have not acked is delivered again. Most programs connect again by themselves.', { n: count(channels) })),
      form({
        submit: t('Close the connection'), danger: true, onCancel: () => leave(),
        fields: [{ name: 'reason', label: t('Reason, told to the program'), value: 'Closed by an operator', hint: t('In ASCII letters.'), wide: true }],
        onSubmit: async ({ reason }) => {
          // A header carries ASCII alone.
          const text = (reason ?? '').replace(/[^\x20-\x7e]/g, '?');
          if (await doing(() => request('DELETE', path`connections/${name}`, { headers: { 'x-reason': text } }), t('Closed.'))) {
            leave();
            location.hash = '#/connections';
          }
        },
      })],
  });
}
