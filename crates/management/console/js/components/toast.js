// Short words about what was just done, at the edge of the page; read out by screen readers.

import { h } from '../core/dom.js';
import { t } from '../i18n/index.js';

const SHOWN_MS = 6000;
let place = null;

function area() {
  place ??= document.body.appendChild(h('div', { class: 'toasts', role: 'status', 'aria-live': 'polite' }));
  return place;
}

/** @param {string} text @param {'good' | 'bad'} [kind] */
export function toast(text, kind = 'good') {
  const close = () => element.remove();
  const element = h('div', { class: `toast ${kind}` }, h('span', {}, text),
    h('button', { class: 'icon', type: 'button', 'aria-label': t('Close'), on: { click: close } }, '×'));
  // What went well closes the window it was done in; what went wrong is read there.
  const into = (kind === 'bad' && document.querySelector('dialog[open] .dialog-toasts')) || area();
  into.append(element);
  // What went wrong stays until it was read.
  if (kind === 'good') setTimeout(close, SHOWN_MS);
}

/** Does it and says how it ended. @param {() => Promise<any>} act @param {string} done @returns {Promise<boolean>} */
export async function doing(act, done) {
  try {
    await act();
    if (done) toast(done);
    return true;
  } catch (error) {
    toast(/** @type {any} */ (error).message, 'bad');
    return false;
  }
}
