// The door: name and password, tried against the server before anything else is shown.

import { request } from '../api/http.js';
import { languageChoice, themeChoice } from '../components/choices.js';
import { h } from '../core/dom.js';
import { session } from '../core/session.js';
import { t } from '../i18n/index.js';

/** @param {{ trouble: string, onLogin: () => void }} options */
export function login({ trouble, onLogin }) {
  document.title = `${t('Log in')} · Leveret`;
  const words = h('p', { class: 'banner bad', role: 'alert', hidden: !trouble }, trouble);
  const button = h('button', { class: 'button primary', type: 'submit' }, t('Log in'));
  const submit = async (event) => {
    event.preventDefault();
    const { name, password } = event.target.elements;
    const authorization = session.header(name.value, password.value);
    button.disabled = true;
    try {
      session.enter(authorization, await request('GET', 'whoami', { authorization }));
      onLogin();
    } catch (error) {
      const { status, message } = /** @type {any} */ (error);
      words.hidden = false;
      words.textContent = status !== 401 ? message : message.includes('guest') || message.includes('localhost') || message.includes('loopback') ? message
        : t('The server does not know this name and password, or the user has no tag that lets it see this (management, policymaker, monitoring or administrator).');
      password.select();
    }
    button.disabled = false;
  };
  return h('main', { class: 'login' },
    h('form', { class: 'form', 'aria-label': t('Log in'), on: { submit } },
      h('h1', {}, h('img', { src: 'icon.svg', alt: '', width: 40, height: 40 }), 'Leveret'), words,
      h('label', { class: 'field' }, h('span', {}, t('User')),
        h('input', { name: 'name', type: 'text', autocomplete: 'username', required: true, autofocus: true, autocapitalize: 'none', spellcheck: 'false' })),
      h('label', { class: 'field' }, h('span', {}, t('Password')),
        h('input', { name: 'password', type: 'password', autocomplete: 'current-password' })),
      button, h('div', { class: 'row' }, languageChoice(), themeChoice())));
}
