// The broker's events as they happen. A request with the login in its header, because the browser's own EventSource cannot send one.

import { session } from '../core/session.js';
import { ApiError } from './http.js';

/** An event that is longer than this, in letters, is none of ours. */
const LENGTH_MAX = 1024 * 1024;

/** @typedef {{ kind: string, at: number, fields: Record<string, any> }} Happened */

/**
 * Listens until the signal says stop or the server ends it.
 * @param {AbortSignal} signal @param {() => void} onOpen @param {(event: Happened) => void} onEvent
 */
export async function listen(signal, onOpen, onEvent) {
  const answer = await fetch('api/leveret/events', { signal, credentials: 'omit', cache: 'no-store', headers: { authorization: session.authorization ?? '' } });
  if (!answer.ok || !answer.body) throw new ApiError(answer.status, `${answer.status} ${answer.statusText}`);
  onOpen();
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    text += value;
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const event = read(text.slice(0, end));
      if (event) onEvent(event);
      text = text.slice(end + 2);
    }
    if (text.length > LENGTH_MAX) throw new ApiError(0, 'an event without an end');
  }
}

/** One block of the stream; null for comments, which only say that it lives. @param {string} block @returns {Happened | null} */
function read(block) {
  let kind = '';
  let data = '';
  for (const line of block.split('\n')) {
    if (line.startsWith('event:')) kind = line.slice(6).trim();
    else if (line.startsWith('data:')) data += line.slice(5);
  }
  if (!kind || !data) return null;
  const { timestamp_in_ms: at = Date.now(), ...fields } = JSON.parse(data);
  return { kind, at, fields };
}
