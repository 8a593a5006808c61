// What our broker has beside RabbitMQ's API, an address each. Numbers of places and schedules are texts: they are larger than what a
// number of JavaScript holds exactly.

import { get, path, query, request } from './http.js';

/** @typedef {{ messages: import('../components/message.js').Message[], next: string | null, looked: number }} Browsed */

/**
 * A page of messages, none of them touched.
 * @param {string} vhost @param {string} queue
 * @param {{ cursor: string | null, count: number, filter: any[], truncate: number }} options @param {AbortSignal} [signal]
 * @returns {Promise<Browsed>}
 */
export const browse = (vhost, queue, options, signal) =>
  request('POST', path`leveret/queues/${vhost}/${queue}/browse`, { body: options, signal, deadlineMs: 60_000 });

/**
 * Replays, moves, copies, deletes or expires messages: begun here, and gone on with by the server.
 * @param {string} vhost @param {string} queue @param {any} order @returns {Promise<any>} the sweep
 */
export const sweep = (vhost, queue, order) => request('POST', path`leveret/queues/${vhost}/${queue}/sweeps`, { body: order });

/** @param {string} vhost @param {AbortSignal} signal @returns {Promise<any[]>} */
export const sweeps = (vhost, signal) => get(path`leveret/sweeps/${vhost}`, signal);

/** @param {string} vhost @param {string | number} id */
export const cancelSweep = (vhost, id) => request('DELETE', path`leveret/sweeps/${vhost}/${id}`);

/** What consumers hold of a queue. @param {string} vhost @param {string} queue @param {{ count: number, truncate: number }} options @param {AbortSignal} signal */
export const unacked = (vhost, queue, options, signal) => get(path`leveret/queues/${vhost}/${queue}/unacked` + query(options), signal);

/**
 * What a delayed exchange holds, what is due first before what is due later.
 * @param {string} vhost @param {string} exchange @param {{ after: string | null, count: number }} options @param {AbortSignal} signal
 */
export const schedules = (vhost, exchange, options, signal) => get(path`leveret/schedules/${vhost}/${exchange}` + query(options), signal);

/** @param {string} vhost @param {string} exchange @param {string} id */
export const cancelSchedule = (vhost, exchange, id) => request('DELETE', path`leveret/schedules/${vhost}/${exchange}/${id}`);

/** @param {string} vhost @param {string} exchange @param {string} id */
export const sendNow = (vhost, exchange, id) => request('POST', path`leveret/schedules/${vhost}/${exchange}/${id}/send`);

/** @param {string} vhost @param {string} queue @param {'pause' | 'resume'} action */
export const pausing = (vhost, queue, action) => request('POST', path`queues/${vhost}/${queue}/actions`, { body: { action } });

/**
 * Follows messages from now on.
 * @param {string} vhost @param {{ queue?: string, filter?: any[], ttl: number, events_max: number }} subject @returns {Promise<{ id: number }>}
 */
export const follow = (vhost, subject) => request('POST', path`leveret/traces/${vhost}`, { body: subject });

/** What happened behind step number `after`. @param {string} vhost @param {number} id @param {number} after @param {AbortSignal} signal @returns {Promise<{ events: any[], state: string }>} */
export const followed = (vhost, id, after, signal) => get(path`leveret/traces/${vhost}/${id}/events` + query({ after }), signal);

/** @param {string} vhost @param {number} id */
export const unfollow = (vhost, id) => request('DELETE', path`leveret/traces/${vhost}/${id}`);
