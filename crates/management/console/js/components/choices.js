// Small choices about the console itself.

import { h } from '../core/dom.js';
import { settings } from '../core/settings.js';
import { LANGUAGES, language, t } from '../i18n/index.js';

function choice(label, name, value, options) {
  return h('label', { class: 'inline' }, h('span', { class: 'unseen' }, label),
    h('select', { value, on: { change: (event) => settings.set(name, event.target.value) } },
      options.map(([key, text]) => h('option', { value: key, lang: name === 'language' ? key : null }, text))));
}

export const languageChoice = () => choice(t('Language'), 'language', language(), Object.entries(LANGUAGES));

export const themeChoice = () =>
  choice(t('Theme'), 'theme', settings.get('theme'), [['auto', t('As the system')], ['light', t('Light')], ['dark', t('Dark')]]);

export const everyChoice = () =>
  choice(t('Ask the server'), 'every', settings.get('every'),
    [['2', t('every 2 s')], ['5', t('every 5 s')], ['15', t('every 15 s')], ['60', t('every minute')], ['0', t('not by itself')]]);
