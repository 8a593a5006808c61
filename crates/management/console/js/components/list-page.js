// A page that is one long list: filter by name, sort, pages. The server does all three, so that a broker with a hundred thousand
// queues sends a hundred rows. What is chosen stands in the address, to be sent to somebody.

import { get, query } from '../api/http.js';
import { h, keep, region } from '../core/dom.js';
import { count } from '../core/format.js';
import { requery } from '../core/router.js';
import { settings } from '../core/settings.js';
import { t } from '../i18n/index.js';
import { table } from './table.js';

const SIZES = ['25', '100', '500'];

/**
 * @param {import('../core/page.js').Context} ctx
 * @param {{
 *   title: string, address: () => string, ask?: () => Record<string, any>, columns: () => import('./table.js').Column<any>[],
 *   key: (row: any) => string, sort: string, reverse?: boolean, empty: any, head?: any, mark?: (row: any) => string,
 *   nameHint?: string, seconds?: number,
 * }} options `address`: below /api/, asked with RabbitMQ's paging parameters
 */
export function listPage(ctx, options) {
  let asked = ctx.query;
  const list = region('div', { class: 'list' });
  const chosen = () => ({
    page: Number(asked.get('page') ?? 1),
    size: asked.get('page_size') ?? '100',
    name: asked.get('name') ?? '',
    regex: asked.has('regex'),
    by: asked.get('sort') ?? options.sort,
    reverse: asked.has('sort') ? asked.has('down') : Boolean(options.reverse),
  });
  const choose = (changes) => {
    asked = requery({ page: null, ...changes });
    asking.now();
  };
  const asking = ctx.every(async (signal) => {
    const { page, size, name, regex, by, reverse } = chosen();
    const answer = await get(options.address() + query({
      page, page_size: size, name, use_regex: name ? regex : null, sort: by, sort_reverse: reverse, pagination: true, ...options.ask?.(),
    }), signal);
    const paged = Array.isArray(answer) ? cut(answer, chosen()) : answer;
    // The page went away under us.
    if (page > 1 && page > paged.page_count) return choose({ page: Math.max(1, paged.page_count) });
    show(paged);
  }, options.seconds);

  function show(answer) {
    const { by, reverse, name } = chosen();
    list.draw(
      table({
        caption: options.title, columns: options.columns(), rows: answer.items, key: options.key, mark: options.mark,
        sort: { by, reverse }, onSort: (sort, down) => choose({ sort, down }),
        empty: name ? h('p', {}, t('Nothing here has “{name}” in its name.', { name })) : options.empty,
      }),
      pager(answer, (page) => choose({ page })));
  }
  settings.watch('vhost', () => choose({}), ctx.signal);
  return h('div', {}, h('div', { class: 'page-head' }, h('h1', {}, options.title), options.head), filters(chosen(), choose, options.nameHint), list.element);
}

// For servers whose list has no pages of its own.
function cut(rows, { page, size, name, by, reverse, regex }) {
  const wanted = regex ? safely(name) : null;
  const fits = (row) => !name || (wanted ? wanted.test(row.name ?? row.consumer_tag ?? '') : (row.name ?? row.consumer_tag ?? '').includes(name));
  const value = (row) => by.split('.').reduce((inner, part) => inner?.[part], row);
  const order = (a, b) => (typeof a === 'number' && typeof b === 'number' ? a - b : String(a ?? '').localeCompare(String(b ?? '')));
  const all = rows.filter(fits).sort((a, b) => order(value(a), value(b)) * (reverse ? -1 : 1));
  const from = (page - 1) * Number(size);
  return {
    items: all.slice(from, from + Number(size)), page, page_count: Math.ceil(all.length / Number(size)),
    filtered_count: all.length, total_count: rows.length,
  };
}

function safely(pattern) {
  try {
    return new RegExp(pattern);
  } catch {
    return null;
  }
}

function filters(chosen, choose, nameHint) {
  let timer = 0;
  const typed = (event) => {
    clearTimeout(timer);
    timer = setTimeout(() => choose({ name: event.target.value }), 250);
  };
  return keep('filters', h('form', { class: 'filters', role: 'search', on: { submit: (event) => event.preventDefault() } },
    h('label', {}, h('span', { class: 'unseen' }, nameHint ?? t('Filter by name')),
      h('input', { type: 'search', class: 'filter-name', value: chosen.name, placeholder: nameHint ?? t('Filter by name'), on: { input: typed } })),
    h('label', { class: 'inline' }, h('input', { type: 'checkbox', checked: chosen.regex, on: { change: (event) => choose({ regex: event.target.checked }) } }), t('Regular expression')),
    h('label', { class: 'inline right' }, t('Rows'),
      h('select', { value: chosen.size, on: { change: (event) => choose({ page_size: event.target.value }) } }, SIZES.map((size) => h('option', { value: size }, size))))));
}

function pager(answer, go) {
  const { page, page_count: pages, filtered_count: found, total_count: total } = answer;
  const text = found === total ? t('{n} in all', { n: count(total) }) : t('{found} of {n}', { found: count(found), n: count(total) });
  const button = (label, to, mark, able) =>
    h('button', { class: 'button', type: 'button', disabled: !able, 'aria-label': label, on: { click: () => go(to) } }, mark);
  return h('nav', { class: 'pager', 'aria-label': t('Pages of the list') }, h('span', { role: 'status' }, text),
    pages > 1 && h('span', { class: 'row' },
      button(t('First page'), 1, '«', page > 1), button(t('Previous page'), page - 1, '‹', page > 1),
      h('span', {}, t('Page {page} of {pages}', { page: count(page), pages: count(pages) })),
      button(t('Next page'), page + 1, '›', page < pages), button(t('Last page'), pages, '»', page < pages)));
}
