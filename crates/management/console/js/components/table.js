// A table with proper headers: caption, sort buttons, numbers to the right, columns that small screens leave out.

import { h } from '../core/dom.js';
import { t } from '../i18n/index.js';

/**
 * @template Row
 * @typedef {{
 *   label: string, cell: (row: Row) => any, sort?: string, number?: boolean, small?: boolean | 'phone' | 'wide', head?: boolean, hidden?: boolean,
 *   title?: string,
 * }} Column `sort`: the API's key. `small`: left out on small screens (`phone`: on phones alone; `wide`: shown
 * on wide ones alone). `head`: the row's name
 */

/**
 * @template Row
 * @param {{
 *   caption: string, columns: Column<Row>[], rows: Row[] | null, key: (row: Row) => string, empty?: any,
 *   sort?: { by: string, reverse: boolean }, onSort?: (by: string, reverse: boolean) => void, mark?: (row: Row) => string,
 * }} options
 */
export function table({ caption, columns, rows, key, empty, sort, onSort, mark }) {
  const shown = columns.filter((column) => !column.hidden);
  if (rows === null) return h('div', { class: 'waiting', 'aria-busy': 'true' }, t('Asking the server…'));
  if (rows.length === 0 && empty) return h('div', { class: 'empty' }, empty);
  return h('div', { class: 'table-scroll', tabindex: '0', role: 'region', 'aria-label': caption },
    h('table', {}, h('caption', { class: 'unseen' }, caption),
      h('thead', {}, h('tr', {}, shown.map((column) => heading(column, sort, onSort)))),
      h('tbody', {}, rows.map((row) =>
        h('tr', { 'data-key': key(row), class: mark?.(row) }, shown.map((column) => cell(column, row)))))));
}

const kind = (column) =>
  [column.number && 'number', column.small && ({ phone: 'not-phone', wide: 'only-wide' }[column.small] ?? 'not-small')].filter(Boolean).join(' ') || null;

function heading(column, sort, onSort) {
  const sorted = sort && column.sort && sort.by === column.sort;
  const direction = sorted ? (sort.reverse ? 'descending' : 'ascending') : null;
  if (!column.sort || !onSort) return h('th', { scope: 'col', class: kind(column), title: column.title }, column.label);
  // Numbers are asked for largest first.
  const next = sorted ? !sort.reverse : Boolean(column.number);
  return h('th', { scope: 'col', class: kind(column), 'aria-sort': direction, title: column.title },
    h('button', { class: 'sort', type: 'button', on: { click: () => onSort(column.sort, next) } }, column.label,
      h('span', { class: 'arrow', 'aria-hidden': 'true' }, direction ? (sort.reverse ? '▾' : '▴') : '')));
}

const cell = (column, row) =>
  column.head ? h('th', { scope: 'row', class: kind(column) }, column.cell(row)) : h('td', { class: kind(column) }, column.cell(row));

/** Rows of name and value. @param {[string, any][]} pairs those without a value are left out */
export const facts = (pairs) =>
  h('dl', { class: 'facts' }, pairs.filter(([, value]) => value !== null && value !== undefined && value !== '').map(([name, value]) =>
    h('div', {}, h('dt', {}, name), h('dd', {}, value))));
