// Getting messages as basic.get does: they are taken, or put back marked as redelivered.

import { path, request } from '../../api/http.js';
import { form } from '../../components/form.js';
import { messageList } from '../../components/message.js';
import { confirmed } from '../../components/dialog.js';
import { h } from '../../core/dom.js';
import { changed } from '../../core/page.js';
import { t, tn } from '../../i18n/index.js';

const BODY_BYTES_MAX = 50_000;

/** @param {{ vhost: string, name: string }} of */
export function getMessages({ vhost, name }) {
  const place = h('div', { 'aria-live': 'polite' });
  const get = async ({ ackmode, count }) => {
    if (ackmode.endsWith('false') && !(await confirmed({
      title: t('Take messages out of “{name}”?', { name }), action: t('Take them'),
      loses: tn(count, 'One message leaves the queue for good; you see it here once.', 'Up to {n} messages leave the queue for good; you see them here once.', { n: count }),
    }))) return;
    const found = await request('POST', path`queues/${vhost}/${name}/get`, { body: { vhost, name, ackmode, count: Number(count), encoding: 'auto', truncate: BODY_BYTES_MAX } });
    place.replaceChildren(found.length ? messageList(found, vhost) : h('p', { class: 'empty' }, t('No message is ready.')));
    changed();
  };
  return h('section', { class: 'card' }, h('h2', {}, t('Get messages')),
    h('p', { class: 'hint' }, t('Gets them as a consumer does. What is put back keeps its place, but counts as redelivered.')),
    form({
      submit: t('Get'), label: t('Get messages'), onSubmit: get,
      fields: [
        { name: 'count', label: t('How many'), type: 'number', value: 1, min: 1, required: true },
        { name: 'ackmode', label: t('And then'), type: 'select', options: [['ack_requeue_true', t('put them back')], ['ack_requeue_false', t('take them out')], ['reject_requeue_false', t('reject them: to the dead letters')]] },
      ],
    }), place);
}
