// One request to the server: path, deadline, login, and errors as values with the server's own reason.

import { session } from '../core/session.js';
import { t } from '../i18n/index.js';

const DEADLINE_MS = 20_000;

/** What the server, or the way to it, said no with. */
export class ApiError extends Error {
  /** @param {number} status 0 when there was no answer @param {string} reason */
  constructor(status, reason) {
    super(reason);
    this.status = status;
  }
}

/** A path with names put in, encoded: path`queues/${vhost}/${name}`. @param {TemplateStringsArray} texts @param {...any} names */
export const path = (texts, ...names) =>
  texts.reduce((whole, text, at) => whole + text + (at < names.length ? encodeURIComponent(names[at]) : ''), '');

/** @param {Record<string, any>} values those that are null or '' are left out */
export function query(values) {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) if (value !== null && value !== undefined && value !== '') search.set(name, String(value));
  const text = search.toString();
  return text ? `?${text}` : '';
}

/**
 * @param {string} method
 * @param {string} address below /api/
 * @param {{ body?: any, signal?: AbortSignal, headers?: Record<string, string>, authorization?: string, deadlineMs?: number }} [options]
 * @returns {Promise<any>} what the answer's JSON says, null for an empty one
 */
export async function request(method, address, options = {}) {
  const deadline = AbortSignal.timeout(options.deadlineMs ?? DEADLINE_MS);
  const signal = options.signal ? AbortSignal.any([options.signal, deadline]) : deadline;
  const headers = { ...options.headers };
  const authorization = options.authorization ?? session.authorization;
  if (authorization) headers.authorization = authorization;
  if (options.body !== undefined) headers['content-type'] = 'application/json';
  const body = options.body === undefined ? undefined : typeof options.body === 'string' ? options.body : JSON.stringify(options.body);
  let answer;
  let text;
  try {
    // Credentials are left out so that the browser does not open its own login window on a 401.
    answer = await fetch(`api/${address}`, { method, headers, body, signal, credentials: 'omit', cache: 'no-store' });
    text = await answer.text();
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new ApiError(0, deadline.aborted ? t('The server did not answer in time.') : t('The server cannot be reached.'));
  }
  const json = parse(text);
  if (answer.ok) return json;
  if (answer.status === 401 && !options.authorization) window.dispatchEvent(new Event('leveret:refused'));
  throw new ApiError(answer.status, reasonOf(json, answer));
}

function parse(text) {
  if (!text) return null;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function reasonOf(json, answer) {
  const reason = json?.reason ?? json?.error;
  if (typeof reason === 'string' && reason) return reason;
  if (reason) return JSON.stringify(reason);
  return `${answer.status} ${answer.statusText}`;
}

export const get = (/** @type {string} */ address, /** @type {AbortSignal} */ signal) => request('GET', address, { signal });

/** As `get`, but null where the server does not know the path or does not let this person see it. */
export async function getIfThere(/** @type {string} */ address, /** @type {AbortSignal} */ signal) {
  try {
    return await get(address, signal);
  } catch (error) {
    if (error instanceof ApiError && [401, 403, 404, 405].includes(error.status)) return null;
    throw error;
  }
}
