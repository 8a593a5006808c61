// Policies and operator policies: settings for queues and exchanges by a pattern of their names, changed while they run.

import { get, path, request } from '../api/http.js';
import { virtualHosts } from '../api/server.js';
import { args, badge, chosenVhost, ofVhost, vhostLink } from '../components/bits.js';
import { confirmed, dialog } from '../components/dialog.js';
import { form } from '../components/form.js';
import { table } from '../components/table.js';
import { doing, toast } from '../components/toast.js';
import { h, region } from '../core/dom.js';
import { count } from '../core/format.js';
import { session } from '../core/session.js';
import { settings } from '../core/settings.js';
import { t } from '../i18n/index.js';

const KINDS = {
  policies: { title: () => t('Policies'), add: () => t('Add a policy'), applies: ['all', 'queues', 'exchanges', 'classic_queues', 'quorum_queues', 'streams'], example: '{"max-length": 10000, "dead-letter-exchange": "dlx"}' },
  'operator-policies': { title: () => t('Operator policies'), add: () => t('Add an operator policy'), applies: ['queues', 'classic_queues', 'quorum_queues', 'streams'], example: '{"max-length": 1000000, "message-ttl": 86400000}' },
};

/** @param {import('../core/page.js').Context} ctx */
export function page(ctx) {
  ctx.title(t('Policies'));
  const lists = { policies: region('div'), 'operator-policies': region('div') };
  const asking = ctx.every(async (signal) => {
    await Promise.all(Object.entries(lists).map(async ([kind, list]) => {
      const rows = await get(ofVhost(kind), signal);
      list.draw(policyTable(kind, rows, () => asking.now()));
    }));
  });
  settings.watch('vhost', () => asking.now(), ctx.signal);
  const part = (kind, mayAdd, hint) => h('section', { class: 'card' },
    h('div', { class: 'page-head' }, h('h2', {}, KINDS[kind].title()), mayAdd && h('button', { class: 'button primary', type: 'button', on: { click: () => edit(kind, null, () => asking.now()) } }, KINDS[kind].add())),
    h('p', { class: 'hint' }, hint), lists[kind].element);
  return h('div', {}, h('h1', {}, t('Policies')),
    part('policies', session.isPolicymaker, t('Of the policies whose pattern fits a name, the one with the highest priority applies. An argument that a queue was declared with goes before a policy.')),
    part('operator-policies', session.isAdministrator, t('Limits that hold whatever applications and policies ask for: of two numbers the smaller one counts.')));
}

const isAllowed = (kind) => (kind === 'policies' ? session.isPolicymaker : session.isAdministrator);

const policyTable = (kind, rows, onChange) => table({
  caption: KINDS[kind].title(), rows, key: (one) => `${one.vhost} ${one.name}`,
  columns: [
    { label: t('Name'), head: true, cell: (one) => one.name }, { label: t('Virtual host'), small: true, hidden: Boolean(chosenVhost()), cell: (one) => vhostLink(one.vhost) },
    { label: t('Pattern'), cell: (one) => h('code', {}, one.pattern) }, { label: t('Applies to'), small: 'phone', cell: (one) => badge(one['apply-to']) },
    { label: t('Definition'), cell: (one) => args(one.definition) }, { label: t('Priority'), number: true, small: 'phone', cell: (one) => count(one.priority) },
    { label: h('span', { class: 'unseen' }, t('Actions')), number: true, hidden: !isAllowed(kind), cell: (one) => h('div', { class: 'actions' },
      h('button', { class: 'button small', type: 'button', 'aria-label': t('Change {name}', one), on: { click: () => edit(kind, one, onChange) } }, t('Change')),
      h('button', { class: 'button small danger', type: 'button', 'aria-label': t('Delete {name}', one), on: { click: () => remove(kind, one, onChange) } }, t('Delete'))) },
  ],
  empty: h('p', {}, t('There are none.')),
});

async function edit(kind, old, onChange) {
  const vhosts = await virtualHosts().catch(() => []);
  await dialog({ title: old ? t('Change {name}', old) : KINDS[kind].add(), body: (close) => form({
    submit: t('Save'), onCancel: () => close(),
    fields: [
      { name: 'vhost', label: t('Virtual host'), type: 'select', options: old ? [[old.vhost, old.vhost]] : vhosts.map(({ name }) => [name, name]), value: old?.vhost ?? (chosenVhost() || '/') },
      { name: 'name', label: t('Name'), required: true, value: old?.name, hint: old && t('Another name makes another policy.') },
      { name: 'pattern', label: t('Pattern'), required: true, value: old?.pattern, placeholder: '^orders\\.', hint: t('A regular expression of names.') },
      { name: 'applies', label: t('Applies to'), type: 'select', options: KINDS[kind].applies.map((name) => [name, name]), value: old?.['apply-to'] },
      { name: 'priority', label: t('Priority'), type: 'number', value: old?.priority ?? 0 },
      { name: 'definition', label: t('Definition (JSON)'), type: 'json', required: true, wide: true, rows: 6, value: old ? JSON.stringify(old.definition, null, 2) : '', placeholder: KINDS[kind].example },
    ],
    onSubmit: async ({ vhost, name, pattern, applies, priority, definition }) => {
      await request('PUT', path`${kind}/${vhost}/${name}`, { body: { pattern, 'apply-to': applies, priority: priority ?? 0, definition } });
      toast(t('“{name}” applies now.', { name }));
      close();
      onChange();
    },
  }) });
}

async function remove(kind, { vhost, name, pattern }, onChange) {
  const sure = await confirmed({
    title: t('Delete “{name}”?', { name }), action: t('Delete the policy'),
    loses: t('What it sets ends at once for everything whose name fits {pattern}: messages that it let expire, dropped or dead-lettered are kept from now on.', { pattern }),
  });
  if (sure && (await doing(() => request('DELETE', path`${kind}/${vhost}/${name}`), t('“{name}” is deleted.', { name })))) onChange();
}
