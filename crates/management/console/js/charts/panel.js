// The charts that an overview, a queue or an exchange shows: how many messages, and how fast they come and go; with the choice of
// how far back.

import { h, keep } from '../core/dom.js';
import { bytes, rate, short } from '../core/format.js';
import { settings } from '../core/settings.js';
import { t } from '../i18n/index.js';
import { chart } from './chart.js';
import { levelOf, rangeNames, rateOf } from './history.js';

/** How far back all charts look. @param {() => void} onChange */
export function rangeChoice(onChange) {
  const change = (event) => {
    settings.set('range', event.target.value);
    onChange();
  };
  return keep('range', h('label', { class: 'inline' }, h('span', { class: 'unseen' }, t('Charts show the')),
    h('select', { value: settings.get('range'), on: { change } }, rangeNames().map(([value, name]) => h('option', { value }, name)))));
}

/** How many messages wait and are out. @param {string} key whose figures these are */
export function levelsChart(key) {
  const drawn = chart({ title: t('Messages'), format: short });
  return {
    element: drawn.element,
    /** @param {any} totals an object with messages_ready and messages_unacknowledged */
    set: (totals) => drawn.set([
      { label: t('Ready'), kind: 'ready', points: levelOf(key, totals, 'messages_ready') },
      { label: t('Unacked'), kind: 'unacked', points: levelOf(key, totals, 'messages_unacknowledged') },
    ]),
  };
}

const NAMES = () => ({
  publish: t('Published'), publish_in: t('In'), publish_out: t('Out'), confirm: t('Confirmed'), deliver_get: t('Delivered'),
  ack: t('Acked'), redeliver: t('Redelivered'), return_unroutable: t('Returned'), drop_unroutable: t('Dropped'),
});

/** How fast messages come and go. @param {string} key @param {string[]} names counters of `message_stats` */
export function ratesChart(key, names) {
  const drawn = chart({ title: t('Message rates'), format: rate });
  return {
    element: drawn.element,
    /** @param {any} stats message_stats */
    set: (stats) => drawn.set(names.map((name) => ({ label: NAMES()[name], kind: name.replace('_', '-'), points: rateOf(key, stats, name) }))),
  };
}

/** Sizes, such as memory. @param {string} key @param {string} title @param {[string, string, string][]} names field, label, colour */
export function bytesChart(key, title, names) {
  const drawn = chart({ title, format: bytes, base: 1024 });
  return {
    element: drawn.element,
    /** @param {any} object */
    set: (object) => drawn.set(names.map(([name, label, kind]) => ({ label, kind, points: levelOf(key, object, name) }))),
  };
}
