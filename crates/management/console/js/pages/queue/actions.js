// What is done to a whole queue: purge, pause, delete. Each says first what it takes with it.

import { path, request } from '../../api/http.js';
import { pausing } from '../../api/leveret.js';
import { confirmed } from '../../components/dialog.js';
import { doing } from '../../components/toast.js';
import { h } from '../../core/dom.js';
import { count } from '../../core/format.js';
import { changed } from '../../core/page.js';
import { t, tn } from '../../i18n/index.js';

/** @param {any} queue @param {boolean} canPause */
export function actions(queue, canPause) {
  const { vhost, name } = queue;
  const button = (label, kind, click) => h('button', { class: `button ${kind}`, type: 'button', on: { click } }, label);
  const isPaused = queue.paused || queue.state === 'paused';
  const isStream = queue.type === 'stream';
  return h('div', { class: 'actions' },
    canPause && !isStream && (isPaused ? button(t('Resume'), 'primary', () => resume(queue)) : button(t('Pause'), '', () => pause(queue))),
    !isStream && button(t('Purge'), 'danger', () => purge(vhost, name, queue)), button(t('Delete'), 'danger', () => remove(vhost, name, queue)));
}

async function pause({ vhost, name }) {
  const sure = await confirmed({
    title: t('Pause “{name}”?', { name }), action: t('Pause'),
    loses: t('Its consumers get no messages until it is resumed. Messages still come in and wait; nothing is lost.'),
  });
  if (sure && (await doing(() => pausing(vhost, name, 'pause'), t('“{name}” is paused.', { name })))) changed();
}

async function resume({ vhost, name }) {
  if (await doing(() => pausing(vhost, name, 'resume'), t('“{name}” goes on.', { name }))) changed();
}

async function purge(vhost, name, { messages_ready: ready = 0 }) {
  const sure = await confirmed({
    title: t('Purge “{name}”?', { name }), action: t('Purge'),
    loses: tn(ready, 'The one message that is ready is deleted for ever; it does not become a dead letter. Those that are out with consumers stay.',
      'The {n} messages that are ready are deleted for ever; they do not become dead letters. Those that are out with consumers stay.', { n: count(ready) }),
  });
  if (sure && (await doing(() => request('DELETE', path`queues/${vhost}/${name}/contents`), t('“{name}” is purged.', { name })))) changed();
}

async function remove(vhost, name, { messages = 0, consumers = 0 }) {
  const sure = await confirmed({
    title: t('Delete “{name}”?', { name }), action: t('Delete the queue'), word: messages > 0 || consumers > 0 ? name : undefined,
    loses: t('The queue and its bindings go, with {messages} messages for ever; {consumers} consumers are cancelled.', { messages: count(messages), consumers: count(consumers) }),
  });
  if (sure && (await doing(() => request('DELETE', path`queues/${vhost}/${name}`), t('“{name}” is deleted.', { name })))) location.hash = '#/queues';
}
