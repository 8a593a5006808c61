// Publishing one message by hand, to an exchange or straight into a queue.

import { path, request } from '../api/http.js';
import { t } from '../i18n/index.js';
import { h } from '../core/dom.js';
import { form } from './form.js';
import { toast } from './toast.js';

const TEXTS = ['content_type', 'message_id', 'correlation_id', 'reply_to', 'expiration', 'type', 'app_id'];

/** @param {{ vhost: string, exchange: string, routingKey?: string, fixedKey?: boolean }} to */
export function publishForm({ vhost, exchange, routingKey = '', fixedKey = false }) {
  const LABELS = { content_type: t('Content type'), message_id: t('Message id'), correlation_id: t('Correlation id'), reply_to: t('Reply to'), expiration: t('Expiration (ms)'), type: t('Type of message'), app_id: t('App id') };
  return form({
    submit: t('Publish'), label: t('Publish a message'),
    fields: [
      ...(fixedKey ? [] : [{ name: 'routing_key', label: t('Routing key'), value: routingKey }]),
      { name: 'delivery_mode', label: t('Delivery mode'), type: 'select', options: [['2', t('2 (persistent)')], ['1', t('1 (transient)')]] },
      { name: 'payload_encoding', label: t('The body is'), type: 'select', options: [['string', t('text')], ['base64', t('base64 of bytes')]] },
      { name: 'payload', label: t('Body'), type: 'textarea', rows: 6 },
      { name: 'headers', label: t('Headers (JSON)'), type: 'json', rows: 2, placeholder: '{"tenant": "eu"}' },
      ...TEXTS.map((name) => ({ name, label: LABELS[name], more: name !== 'content_type' && name !== 'message_id' })),
      { name: 'priority', label: t('Priority'), type: 'number', min: 0, more: true },
    ],
    extra: h('p', { class: 'hint' }, t('An empty field is left out of the message.')),
    onSubmit: async ({ routing_key: key, payload, payload_encoding: encoding, delivery_mode: mode, headers, priority, ...texts }) => {
      /** @type {Record<string, any>} */
      const properties = { delivery_mode: Number(mode) };
      if (headers) properties.headers = headers;
      if (priority !== null) properties.priority = priority;
      for (const [name, value] of Object.entries(texts)) if (value !== null) properties[name] = value;
      const answer = await request('POST', path`exchanges/${vhost}/${exchange || 'amq.default'}/publish`, {
        body: { vhost, name: exchange || 'amq.default', properties, routing_key: fixedKey ? routingKey : key ?? '', payload: payload ?? '', payload_encoding: encoding },
      });
      if (answer.routed) toast(t('Published.'));
      else toast(t('No queue wanted it: no binding fits this routing key, so the message is gone.'), 'bad');
    },
  });
}
