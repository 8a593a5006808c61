// The search over everything: `/` or Ctrl-K, a few letters, arrows, Enter. Queues, exchanges, connections and channels are looked
// for by the server (a page of each), the short lists here.

import { get, query } from '../api/http.js';
import { virtualHosts } from '../api/server.js';
import { h, region } from '../core/dom.js';
import { link } from '../core/router.js';
import { session } from '../core/session.js';
import { t } from '../i18n/index.js';
import { dialog } from './dialog.js';
import { pages } from './shell.js';

const EACH = 6;

/** @typedef {{ kind: string, name: string, more?: string, href: string }} Found */

/** @param {string} name @param {AbortSignal} signal @returns {Promise<Found[]>} */
async function find(name, signal) {
  const paged = async (what, kind, href, columns) => {
    const answer = await get(what + query({ page: 1, page_size: EACH, name, use_regex: false, pagination: true, columns }), signal);
    const items = Array.isArray(answer) ? answer.filter((item) => (item.name ?? '').includes(name)).slice(0, EACH) : answer.items;
    return items.map((item) => ({ kind, name: item.name || t('(default exchange)'), more: item.vhost, href: href(item) }));
  };
  const some = (list, kind, href) =>
    list.filter((item) => item.name.toLowerCase().includes(name.toLowerCase())).slice(0, EACH).map((item) => ({ kind, name: item.name, more: item.vhost, href: href(item) }));
  const nothing = () => [];
  const all = await Promise.all([
    some(pages(), t('Page'), ({ at }) => `#${at}`),
    paged('queues', t('Queue'), (item) => link('queues', item.vhost, item.name), 'name,vhost').catch(nothing),
    paged('exchanges', t('Exchange'), (item) => link('exchanges', item.vhost, item.name), 'name,vhost').catch(nothing),
    paged('connections', t('Connection'), (item) => link('connections', item.name), 'name,vhost').catch(nothing),
    paged('channels', t('Channel'), (item) => link('channels', item.name), 'name,vhost').catch(nothing),
    get('consumers' + query({ columns: 'consumer_tag,queue.name,queue.vhost', page: 1, page_size: EACH, name, pagination: true }), signal).then((answer) =>
      (answer.items ?? answer).filter((item) => item.consumer_tag?.includes(name)).slice(0, EACH).map((item) =>
        ({ kind: t('Consumer'), name: item.consumer_tag, more: item.queue?.name, href: link('queues', item.queue?.vhost ?? '/', item.queue?.name ?? '', 'consumers') }))).catch(nothing),
    virtualHosts().then((list) => some(list, t('Virtual host'), (item) => link('vhosts', item.name))).catch(nothing),
    session.isAdministrator ? get('users?columns=name', signal).then((list) => some(list, t('User'), (item) => link('users', item.name))).catch(nothing) : [],
    get('policies?columns=name,vhost', signal).then((list) => some(list, t('Policy'), () => '#/policies')).catch(nothing),
  ]);
  return all.flat();
}

let isOpen = false;

export async function openSearch() {
  if (isOpen) return;
  isOpen = true;
  /** @type {Found[]} */
  let found = [];
  let at = 0;
  let timer = 0;
  let asking = new AbortController();
  const results = region('ul', { id: 'search-results', role: 'listbox', 'aria-label': t('Found') });
  const said = h('p', { class: 'hint', role: 'status' }, t('Queues, exchanges, connections, users, pages … by a part of their name.'));

  const choice = (item, place) => h('li', { id: `found-${place}`, role: 'option', 'aria-selected': String(place === at), on: { click: () => go(item), pointermove: () => pick(place) } },
    h('span', { class: 'kind' }, item.kind), h('span', { class: 'name' }, item.name), item.more && h('small', {}, item.more));
  function draw() {
    results.draw(found.map(choice));
    input.setAttribute('aria-expanded', String(found.length > 0));
    if (found.length) input.setAttribute('aria-activedescendant', `found-${at}`);
    else input.removeAttribute('aria-activedescendant');
    document.getElementById(`found-${at}`)?.scrollIntoView({ block: 'nearest' });
  }
  function pick(place) {
    if (place === at) return;
    at = place;
    draw();
  }
  const go = (item) => {
    document.querySelector('dialog.search')?.dispatchEvent(new Event('leave'));
    location.hash = item.href;
  };
  function typed() {
    clearTimeout(timer);
    asking.abort();
    asking = new AbortController();
    const name = input.value.trim();
    const { signal } = asking;
    if (!name) {
      found = [];
      return draw();
    }
    timer = setTimeout(async () => {
      try {
        const answer = await find(name, signal);
        if (signal.aborted) return;
        found = answer;
        at = 0;
        said.textContent = found.length ? t('{n} found; Enter opens, arrows choose', { n: found.length }) : t('Nothing has “{name}” in its name.', { name });
        draw();
      } catch {
        // Left, or asked anew.
      }
    }, 150);
  }
  const keys = (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && found.length) {
      event.preventDefault();
      pick((at + step + found.length) % found.length);
    } else if (event.key === 'Enter' && found[at]) {
      event.preventDefault();
      go(found[at]);
    }
  };
  const input = h('input', { type: 'text', role: 'combobox', autofocus: true, autocomplete: 'off', spellcheck: 'false', 'aria-label': t('Search everything'), 'aria-controls': 'search-results', 'aria-expanded': 'false', on: { input: typed, keydown: keys } });
  await dialog({ title: t('Search'), class: 'search', body: (close) => {
    queueMicrotask(() => document.querySelector('dialog.search')?.addEventListener('leave', () => close()));
    return [input, said, results.element];
  } });
  asking.abort();
  isOpen = false;
}
