// The users, and adding one.

import { get, path, request } from '../api/http.js';
import { badge, section, userLink } from '../components/bits.js';
import { form } from '../components/form.js';
import { table } from '../components/table.js';
import { toast } from '../components/toast.js';
import { h, region } from '../core/dom.js';
import { t } from '../i18n/index.js';

export const tagsOf = (user) => (Array.isArray(user.tags) ? user.tags : String(user.tags ?? '').split(',')).map((tag) => tag.trim()).filter(Boolean);

export const TAGS = () => /** @type {[string, string][]} */ ([
  ['none', t('none: no console')], ['management', 'management'], ['policymaker', 'policymaker'], ['monitoring', 'monitoring'], ['administrator', 'administrator'],
]);

/** @param {import('../core/page.js').Context} ctx */
export function page(ctx) {
  ctx.title(t('Users'));
  const list = region('div');
  const asking = ctx.every(async (signal) => {
    const [all, without] = await Promise.all([get('users', signal), get('users/without-permissions', signal)]);
    const bare = new Set(without.map(({ name }) => name));
    list.draw(table({
      caption: t('Users'), rows: all, key: (one) => one.name,
      columns: [
        { label: t('Name'), head: true, cell: (one) => userLink(one.name) },
        { label: t('Tags'), cell: (one) => tagsOf(one).map((tag) => [badge(tag), ' ']) },
        { label: t('Permissions'), cell: (one) => (bare.has(one.name) ? badge(t('none yet'), 'warn') : t('some')) },
        { label: t('Password'), small: 'phone', cell: (one) => (one.password_hash ? t('set') : badge(t('none'), 'warn')) },
      ],
      empty: t('No users.'),
    }));
  });
  const add = async ({ name, password, tags }) => {
    await request('PUT', path`users/${name}`, { body: { ...(password === null ? { password_hash: '' } : { password }), tags: tags === 'none' ? '' : tags } });
    toast(t('User “{name}” is there. Give it permissions next.', { name }));
    asking.now();
  };
  return h('div', {}, h('h1', {}, t('Users')), list.element, section(t('Add a user'), form({
    submit: t('Add the user'), reset: true, onSubmit: add, label: t('Add a user'),
    fields: [{ name: 'name', label: t('Name'), required: true }, { name: 'password', label: t('Password'), type: 'password', hint: t('Empty: it cannot log in with a password.') },
      { name: 'tags', label: t('Tag'), type: 'select', options: TAGS(), hint: t('What it sees of the console and the HTTP API.') }],
  })));
}
