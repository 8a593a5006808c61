// Which messages are meant: a form of conditions that all have to hold, and the same in words.

import { h } from '../../core/dom.js';
import { t, tn } from '../../i18n/index.js';

/** @type {() => [string, string, string][]} kind, label, what is typed */
const KINDS = () => [
  ['routing_key', t('Routing key fits'), 'order.*'], ['exchange', t('Was published to exchange'), ''], ['body_contains', t('Body contains'), ''],
  ['death_reason', t('Died because'), 'rejected'], ['header', t('Header'), 'tenant = eu'], ['message_id', t('Message id'), ''],
  ['correlation_id', t('Correlation id'), ''], ['type', t('Type of message'), ''], ['app_id', t('App id'), ''], ['content_type', t('Content type'), ''],
  ['user_id', t('User id'), ''], ['priority', t('Priority'), ''], ['timestamp', t('Timestamp between'), '2026-01-01 / 2026-02-01'],
];
const LINES_MAX = 8;

/** One condition as the server takes it. Throws in words when it cannot be one. @param {string} kind @param {string} text */
export function condition(kind, text) {
  if (kind === 'priority') {
    const priority = Number(text);
    if (!Number.isInteger(priority) || priority < 0 || priority > 255 || text === '') throw new Error(t('A priority is a number from 0 to 255.'));
    return { priority };
  }
  if (kind === 'header') {
    const [name, ...rest] = text.split('=');
    if (!name.trim()) throw new Error(t('Write the name of a header, or name = value.'));
    return rest.length ? { header: name.trim(), equals: value(rest.join('=').trim()) } : { header: name.trim() };
  }
  if (kind === 'timestamp') {
    const [from, to] = text.split('/').map((part) => (part.trim() ? Math.floor(Date.parse(part.trim()) / 1000) : null));
    if (Number.isNaN(from) || Number.isNaN(to) || (from === null && !to)) throw new Error(t('Write two dates with a stroke between them: 2026-01-01 / 2026-02-01.'));
    return { timestamp: { ...(from === null ? {} : { from }), ...(to ? { to } : {}) } };
  }
  return { [kind]: text };
}

// Numbers, true and false as they are, everything else as text; "7" in quotes is text.
function value(text) {
  try {
    const parsed = JSON.parse(text);
    return typeof parsed === 'object' ? text : parsed;
  } catch {
    return text;
  }
}

/** @param {() => void} onChange when somebody wants to see what it finds */
export function filterForm(onChange) {
  const lines = h('div', { class: 'filter-lines' });
  const add = () => {
    const kinds = KINDS();
    const input = h('input', { type: 'text', 'aria-label': t('Value of the condition'), placeholder: kinds[0][2], spellcheck: 'false', autocomplete: 'off' });
    const select = h('select', { 'aria-label': t('Condition'), on: { change: () => { input.placeholder = kinds.find(([kind]) => kind === select.value)?.[2] ?? ''; } } },
      kinds.map(([kind, label]) => h('option', { value: kind }, label)));
    const line = h('div', { class: 'filter-line' }, select, input,
      h('button', { class: 'icon', type: 'button', 'aria-label': t('Take the condition away'), on: { click: () => { line.remove(); drawn(); onChange(); } } }, '×'));
    lines.append(line);
    drawn();
    select.focus();
  };
  const more = h('button', { class: 'button small', type: 'button', on: { click: add } }, t('Add a condition'));
  const find = h('button', { class: 'button small primary', type: 'submit' }, t('Find'));
  const trouble = h('p', { class: 'banner bad', role: 'alert', hidden: true });
  const drawn = () => {
    more.disabled = lines.children.length >= LINES_MAX;
    find.hidden = lines.children.length === 0;
  };
  drawn();
  const submit = (event) => {
    event.preventDefault();
    onChange();
  };
  return {
    element: h('form', { class: 'form filter-form', 'aria-label': t('Filter messages'), on: { submit } }, lines, trouble, h('div', { class: 'row wrap' }, more, find)),
    /** What the form says; null when something in it is wrong, which it shows. @returns {any[] | null} */
    read() {
      trouble.hidden = true;
      try {
        return [...lines.children].map((line) => condition(line.querySelector('select').value, line.querySelector('input').value));
      } catch (error) {
        trouble.textContent = /** @type {any} */ (error).message;
        trouble.hidden = false;
        return null;
      }
    },
  };
}

/** How many messages a sweep means, in words. @param {string[]} places @param {any[]} filter */
export const meant = (places, filter) =>
  places.length ? tn(places.length, 'The message that is ticked', '{n} messages that are ticked', { n: places.length }) : filter.length ? t('Every message of the queue that fits the conditions') : t('Every message of the queue');
