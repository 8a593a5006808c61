// One user: tags, password, permissions in virtual hosts and on topics, limits.

import { get, path, request } from '../api/http.js';
import { badge, section, vhostLink } from '../components/bits.js';
import { confirmed } from '../components/dialog.js';
import { form } from '../components/form.js';
import { limitsSection } from '../components/limits.js';
import { permissionForm, permissionTable } from '../components/permissions.js';
import { table } from '../components/table.js';
import { doing, toast } from '../components/toast.js';
import { h, region } from '../core/dom.js';
import { session } from '../core/session.js';
import { t } from '../i18n/index.js';
import { TAGS, tagsOf } from './users.js';

/** @param {import('../core/page.js').Context} ctx */
export function page(ctx) {
  const { name } = ctx.params;
  ctx.title(name);
  const head = region('div', { class: 'page-head' });
  const permissions = region('div');
  const topics = region('div');
  const limits = limitsSection({ read: 'user-limits', of: name, kinds: [['max-connections', t('Connections at most')], ['max-channels', t('Channels at most')]] });
  let user = /** @type {any} */ ({});
  const asking = ctx.every(async (signal) => {
    const [answer, allowed, onTopics] = await Promise.all([
      get(path`users/${name}`, signal), get(path`users/${name}/permissions`, signal), get(path`users/${name}/topic-permissions`, signal), limits.refresh(signal),
    ]);
    user = answer;
    head.draw(h('div', {}, h('h1', {}, name), h('div', { class: 'row wrap' }, h('span', { class: 'muted' }, t('User')), tagsOf(user).map((tag) => badge(tag)))),
      h('button', { class: 'button danger', type: 'button', disabled: name === session.name, title: name === session.name && t('You are logged in as this user.'), on: { click: () => remove(name) } }, t('Delete')));
    permissions.draw(permissionTable(allowed, 'vhost', () => asking.now()));
    topics.draw(topicTable(onTopics, () => asking.now()));
  });
  const change = async ({ password, tags }) => {
    // Without a new password the old one's hash is sent back, or it would be taken away.
    const secret = password === null ? { password_hash: user.password_hash ?? '', hashing_algorithm: user.hashing_algorithm } : { password };
    await request('PUT', path`users/${name}`, { body: { ...secret, tags: tags === null ? tagsOf(user).join(',') : tags === 'none' ? '' : tags } });
    toast(t('“{name}” is changed.', { name }));
    if (name === session.name && password !== null) {
      const authorization = session.header(name, password);
      session.enter(authorization, await request('GET', 'whoami', { authorization }));
    }
    asking.now();
  };
  return h('div', {}, head.element, section(t('Permissions'), permissions.element, permissionForm({ user: name, onDone: () => asking.now() })),
    section(t('Permissions on topics'), h('p', { class: 'hint' }, t('Narrow what routing keys it may use on a topic exchange. Without any, all it may write or read.')), topics.element, topicForm(name, () => asking.now())),
    limits.element,
    section(t('Change'), form({
      submit: t('Change the user'), onSubmit: change, label: t('Change'),
      fields: [{ name: 'password', label: t('New password'), type: 'password', hint: t('Empty: as it is.') }, { name: 'tags', label: t('Tag'), type: 'select', options: [['', t('as it is')], ...TAGS()] }],
    })));
}

const topicTable = (rows, onChange) => table({
  caption: t('Permissions on topics'), rows, key: (one) => `${one.vhost} ${one.exchange}`,
  columns: [
    { label: t('Virtual host'), head: true, cell: (one) => vhostLink(one.vhost) }, { label: t('Exchange'), cell: (one) => one.exchange || t('(default exchange)') },
    { label: t('Write'), cell: (one) => h('code', {}, one.write) }, { label: t('Read'), cell: (one) => h('code', {}, one.read) },
    { label: h('span', { class: 'unseen' }, t('Actions')), number: true, cell: (one) => h('button', { class: 'button small danger', type: 'button', on: { click: async () => {
      const sure = await confirmed({ title: t('Take away the permissions on topics?'), action: t('Take away'), loses: t('In virtual host “{vhost}” user “{user}” may then use any routing key that its other permissions allow.', one) });
      if (sure && (await doing(() => request('DELETE', path`topic-permissions/${one.vhost}/${one.user}/${one.exchange}`), t('Taken away.')))) onChange();
    } } }, t('Take away')) },
  ],
  empty: h('p', {}, t('none')),
});

function topicForm(user, onDone) {
  const element = form({
    submit: t('Set the permissions on topics'), label: t('Permissions on topics'),
    fields: [{ name: 'vhost', label: t('Virtual host'), type: 'select', options: [] }, { name: 'exchange', label: t('Exchange'), value: 'amq.topic', required: true },
      { name: 'write', label: t('Write'), value: '.*' }, { name: 'read', label: t('Read'), value: '.*' }],
    onSubmit: async ({ vhost, exchange, write, read }) => {
      await request('PUT', path`topic-permissions/${vhost}/${user}`, { body: { exchange, write: write ?? '', read: read ?? '' } });
      onDone();
    },
  });
  get('vhosts?columns=name', AbortSignal.timeout(20_000)).then((all) => element.elements.vhost.replaceChildren(...all.map(({ name }) => h('option', { value: name }, name)))).catch(() => {});
  return element;
}

async function remove(name) {
  const sure = await confirmed({
    title: t('Delete user “{name}”?', { name }), action: t('Delete the user'), word: name,
    loses: t('Its permissions go with it, and programs that log in as it are refused.'),
  });
  if (sure && (await doing(() => request('DELETE', path`users/${name}`), t('“{name}” is deleted.', { name })))) location.hash = '#/users';
}
