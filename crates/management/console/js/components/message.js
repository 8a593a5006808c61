// One message: a line that says what it is, and behind it properties, headers, history and body.

import { h, keep } from '../core/dom.js';
import { bytes, duration, time } from '../core/format.js';
import { t } from '../i18n/index.js';
import { args, badge, exchangeLink } from './bits.js';
import { asText, body, decode } from './body.js';
import { deaths, hasDied } from './death.js';
import { facts } from './table.js';

const PROPERTIES = () => ({
  content_type: t('Content type'), content_encoding: t('Content encoding'), delivery_mode: t('Delivery mode'), priority: t('Priority'),
  correlation_id: t('Correlation id'), reply_to: t('Reply to'), expiration: t('Expiration (ms)'), message_id: t('Message id'),
  timestamp: t('Timestamp'), type: t('Type of message'), user_id: t('User id'), app_id: t('App id'), cluster_id: t('Cluster id'),
});

/**
 * @typedef {{
 *   exchange: string, routing_key: string, redelivered: boolean, properties: any, payload: string, payload_encoding: string,
 *   payload_bytes: number, place?: string, waits_until?: number, delivery_count?: number, expires_at?: number,
 * }} Message
 * @param {Message} message @param {string} vhost @param {any} [mark] what stands beside it, such as a box to tick
 * @param {(message: Message) => any} [more] what else can be done with it, when it is open
 */
export function messageView(message, vhost, mark, more) {
  const properties = Array.isArray(message.properties) ? {} : message.properties ?? {};
  const headers = properties.headers ?? {};
  const inner = keep('message', h('div', { class: 'message-body' }));
  // Bodies are taken apart only of messages that are looked at. Where the list is drawn again, what was opened stays.
  const opened = (event) => {
    const place = event.target.querySelector('.message-body');
    if (event.target.open && place && !place.firstChild) place.append(...[...content(message, properties, headers, vhost), more?.(message)].filter(Boolean));
  };
  const line = h('details', { class: 'message', 'data-key': message.place, on: { toggle: opened } },
    h('summary', {}, h('b', {}, message.routing_key || t('(no routing key)')), h('span', { class: 'start' }, start(message)),
      hasDied(headers) && badge(t('dead letter'), 'bad'), message.redelivered && badge(t('redelivered'), 'warn'),
      message.waits_until && badge(t('tried again in {time}', { time: duration(Math.max(0, message.waits_until - Date.now())) }), 'warn'),
      h('small', {}, bytes(message.payload_bytes))),
    inner);
  return mark ? h('div', { class: 'marked' }, h('label', { class: 'mark' }, mark), line) : line;
}

const start = (message) => {
  const text = asText(decode(message.payload.slice(0, 400), message.payload_encoding)) ?? asText(decode(message.payload.slice(0, 240), message.payload_encoding));
  return text === null ? t('(binary)') : text.slice(0, 160).replace(/\s+/g, ' ');
};

function content(message, properties, headers, vhost) {
  const names = PROPERTIES();
  /** @type {[string, any][]} */
  const known = Object.entries(properties).filter(([name]) => name !== 'headers').map(([name, value]) => [names[name] ?? name, shown(name, value)]);
  return [
    h('div', { class: 'columns' },
      h('div', {}, h('h3', {}, t('Message')), facts([
        [t('Exchange'), exchangeLink(vhost, message.exchange)], [t('Routing key'), h('code', {}, message.routing_key)],
        [t('Redelivered'), message.redelivered ? t('yes') : t('no')], [t('Deliveries that failed'), message.delivery_count || null],
        [t('Waits until'), message.waits_until && time(message.waits_until)], [t('Expires'), message.expires_at && time(message.expires_at)], ...known,
      ])),
      h('div', {}, h('h3', {}, t('Headers')), args(Object.fromEntries(Object.entries(headers).filter(([name]) => name !== 'x-death' || !hasDied(headers)))) ?? h('p', { class: 'muted' }, t('none'))),
      hasDied(headers) && h('div', {}, h('h3', {}, t('How it came here')), deaths(headers, vhost))),
    body(message),
  ];
}

function shown(name, value) {
  if (name === 'delivery_mode') return value === 2 ? t('2 (persistent)') : t('1 (transient)');
  if (name === 'timestamp') return time(value);
  return String(value);
}

/** @param {Message[]} list @param {string} vhost @param {(message: Message) => any} [mark] @param {(message: Message) => any} [more] */
export const messageList = (list, vhost, mark, more) => h('div', { class: 'messages' }, list.map((message) => messageView(message, vhost, mark?.(message), more)));
