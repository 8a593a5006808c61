// Limits of a virtual host or a user: what is set, setting it, taking it away.

import { getIfThere, path, request } from '../api/http.js';
import { h, region } from '../core/dom.js';
import { count } from '../core/format.js';
import { session } from '../core/session.js';
import { t } from '../i18n/index.js';
import { section } from './bits.js';
import { form } from './form.js';
import { doing } from './toast.js';

/** @param {{ read: 'vhost-limits' | 'user-limits', of: string, kinds: [string, string][] }} options */
export function limitsSection({ read, of, kinds }) {
  const list = region('div');
  const address = (kind) => `${read}/${encodeURIComponent(of)}/${kind}`;
  async function refresh(signal) {
    const answer = await getIfThere(path`${read}/${of}`, signal);
    const value = [answer?.value ?? answer?.[0]?.value ?? {}].flat()[0] ?? {};
    const known = kinds.filter(([kind]) => value[kind] !== undefined);
    list.draw(known.length === 0 ? h('p', { class: 'muted' }, t('No limits.')) : h('dl', { class: 'facts' }, known.map(([kind, label]) =>
      h('div', {}, h('dt', {}, label), h('dd', { class: 'row' }, value[kind] < 0 ? t('unlimited') : count(value[kind]),
        session.isAdministrator && h('button', { class: 'button small', type: 'button', 'aria-label': t('Take away: {limit}', { limit: label }), on: { click: () => clear(kind) } }, t('Take away')))))));
  }
  const again = () => refresh(AbortSignal.timeout(20_000));
  async function clear(kind) {
    if (await doing(() => request('DELETE', address(kind)), t('The limit is gone.'))) await again();
  }
  const set = async ({ kind, value }) => {
    if (await doing(() => request('PUT', address(kind), { body: { value } }), t('The limit is set.'))) await again();
  };
  return {
    refresh,
    element: section(t('Limits'), list.element, session.isAdministrator && form({
      submit: t('Set the limit'), reset: true, onSubmit: set, label: t('Set a limit'),
      fields: [{ name: 'kind', label: t('Limit'), type: 'select', options: kinds }, { name: 'value', label: t('Value'), type: 'number', required: true, min: 0 }],
    })),
  };
}
