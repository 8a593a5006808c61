// One virtual host: figures, limits, who may do what in it.

import { get, getIfThere, path, query, request } from '../api/http.js';
import { forgetServer } from '../api/server.js';
import { badge, section, tile } from '../components/bits.js';
import { confirmed } from '../components/dialog.js';
import { limitsSection } from '../components/limits.js';
import { permissionForm, permissionTable } from '../components/permissions.js';
import { doing } from '../components/toast.js';
import { historyQuery } from '../charts/history.js';
import { levelsChart, rangeChoice, ratesChart } from '../charts/panel.js';
import { h, region } from '../core/dom.js';
import { count } from '../core/format.js';
import { session } from '../core/session.js';
import { settings } from '../core/settings.js';
import { t } from '../i18n/index.js';

/** @param {import('../core/page.js').Context} ctx */
export function page(ctx) {
  const { name } = ctx.params;
  ctx.title(name);
  const head = region('div', { class: 'page-head' });
  const tiles = region('div', { class: 'tiles' });
  const levels = levelsChart(`vhost ${name}`);
  const rates = ratesChart(`vhost ${name}`, ['publish', 'confirm', 'deliver_get', 'ack']);
  const permissions = region('div');
  const limits = limitsSection({ read: 'vhost-limits', of: name, kinds: [['max-connections', t('Connections at most')], ['max-queues', t('Queues at most')]] });
  const asking = ctx.every(async (signal) => {
    const [vhost, allowed] = await Promise.all([
      get(path`vhosts/${name}` + query(historyQuery()), signal), session.isAdministrator ? getIfThere(path`vhosts/${name}/permissions`, signal) : null, limits.refresh(signal),
    ]);
    head.draw(h('div', {}, h('h1', {}, name), h('div', { class: 'row wrap' }, h('span', { class: 'muted' }, t('Virtual host'), vhost.description && `: ${vhost.description}`), vhost.protected_from_deletion && badge(t('protected'), 'policy'), vhost.tracing && badge(t('traced'), 'warn'))),
      h('div', { class: 'actions' }, rangeChoice(ctx.refresh),
        h('a', { class: 'button', href: '#/queues', on: { click: () => settings.set('vhost', name) } }, t('Its queues')),
        session.isAdministrator && h('button', { class: 'button danger', type: 'button', on: { click: () => remove(vhost) } }, t('Delete'))));
    tiles.draw(tile(t('Messages ready'), count(vhost.messages_ready)), tile(t('Messages unacked'), count(vhost.messages_unacknowledged)));
    levels.set(vhost);
    rates.set(vhost.message_stats);
    permissions.draw(permissionTable(allowed ?? [], 'user', () => asking.now()));
  });
  return h('div', {}, head.element, tiles.element, h('div', { class: 'charts' }, levels.element, rates.element), limits.element,
    session.isAdministrator && section(t('Permissions'), permissions.element, permissionForm({ vhost: name, onDone: () => asking.now() })));
}

async function remove({ name, messages = 0 }) {
  const sure = await confirmed({
    title: t('Delete virtual host “{name}”?', { name }), action: t('Delete the virtual host'), word: name,
    loses: t('All its queues, exchanges, bindings, policies and permissions go, with {n} messages for ever; its connections are closed.', { n: count(messages) }),
  });
  if (!sure || !(await doing(() => request('DELETE', path`vhosts/${name}`), t('“{name}” is deleted.', { name })))) return;
  forgetServer();
  if (settings.get('vhost') === name) settings.set('vhost', '');
  location.hash = '#/vhosts';
}
