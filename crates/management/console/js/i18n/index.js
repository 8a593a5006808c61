// The words of the console. The English text is the key, as with gettext: a page stays readable, and English needs no table. A text
// in another language that is missing is shown in English, and a test fails.

import { settings } from '../core/settings.js';
import { zh } from './zh/index.js';

/** @type {Record<string, Record<string, string>>} */
const TABLES = { zh };
export const LANGUAGES = { en: 'English', zh: '中文' };

/** `en` or `zh`: what was chosen, else what the browser asks for. */
export function language() {
  const chosen = settings.get('language');
  if (chosen in LANGUAGES) return chosen;
  return (navigator.languages ?? []).map((name) => name.slice(0, 2)).find((name) => name in LANGUAGES) ?? 'en';
}

/** How numbers and times are written: as in this person's country, where it speaks the language of the page. */
export const locale = () => (navigator.languages ?? []).find((name) => name.slice(0, 2) === language()) ?? language();

/**
 * @param {string} text English, with {names} for what is put in
 * @param {Record<string, any>} [values]
 */
export function t(text, values) {
  const found = TABLES[language()]?.[text] ?? text;
  return values ? found.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole)) : found;
}

/** One or many. @param {number} n @param {string} one @param {string} many @param {Record<string, any>} [values] */
export const tn = (n, one, many, values) => t(n === 1 && language() === 'en' ? one : many, values);
