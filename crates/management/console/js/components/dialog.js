// Windows over the page: the browser's own dialog, which keeps the focus inside and gives it back.

import { h } from '../core/dom.js';
import { t } from '../i18n/index.js';

let ids = 0;

/**
 * @param {{ title: string, class?: string, body: (close: (answer?: any) => void) => any }} options
 * @returns {Promise<any>} what it was closed with; undefined when it was left
 */
export function dialog({ title, body, class: kind = '' }) {
  return new Promise((resolve) => {
    const id = `dialog-${(ids += 1)}`;
    let answer;
    const close = (value) => {
      answer = value;
      element.close();
    };
    const element = h('dialog', { class: `dialog ${kind}`, 'aria-labelledby': id },
      h('header', {}, h('h2', { id }, title),
        h('button', { class: 'icon', type: 'button', 'aria-label': t('Close'), on: { click: () => close() } }, '×')),
      h('div', { class: 'dialog-body' }, body(close)), h('div', { class: 'dialog-toasts', role: 'status' }));
    element.addEventListener('close', () => {
      element.remove();
      resolve(answer);
    });
    // A click beside the window leaves it.
    element.addEventListener('mousedown', (event) => {
      if (event.target === element) element.close();
    });
    window.addEventListener('hashchange', () => element.close(), { once: true });
    document.body.append(element);
    element.showModal();
  });
}

/**
 * Asks before something is done that cannot be taken back. What will be lost is said in `loses`.
 * @param {{ title: string, loses: any, action: string, word?: string }} options `word`: a name that has to be typed first, for
 *   what takes the most with it
 * @returns {Promise<boolean>}
 */
export async function confirmed({ title, loses, action, word }) {
  const answer = await dialog({
    title,
    class: 'narrow',
    body: (close) => {
      const button = h('button', { class: 'button danger', type: 'submit', disabled: Boolean(word) }, action);
      const input = word && h('input', { type: 'text', autocomplete: 'off', autofocus: true, spellcheck: 'false',
        on: { input: (event) => { button.disabled = event.target.value !== word; } } });
      const submit = (event) => {
        event.preventDefault();
        close(true);
      };
      return h('form', { class: 'form', on: { submit } }, h('p', {}, loses),
        word && h('label', { class: 'field' }, h('span', {}, t('Type {name} to go on', { name: word })), input),
        h('div', { class: 'row end' },
          h('button', { class: 'button', type: 'button', autofocus: !word, on: { click: () => close(false) } }, t('Cancel')), button));
    },
  });
  return answer === true;
}
