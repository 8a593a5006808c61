// What a queue is, in a few letters and words.

import { badge } from '../../components/bits.js';
import { NOTHING, duration } from '../../core/format.js';
import { t } from '../../i18n/index.js';

/** @param {any} queue */
export function features(queue) {
  const args = queue.arguments ?? {};
  const has = (name) => name in args;
  return [
    queue.type && queue.type !== 'classic' && badge(queue.type),
    !queue.durable && badge(t('transient'), '', t('Gone when the server stops')),
    queue.auto_delete && badge(t('auto-delete'), '', t('Deleted when its last consumer leaves')),
    queue.exclusive && badge(t('exclusive'), '', t('Belongs to one connection')),
    has('x-message-ttl') && badge('TTL', '', t('Messages expire after {time}', { time: duration(args['x-message-ttl']) })),
    has('x-expires') && badge('Exp', '', t('Deleted when unused for {time}', { time: duration(args['x-expires']) })),
    (has('x-max-length') || has('x-max-length-bytes')) && badge('Lim', '', t('Its length is limited')),
    has('x-dead-letter-exchange') && badge('DLX', '', t('Dead letters go to exchange “{name}”', { name: args['x-dead-letter-exchange'] })),
    has('x-max-priority') && badge('Pri', '', t('Priorities up to {n}', { n: args['x-max-priority'] })),
    has('x-single-active-consumer') && badge('SAC', '', t('One consumer at a time')),
    has('x-retry-delays') && badge(t('retry'), '', t('Tries again after {delays} ms', { delays: [args['x-retry-delays']].flat().join(', ') })),
    has('x-message-deduplication') && badge(t('dedup'), '', t('Drops duplicates')),
    queue.policy && badge(queue.policy, 'policy', t('Policy')),
    queue.operator_policy && badge(queue.operator_policy, 'policy', t('Operator policy')),
  ];
}

/** Words and kind of the badge. @param {any} queue @returns {[string, string]} */
export function state(queue) {
  if (queue.paused || queue.state === 'paused') return [t('paused'), 'warn'];
  if (queue.state === 'running' || queue.state === 'idle') return [t('running'), 'good'];
  if (!queue.state) return [NOTHING, ''];
  return [queue.state, queue.state === 'down' || queue.state === 'crashed' ? 'bad' : 'warn'];
}
