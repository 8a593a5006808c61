// Definitions: all that was declared, as RabbitMQ's JSON, out to a file and in from one.

import { get, request } from '../api/http.js';
import { virtualHosts } from '../api/server.js';
import { chosenVhost, section } from '../components/bits.js';
import { confirmed } from '../components/dialog.js';
import { toast } from '../components/toast.js';
import { h } from '../core/dom.js';
import { count } from '../core/format.js';
import { changed } from '../core/page.js';
import { session } from '../core/session.js';
import { t } from '../i18n/index.js';

const DEADLINE_MS = 120_000;
const address = (vhost) => (vhost ? `definitions/${encodeURIComponent(vhost)}` : 'definitions');

/** @param {import('../core/page.js').Context} ctx */
export async function page(ctx) {
  ctx.title(t('Definitions'));
  const vhosts = await virtualHosts().catch(() => []);
  const choice = (label) => {
    const select = h('select', {}, session.isAdministrator && h('option', { value: '' }, t('the whole broker, users as well')), vhosts.map(({ name }) => h('option', { value: name }, name)));
    if (chosenVhost()) select.value = chosenVhost();
    return [select, h('label', { class: 'field' }, h('span', {}, label), select)];
  };
  const [from, fromLabel] = choice(t('What'));
  const [into, intoLabel] = choice(t('Into'));
  const file = h('input', { type: 'file', accept: '.json,application/json', required: true });
  const failed = (error) => toast(error.message, 'bad');
  return h('div', {}, h('h1', {}, t('Definitions')), h('div', { class: 'columns' },
    section(t('Export'), h('p', {}, t('Virtual hosts, users, permissions, policies, parameters, exchanges, queues and bindings, as RabbitMQ writes them. No messages.')),
      h('form', { class: 'form', on: { submit: (event) => { event.preventDefault(); save(from.value).catch(failed); } } }, h('div', { class: 'fields' }, fromLabel), h('div', { class: 'row end' }, h('button', { class: 'button primary', type: 'submit' }, t('Export to a file'))))),
    section(t('Import'), h('p', {}, t('Adds what is missing and changes users and policies of the same name. Nothing is deleted; a queue or exchange that is there and differs stops the import.')),
      h('form', { class: 'form', on: { submit: (event) => { event.preventDefault(); load(file, into.value).catch(failed); } } },
        h('div', { class: 'fields' }, intoLabel, h('label', { class: 'field' }, h('span', {}, t('File')), file)), h('div', { class: 'row end' }, h('button', { class: 'button primary', type: 'submit' }, t('Import')))))));
}

async function save(vhost) {
  const all = await get(address(vhost), AbortSignal.timeout(DEADLINE_MS));
  const url = URL.createObjectURL(new Blob([JSON.stringify(all, null, 2)], { type: 'application/json' }));
  h('a', { href: url, download: `definitions-${new Date().toISOString().slice(0, 19).replace(/:/g, '')}.json` }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
  toast(t('Exported.'));
}

async function load(file, vhost) {
  const text = await file.files[0].text();
  let all;
  try {
    all = JSON.parse(text);
  } catch (error) {
    throw new Error(t('Not JSON: {reason}', { reason: /** @type {any} */ (error).message }));
  }
  const NAMES = { vhosts: t('Virtual hosts'), users: t('Users'), permissions: t('Permissions'), policies: t('Policies'), parameters: t('Parameters'), exchanges: t('Exchanges'), queues: t('Queues'), bindings: t('Bindings') };
  const parts = Object.entries(NAMES).filter(([key]) => Array.isArray(all[key]) && all[key].length).map(([key, name]) => `${name}: ${count(all[key].length)}`);
  const sure = await confirmed({
    title: t('Import “{name}”?', { name: file.files[0].name }), action: t('Import'),
    loses: [t('The file holds'), ` ${parts.join(', ') || t('nothing that is known')}. `, t('Users in it take the passwords and tags of the file.')],
  });
  if (!sure) return;
  await request('POST', address(vhost), { body: text, deadlineMs: DEADLINE_MS });
  toast(t('Imported.'));
  file.form.reset();
  changed();
}
