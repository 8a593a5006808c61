// What stays around the pages: name, virtual host, search, alarms, pages, choices, who is logged in.

import { getIfThere } from '../api/http.js';
import { offers, virtualHosts } from '../api/server.js';
import { h, keep, region } from '../core/dom.js';
import { poll } from '../core/poll.js';
import { session } from '../core/session.js';
import { settings } from '../core/settings.js';
import { t } from '../i18n/index.js';
import { alarmsOf } from '../pages/health/alarms.js';
import { everyChoice, languageChoice, themeChoice } from './choices.js';
import { openSearch } from './search.js';

let hasEvents = false;

export const pages = () => [
  { name: t('Overview'), at: '/' }, { name: t('Flow'), at: '/flow' },
  { name: t('Queues'), at: '/queues' }, { name: t('Exchanges'), at: '/exchanges' },
  { name: t('Connections'), at: '/connections' }, { name: t('Channels'), at: '/channels' }, { name: t('Consumers'), at: '/consumers' },
  { name: t('Policies'), at: '/policies', group: true }, { name: t('Virtual hosts'), at: '/vhosts' },
  ...(session.isAdministrator ? [{ name: t('Users'), at: '/users' }] : []),
  { name: t('Definitions'), at: '/definitions' }, ...(hasEvents ? [{ name: t('Events'), at: '/events' }] : []), { name: t('Health'), at: '/health' },
];

/** @param {{ onLogout: () => void }} options */
export function shell({ onLogout }) {
  const abort = new AbortController();
  const main = h('main', { id: 'main', tabindex: '-1' });
  const nav = region('ul');
  const alarms = region('div', { class: 'alarms', role: 'status' });
  let here = '/';
  const menu = h('button', { class: 'button menu', type: 'button', 'aria-expanded': 'false', 'aria-controls': 'pages', on: { click: () => toggle() } }, '☰', h('span', { class: 'unseen' }, t('Pages')));
  const side = h('nav', { id: 'pages', class: 'side', 'aria-label': t('Pages') }, nav.element, h('div', { class: 'side-foot' }, everyChoice(), languageChoice(), themeChoice(),
    h('div', { class: 'who' }, h('span', {}, h('b', {}, session.name), h('small', {}, session.tags.filter(Boolean).join(', '))),
      h('button', { class: 'button', type: 'button', on: { click: onLogout } }, t('Log out')))));
  function toggle(open = menu.getAttribute('aria-expanded') !== 'true') {
    menu.setAttribute('aria-expanded', String(open));
    side.classList.toggle('open', open);
  }
  function drawNav() {
    nav.draw(pages().map(({ name, at, group }) =>
      h('li', { class: group && 'group' }, h('a', { href: `#${at}`, 'aria-current': at === here ? 'page' : null }, name))));
  }
  const element = h('div', { class: 'shell' },
    h('a', { class: 'skip', href: '#main', on: { click: (event) => { event.preventDefault(); main.focus(); } } }, t('Skip to the content')),
    h('header', { class: 'top' }, menu,
      h('a', { class: 'brand', href: '#/', 'aria-label': 'Leveret' }, h('img', { src: 'icon.svg', alt: '', width: 28, height: 28 }), h('span', {}, 'Leveret')),
      vhostChoice(), h('span', { class: 'grow' }),
      h('button', { class: 'button search-button', type: 'button', on: { click: () => openSearch() } }, h('span', { 'aria-hidden': 'true' }, '⌕'), h('span', { class: 'search-word' }, t('Search')), h('kbd', { 'aria-hidden': 'true' }, '/'))),
    side, h('div', { class: 'content' }, alarms.element, main));
  drawNav();
  offers('/events').then((can) => {
    hasEvents = can;
    drawNav();
  });

  document.addEventListener('keydown', (event) => {
    const typing = /** @type {any} */ (event.target).closest?.('input, textarea, select, dialog');
    if ((event.key === '/' && !typing && !event.ctrlKey && !event.metaKey) || (event.key === 'k' && (event.ctrlKey || event.metaKey))) {
      event.preventDefault();
      openSearch();
    }
    if (event.key === 'Escape') toggle(false);
  }, { signal: abort.signal });
  poll(async (signal) => {
    const nodes = await getIfThere('nodes', signal);
    alarms.draw(alarmsOf(nodes ?? []).map((text) => h('div', { class: 'banner bad' }, h('strong', {}, text), ' ', h('a', { href: '#/health' }, t('What to do')))));
  }, { signal: abort.signal, onError: () => {}, onAnswer: () => {}, seconds: 10 });

  return {
    element,
    main,
    /** @param {string} at */
    arrived(at) {
      here = at;
      toggle(false);
      drawNav();
    },
    close: () => abort.abort(),
  };
}

function vhostChoice() {
  // A name may be longer than there is room for.
  const name = () => select.value ? select.setAttribute('title', select.value) : select.removeAttribute('title');
  const choose = () => {
    settings.set('vhost', select.value);
    name();
  };
  const select = h('select', { on: { change: choose } }, h('option', { value: '' }, t('All virtual hosts')));
  virtualHosts().then((all) => {
    select.append(...all.map(({ name }) => h('option', { value: name }, name)));
    const kept = settings.get('vhost');
    if (all.some(({ name }) => name === kept)) select.value = kept;
    else settings.set('vhost', '');
    name();
  }).catch(() => {});
  return keep('vhost', h('label', { class: 'inline vhost-choice' }, h('span', { class: 'unseen' }, t('Virtual host')), select));
}
