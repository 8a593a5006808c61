// Small pieces that many pages use: badges, tiles, links to entities, tabs.

import { h } from '../core/dom.js';
import { link } from '../core/router.js';
import { settings } from '../core/settings.js';
import { t } from '../i18n/index.js';

/** @param {string} text @param {string} [kind] good, bad, warn @param {string} [title] */
export const badge = (text, kind = '', title) => h('span', { class: `badge ${kind}`, title }, text);

/** A figure with its name. @param {string} label @param {any} figure @param {any} [more] @param {string} [kind] */
export const tile = (label, figure, more, kind = '') =>
  h('div', { class: `tile ${kind}`, 'data-key': label }, h('span', { class: 'label' }, label), h('span', { class: 'figure' }, figure), more && h('span', { class: 'more' }, more));

/** How much of a limit is used. @param {string} label @param {number} part @param {number} whole @param {boolean} bad */
export const meter = (label, part, whole, bad) =>
  h('span', { class: `meter${bad ? ' bad' : ''}`, role: 'meter', 'aria-label': label, 'aria-valuemin': 0, 'aria-valuemax': 100,
    'aria-valuenow': Math.round(Math.min(1, whole ? part / whole : 0) * 100) }, h('span', { style: { width: `${Math.min(1, whole ? part / whole : 0) * 100}%` } }));

export const queueLink = (vhost, name, tab) => h('a', { href: tab ? link('queues', vhost, name, tab) : link('queues', vhost, name), class: 'entity' }, name);
export const exchangeLink = (vhost, name) =>
  h('a', { href: name ? link('exchanges', vhost, name) : link('exchanges', vhost), class: 'entity' }, name || t('(default exchange)'));
export const connectionLink = (name) => h('a', { href: link('connections', name), class: 'entity' }, name);
export const channelLink = (name) => h('a', { href: link('channels', name), class: 'entity' }, name);
export const vhostLink = (name) => h('a', { href: link('vhosts', name), class: 'entity' }, name);
export const userLink = (name) => h('a', { href: link('users', name), class: 'entity' }, name);

/** The virtual host that lists are narrowed to; '' for all. */
export const chosenVhost = () => settings.get('vhost');
/** `what`, or `what/vhost` when one is chosen. @param {string} what */
export const ofVhost = (what) => (chosenVhost() ? `${what}/${encodeURIComponent(chosenVhost())}` : what);

/** A table of arguments, a line each. @param {Record<string, any> | any[] | undefined} values */
export function args(values) {
  const pairs = Object.entries(values ?? {});
  if (pairs.length === 0) return null;
  return h('ul', { class: 'args' }, pairs.map(([name, value]) =>
    h('li', {}, h('code', {}, name), ' ', h('span', {}, typeof value === 'string' ? value : JSON.stringify(value)))));
}

/** Pages of one entity. @param {string} label @param {[string, string][]} all part of the address and name @param {string} here @param {(tab: string) => string} href */
export function tabs(label, all, here, href) {
  const nav = h('nav', { class: 'tabs', 'aria-label': label }, all.map(([tab, name]) => h('a', { href: href(tab), 'aria-current': tab === here ? 'page' : null }, name)));
  // Where there is no room for all, the one that is shown is seen.
  requestAnimationFrame(() => {
    const shown = nav.querySelector('[aria-current]');
    if (shown) nav.scrollLeft += shown.getBoundingClientRect().left - nav.getBoundingClientRect().left - (nav.clientWidth - shown.clientWidth) / 2;
  });
  return nav;
}

/** A part of a page with its heading. @param {string} title @param {...any} children */
export const section = (title, ...children) => h('section', { class: 'card' }, h('h2', {}, title), ...children);

/** A part that is closed until it is wanted. @param {string} title @param {...any} children */
export const folded = (title, ...children) => h('details', { class: 'card' }, h('summary', {}, h('h2', {}, title)), ...children);
