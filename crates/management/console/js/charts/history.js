// The past of a figure, as points to draw. The server keeps it where it can (RabbitMQ's `samples`); where an answer has none, the
// console remembers what it saw while the page was open.

import { settings } from '../core/settings.js';
import { t } from '../i18n/index.js';

/** Seconds shown, and how far apart the samples are then. */
const RANGES = { 60: 5, 600: 5, 3600: 60, 28800: 600, 86400: 1800 };
const SEEN_MAX = 1500;

export const rangeSeconds = () => (settings.get('range') in RANGES ? Number(settings.get('range')) : 600);

export const rangeNames = () => [
  ['60', t('last minute')], ['600', t('last ten minutes')], ['3600', t('last hour')], ['28800', t('last eight hours')],
  ['86400', t('last day')],
];

/** What to ask for so that answers carry samples. */
export function historyQuery() {
  const age = rangeSeconds();
  const incr = RANGES[age];
  return { lengths_age: age, lengths_incr: incr, msg_rates_age: age, msg_rates_incr: incr };
}

/** @typedef {[number, number | null][]} Points */

/** A level, such as messages in a queue. @param {any} details `..._details` of an answer @returns {Points | null} */
export function levels(details) {
  const samples = details?.samples;
  if (!Array.isArray(samples) || samples.length < 2) return null;
  return samples.map(({ timestamp, sample }) => /** @type {[number, number]} */ ([timestamp, sample])).reverse();
}

/** A rate, from a counter's samples. A counter that went back was begun anew. @param {any} details @returns {Points | null} */
export function rates(details) {
  const points = levels(details);
  if (!points) return null;
  return points.slice(1).map(([at, now], before) => {
    const [value, [then, was]] = [Number(now), /** @type {[number, number]} */ (points[before])];
    const seconds = (at - then) / 1000;
    return /** @type {[number, number | null]} */ ([at, seconds > 0 && value >= was ? (value - was) / seconds : 0]);
  });
}

/** @type {Map<string, Points>} */
const seen = new Map();

/** Adds what is known now to what this tab saw of `key`, and gives all of it. @param {string} key @param {number | undefined} value @returns {Points} */
export function remembered(key, value) {
  const points = seen.get(key) ?? [];
  if (typeof value === 'number') points.push([Date.now(), value]);
  if (points.length > SEEN_MAX) points.shift();
  seen.delete(key);
  seen.set(key, points);
  // The figures of pages left long ago go first.
  if (seen.size > 200) seen.delete(/** @type {string} */ (seen.keys().next().value));
  return points;
}

/** The points of a counter's rate. @param {string} key @param {any} stats `message_stats` @param {string} name */
export const rateOf = (key, stats, name) => rates(stats?.[`${name}_details`]) ?? remembered(`${key}:${name}`, stats?.[`${name}_details`]?.rate);

/** The points of a level. @param {string} key @param {any} object @param {string} name */
export const levelOf = (key, object, name) => levels(object?.[`${name}_details`]) ?? remembered(`${key}:${name}`, object?.[name]);
