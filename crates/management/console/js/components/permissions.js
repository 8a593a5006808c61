// Permissions: what a user may do in a virtual host, as RabbitMQ's three regular expressions.

import { get, path, request } from '../api/http.js';
import { h } from '../core/dom.js';
import { t } from '../i18n/index.js';
import { userLink, vhostLink } from './bits.js';
import { confirmed } from './dialog.js';
import { form } from './form.js';
import { table } from './table.js';
import { doing } from './toast.js';

/** @param {any[]} rows @param {'user' | 'vhost'} show which end is told @param {() => void} onChange */
export function permissionTable(rows, show, onChange) {
  const pattern = (text) => (text === '' ? h('span', { class: 'muted' }, t('nothing')) : h('code', {}, text));
  return table({
    caption: t('Permissions'), rows, key: (one) => `${one.user} ${one.vhost}`,
    columns: [
      { label: show === 'user' ? t('User') : t('Virtual host'), head: true, cell: (one) => (show === 'user' ? userLink(one.user) : vhostLink(one.vhost)) },
      { label: t('Configure'), cell: (one) => pattern(one.configure) }, { label: t('Write'), cell: (one) => pattern(one.write) }, { label: t('Read'), cell: (one) => pattern(one.read) },
      { label: h('span', { class: 'unseen' }, t('Actions')), number: true, cell: (one) => h('button', { class: 'button small danger', type: 'button', 'aria-label': t('Take away the permissions of {user} in {vhost}', one), on: { click: () => clear(one, onChange) } }, t('Take away')) },
    ],
    empty: h('p', {}, show === 'user' ? t('Nobody has permissions here: nobody can connect.') : t('No permissions: this user cannot connect to any virtual host.')),
  });
}

async function clear(one, onChange) {
  const sure = await confirmed({
    title: t('Take away the permissions?'), action: t('Take away'),
    loses: t('User “{user}” can no longer connect to virtual host “{vhost}”. Connections that are open stay, but are refused what they ask for.', one),
  });
  if (sure && (await doing(() => request('DELETE', path`permissions/${one.vhost}/${one.user}`), t('Taken away.')))) onChange();
}

/** One of `vhost` and `user` is given, the other asked for. @param {{ vhost?: string, user?: string, onDone: () => void }} options */
export function permissionForm({ vhost, user, onDone }) {
  const asked = vhost === undefined ? 'vhost' : 'user';
  const hint = t('A regular expression of names; empty: none.');
  const element = form({
    submit: t('Set the permissions'), label: t('Set permissions'),
    fields: [{ name: asked, label: asked === 'user' ? t('User') : t('Virtual host'), type: 'select', options: [], required: true },
      { name: 'configure', label: t('Configure'), value: '.*', hint }, { name: 'write', label: t('Write'), value: '.*', hint }, { name: 'read', label: t('Read'), value: '.*', hint }],
    onSubmit: async ({ configure, write, read, ...other }) => {
      await request('PUT', path`permissions/${vhost ?? other.vhost}/${user ?? other.user}`, { body: { configure: configure ?? '', write: write ?? '', read: read ?? '' } });
      onDone();
    },
  });
  get(`${asked}s?columns=name`, AbortSignal.timeout(20_000)).then((all) =>
    element.elements[asked].replaceChildren(...all.map(({ name }) => h('option', { value: name }, name)))).catch(() => {});
  return element;
}
