// What a page is given: its parameters, requests that end with it, and one place where what goes wrong is shown. A page is left by
// aborting its signal; nothing of it runs on.

import { ApiError } from '../api/http.js';
import { t } from '../i18n/index.js';
import { h, region } from './dom.js';
import { poll } from './poll.js';

/**
 * @typedef {{
 *   params: Record<string, string>, query: URLSearchParams, signal: AbortSignal, root: HTMLElement, title: (text: string) => void,
 *   every: (ask: (signal: AbortSignal) => Promise<void>, seconds?: number) => import('./poll.js').Poll,
 *   refresh: () => void,
 * }} Context
 * @param {import('./router.js').Match} match @param {HTMLElement} into
 */
export async function open(match, into) {
  const abort = new AbortController();
  const trouble = region('div', { class: 'trouble' });
  const root = h('div', { class: 'page' });
  into.replaceChildren(trouble.element, root);
  /** @type {import('./poll.js').Poll[]} */
  const polls = [];
  let failing = false;
  let heading = '';

  /** @type {Context} */
  const ctx = {
    params: match.params,
    query: match.query,
    signal: abort.signal,
    root,
    title: (text) => {
      heading = text;
      document.title = `${text} · Leveret`;
    },
    every: (ask, seconds) => {
      const started = poll(ask, {
        signal: abort.signal,
        seconds,
        onError: (error) => show(error),
        onAnswer: () => {
          if (failing) trouble.draw();
          failing = false;
        },
      });
      polls.push(started);
      return started;
    },
    refresh: () => polls.forEach((each) => each.now()),
  };
  function show(error) {
    failing = true;
    if (error instanceof ApiError && error.status === 404) {
      root.replaceChildren(gone());
      abort.abort();
    } else {
      // A page that got no answer yet has no heading of its own.
      trouble.draw(!root.querySelector('h1') && h('h1', {}, heading), banner(error));
    }
  }
  window.addEventListener('leveret:changed', () => ctx.refresh(), { signal: abort.signal });
  try {
    const { page } = await match.route.load();
    if (!abort.signal.aborted) root.append(await page(ctx));
  } catch (error) {
    if (!abort.signal.aborted) show(error);
    if (!(error instanceof ApiError)) console.error(error);
  }
  return () => abort.abort();
}

/** Says that something was changed, so that what is shown is asked for again at once. */
export const changed = () => window.dispatchEvent(new Event('leveret:changed'));

const gone = () =>
  h('div', { class: 'empty' }, h('h1', {}, t('Not here')),
    h('p', {}, t('There is nothing of this name now: it may have been deleted, or you may not see its virtual host.')),
    h('p', {}, h('a', { href: '#/queues' }, t('Queues')), ' · ', h('a', { href: '#/' }, t('Overview'))));

function banner(error) {
  const status = error instanceof ApiError ? error.status : -1;
  const help = status === 0 ? t('It is asked again in a moment; what you see is from before.')
    : status === 401 || status === 403 ? t('Your user may not see this. An administrator can give it a tag or permissions.')
    : '';
  return h('div', { class: 'banner bad', role: 'alert' }, h('strong', {}, error.message || String(error)), help && h('span', {}, help));
}
