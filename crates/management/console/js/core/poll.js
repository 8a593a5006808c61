// Asking again and again while a page is shown: one request after the other, never two at once, none while the tab is hidden, and
// less often while the server does not answer.

import { settings } from './settings.js';

/** @typedef {{ stop: () => void, now: () => Promise<void> }} Poll */

/**
 * @param {(signal: AbortSignal) => Promise<void>} ask
 * @param {{ signal: AbortSignal, onError: (error: any) => void, onAnswer: () => void, seconds?: number }} options
 * @returns {Poll}
 */
export function poll(ask, { signal, onError, onAnswer, seconds }) {
  /** @type {any} */
  let timer = null;
  let running = false;
  let again = false;
  let failures = 0;

  const pause = () => {
    const wanted = Number(settings.get('every'));
    if (!wanted) return 0;
    return Math.min(60, Math.max(seconds ?? 0, wanted) * 2 ** Math.min(failures, 4));
  };
  const later = () => {
    clearTimeout(timer);
    const wait = pause();
    if (!signal.aborted && wait) timer = setTimeout(run, wait * 1000);
  };
  async function run() {
    if (signal.aborted || document.hidden) return;
    if (running) {
      again = true;
      return;
    }
    running = true;
    try {
      await ask(signal);
      failures = 0;
      if (!signal.aborted) onAnswer();
    } catch (error) {
      failures += 1;
      if (!signal.aborted) onError(error);
    }
    running = false;
    if (again) {
      again = false;
      await run();
    } else {
      later();
    }
  }
  const woken = () => {
    if (!document.hidden) run();
  };
  document.addEventListener('visibilitychange', woken, { signal });
  signal.addEventListener('abort', () => clearTimeout(timer));
  settings.watch('every', later, signal);
  run();
  return { stop: () => clearTimeout(timer), now: run };
}
