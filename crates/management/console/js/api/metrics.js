// What only the metrics for Prometheus tell: how long syncs and confirms take, and how many messages died of what. Two answers give
// what was in between.

import { session } from '../core/session.js';
import { paths } from './server.js';

const DEADLINE_MS = 20_000;

/** @typedef {{ at: number, values: Map<string, number> }} Sample name with its labels, as it stands in the text */

/** @param {AbortSignal} signal @returns {Promise<Sample | null>} null where the server has no metrics for this person */
export async function metrics(signal) {
  if (!session.isMonitoring || !(await paths()).has('/metrics')) return null;
  const answer = await fetch('metrics', { signal: AbortSignal.any([signal, AbortSignal.timeout(DEADLINE_MS)]), credentials: 'omit', cache: 'no-store', headers: { authorization: session.authorization ?? '' } });
  if (!answer.ok) return null;
  return { at: Date.now(), values: read(await answer.text()) };
}

/** @param {string} text */
function read(text) {
  const values = new Map();
  for (const [, name, value] of text.matchAll(/^((?:leveret_(?:fsync|confirm)_seconds_bucket|rabbitmq_global_messages_dead_lettered)\S*) (\S+)$/gm)) values.set(name, Number(value));
  return values;
}

/**
 * The time in ms within which a part of what was measured between two samples was done; since the start where there is only one.
 * @param {Sample} now @param {Sample | null} before @param {string} name of the histogram, without `_bucket` @param {number} part such as 0.99
 * @returns {number | null} null when nothing was measured
 */
export function quantile(now, before, name, part) {
  const buckets = [...now.values].filter(([key]) => key.startsWith(`${name}_bucket{`)).map(([key, count]) =>
    ({ bound: Number(/le="([^"]*)"/.exec(key)?.[1].replace('+Inf', 'Infinity')), count: count - (before?.values.get(key) ?? 0) })).sort((a, b) => a.bound - b.bound);
  const all = buckets.at(-1)?.count ?? 0;
  if (!(all > 0)) return null;
  return (buckets.find(({ count }) => count >= all * part)?.bound ?? Infinity) * 1000;
}

/** Dead letters a second by what they died of. @param {Sample} now @param {Sample | null} before @returns {[string, number][]} */
export function dying(now, before) {
  if (!before || now.at <= before.at) return [];
  /** @type {Map<string, number>} */
  const rates = new Map();
  for (const [key, count] of now.values) {
    const reason = /dead_lettered_(\w+)_total/.exec(key)?.[1];
    if (!reason || reason === 'confirmed') continue;
    rates.set(reason, (rates.get(reason) ?? 0) + (Math.max(0, count - (before.values.get(key) ?? 0)) * 1000) / (now.at - before.at));
  }
  return [...rates].filter(([, rate]) => rate >= 0.05);
}
