// Declaring a queue. The arguments people use most have fields of their own; any other goes in as JSON.

import { path, request } from '../../api/http.js';
import { paths, virtualHosts } from '../../api/server.js';
import { chosenVhost } from '../../components/bits.js';
import { dialog } from '../../components/dialog.js';
import { form } from '../../components/form.js';
import { toast } from '../../components/toast.js';
import { changed } from '../../core/page.js';
import { link } from '../../core/router.js';
import { t } from '../../i18n/index.js';

/** @type {() => [string, string, string, string?][]} argument, field's type, label, hint */
const ARGUMENTS = () => [
  ['x-message-ttl', 'number', t('Messages expire after (ms)')],
  ['x-expires', 'number', t('Delete the queue when unused for (ms)')],
  ['x-max-length', 'number', t('At most so many messages')],
  ['x-max-length-bytes', 'number', t('At most so many bytes')],
  ['x-overflow', 'overflow', t('When full')],
  ['x-dead-letter-exchange', 'text', t('Dead letters go to exchange'), t('Empty: they are dropped.')],
  ['x-dead-letter-routing-key', 'text', t('with routing key'), t('Empty: the one they came with.')],
  ['x-max-priority', 'number', t('Highest priority (1 to 255)')],
  ['x-delivery-limit', 'number', t('Deliver at most so many times')],
  ['x-single-active-consumer', 'checkbox', t('One consumer at a time')],
];
/** @type {() => [string, string, string, string?][]} */
const OURS = () => [
  ['x-retry-delays', 'json', t('Try again after (list of ms)'), t('For example [5000, 15000, 30000]; then it is a dead letter.')],
  ['x-message-deduplication', 'checkbox', t('Drop duplicates (header x-deduplication-header)')],
];

/** @param {[string, string, string, string?]} row */
const field = ([name, type, label, hint]) =>
  type === 'overflow'
    ? { name, label, type: 'select', options: [['', t('drop the oldest')], ['reject-publish', t('refuse new ones')], ['reject-publish-dlx', t('new ones are dead letters')]] }
    : { name, label, hint, type, rows: 1, min: type === 'number' ? 0 : undefined };

export async function addQueue() {
  const [vhosts, ours] = [await virtualHosts().catch(() => []), (await paths()).size > 0];
  const rows = [...ARGUMENTS(), ...(ours ? OURS() : [])];
  await dialog({ title: t('Add a queue'), body: (close) => form({
    submit: t('Add the queue'), onCancel: () => close(),
    fields: [
      { name: 'vhost', label: t('Virtual host'), type: 'select', options: vhosts.map(({ name }) => [name, name]), value: chosenVhost() || '/' },
      { name: 'name', label: t('Name'), required: true },
      { name: 'type', label: t('Type'), type: 'select', options: [['classic', 'classic'], ['quorum', 'quorum'], ['stream', 'stream']] },
      { name: 'durable', label: t('Durable: is there after a restart'), type: 'checkbox', value: true },
      { name: 'auto_delete', label: t('Delete when its last consumer leaves'), type: 'checkbox' },
      .../** @type {any} */ (rows.map(field)),
      { name: 'more', label: t('More arguments (JSON)'), type: 'json', wide: true, rows: 2, placeholder: '{"x-queue-mode": "lazy"}' },
    ],
    onSubmit: async ({ vhost, name, type, durable, auto_delete, more, ...values }) => {
      const args = { ...more };
      for (const [key, value] of Object.entries(values)) if (value !== null && value !== false) args[key] = value;
      if (type !== 'classic') args['x-queue-type'] = type;
      await request('PUT', path`queues/${vhost}/${name}`, { body: { durable, auto_delete, arguments: args } });
      toast(t('Queue “{name}” is there.', { name }));
      close();
      changed();
      location.hash = link('queues', vhost, name);
    },
  }) });
}
