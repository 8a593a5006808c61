// Why a message is where it is: its x-death header as a time line, the newest first.

import { h } from '../core/dom.js';
import { count, time } from '../core/format.js';
import { t } from '../i18n/index.js';
import { exchangeLink, queueLink } from './bits.js';

const REASONS = () => ({
  rejected: t('rejected by a consumer'), expired: t('expired'), maxlen: t('pushed out of a full queue'),
  delivery_limit: t('delivered too often'),
});

/** Why a message died, in words. @param {string} reason */
export const reasonOf = (reason) => REASONS()[reason] ?? reason;

/** @param {Record<string, any>} headers */
export const hasDied = (headers) => Array.isArray(headers?.['x-death']) && headers['x-death'].length > 0;

/** @param {Record<string, any>} headers @param {string} vhost */
export function deaths(headers, vhost) {
  const all = headers['x-death'];
  const origin = all.at(-1);
  return h('ol', { class: 'timeline', 'aria-label': t('How it came here') },
    h('li', {}, h('b', {}, t('Here')), h('p', { class: 'muted' }, t('newest first'))),
    all.map((death) => h('li', { class: 'death' },
      h('b', {}, reasonOf(death.reason)), death.count > 1 && ` × ${count(death.count)}`,
      h('p', {}, t('in queue'), ' ', queueLink(vhost, death.queue), death['original-expiration'] && ` · ${t('its expiration was {ms} ms', { ms: death['original-expiration'] })}`),
      h('p', { class: 'muted' }, time(death.time), death.count > 1 && ` (${t('the first time')})`))),
    h('li', {}, h('b', {}, t('Published')),
      h('p', {}, t('to exchange'), ' ', exchangeLink(vhost, origin.exchange), ' ', t('with routing key'), ' ', h('code', {}, [origin['routing-keys']].flat().join(', ')))));
}
