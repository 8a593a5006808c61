// The virtual hosts.

import { get, path, request } from '../api/http.js';
import { forgetServer } from '../api/server.js';
import { badge, section, vhostLink } from '../components/bits.js';
import { form } from '../components/form.js';
import { table } from '../components/table.js';
import { toast } from '../components/toast.js';
import { h, region } from '../core/dom.js';
import { count, rate } from '../core/format.js';
import { session } from '../core/session.js';
import { t } from '../i18n/index.js';

/** @param {import('../core/page.js').Context} ctx */
export function page(ctx) {
  ctx.title(t('Virtual hosts'));
  const list = region('div');
  const asking = ctx.every(async (signal) => {
    const all = await get('vhosts', signal);
    list.draw(table({
      caption: t('Virtual hosts'), rows: all, key: (one) => one.name,
      columns: [
        { label: t('Name'), head: true, cell: (one) => vhostLink(one.name) },
        { label: t('Description'), small: true, cell: (one) => one.description ?? one.metadata?.description ?? '' },
        { label: t('Tags'), small: true, cell: (one) => [one.tags ?? one.metadata?.tags ?? []].flat().filter(Boolean).map((tag) => [badge(tag), ' ']) },
        { label: t('Ready'), number: true, cell: (one) => count(one.messages_ready) },
        { label: t('Unacked'), number: true, small: 'phone', cell: (one) => count(one.messages_unacknowledged) },
        { label: t('Published'), number: true, cell: (one) => rate(one.message_stats?.publish_details?.rate) },
        { label: t('Delivered'), number: true, cell: (one) => rate(one.message_stats?.deliver_get_details?.rate) },
      ],
      empty: t('There is no virtual host that you may see.'),
    }));
  });
  const add = async ({ name, description, tags }) => {
    await request('PUT', path`vhosts/${name}`, { body: { description: description ?? '', tags: tags ?? '' } });
    toast(t('Virtual host “{name}” is there. Give users permissions in it.', { name }));
    forgetServer();
    asking.now();
  };
  return h('div', {}, h('h1', {}, t('Virtual hosts')), list.element, session.isAdministrator && section(t('Add a virtual host'), form({
    submit: t('Add the virtual host'), reset: true, onSubmit: add, label: t('Add a virtual host'),
    fields: [{ name: 'name', label: t('Name'), required: true }, { name: 'description', label: t('Description') }, { name: 'tags', label: t('Tags'), hint: t('Separated by commas.') }],
  })));
}
