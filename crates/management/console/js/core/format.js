// Numbers, sizes, times and rates as a person reads them, in the language of the page.

import { locale, t } from '../i18n/index.js';

const formats = new Map();
function number(options) {
  const key = locale() + JSON.stringify(options);
  if (!formats.has(key)) formats.set(key, new Intl.NumberFormat(locale(), options));
  return formats.get(key);
}

export const NOTHING = '–';
const isNumber = (value) => typeof value === 'number' && Number.isFinite(value);

/** A count in full. @param {any} value */
export function count(value) {
  return isNumber(value) ? number({ maximumFractionDigits: 0 }).format(value) : NOTHING;
}

/** A count that fits a small place: 12,345 but 1.2M. @param {any} value */
export function short(value) {
  if (!isNumber(value)) return NOTHING;
  return Math.abs(value) < 100_000 ? count(value) : number({ notation: 'compact', maximumFractionDigits: 1 }).format(value);
}

/** Per second. @param {any} value */
export function rate(value) {
  if (!isNumber(value)) return NOTHING;
  const size = Math.abs(value);
  if (size >= 100_000) return `${number({ notation: 'compact', maximumFractionDigits: 1 }).format(value)}/s`;
  return `${number({ maximumFractionDigits: size < 10 ? 1 : 0 }).format(value)}/s`;
}

/** @param {any} value bytes */
export function bytes(value) {
  if (!isNumber(value)) return NOTHING;
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let at = 0;
  let size = value;
  for (; Math.abs(size) >= 1024 && at < units.length - 1; at += 1) size /= 1024;
  return `${number({ maximumFractionDigits: at === 0 || size >= 100 ? 0 : 1 }).format(size)} ${units[at]}`;
}

/** @param {any} value bytes per second */
export const byteRate = (value) => (isNumber(value) ? `${bytes(value)}/s` : NOTHING);

/** How long, in its two largest units. @param {any} ms */
export function duration(ms) {
  if (!isNumber(ms)) return NOTHING;
  if (ms < 1) return `${number({ maximumFractionDigits: 2 }).format(ms)} ${t('ms')}`;
  if (ms < 1000) return `${number({ maximumFractionDigits: ms < 10 ? 1 : 0 }).format(ms)} ${t('ms')}`;
  if (ms < 60_000) return `${number({ maximumFractionDigits: ms < 10_000 ? 1 : 0 }).format(ms / 1000)} ${t('s')}`;
  /** @type {[string, number][]} */
  const units = [[t('d'), 86_400_000], [t('h'), 3_600_000], [t('min'), 60_000], [t('s'), 1000]];
  const first = units.findIndex(([, size]) => ms >= size);
  const [name, size] = units[first];
  const next = units[first + 1];
  const rest = next ? Math.floor((ms % size) / next[1]) : 0;
  return `${count(Math.floor(ms / size))} ${name}${rest ? ` ${rest} ${next[0]}` : ''}`;
}

/** Milliseconds since 1970 of what the API gives as a number of seconds or milliseconds, or as text. @param {any} value */
export function instant(value) {
  if (isNumber(value)) return value < 1e11 ? value * 1000 : value;
  if (typeof value !== 'string' || !value) return NaN;
  const iso = /^\d{4}-\d\d-\d\d \d+:\d\d:\d\d$/.test(value) ? `${value.replace(/ (\d):/, ' 0$1:').replace(' ', 'T')}Z` : value;
  return Date.parse(iso);
}

/** A point in time, with the day. @param {any} value */
export function time(value) {
  const ms = instant(value);
  if (!isNumber(ms)) return NOTHING;
  return new Intl.DateTimeFormat(locale(), { dateStyle: 'medium', timeStyle: 'medium' }).format(ms);
}

/** The hour alone, for axes. @param {number} ms @param {boolean} seconds */
export function clock(ms, seconds) {
  /** @type {Intl.DateTimeFormatOptions} */
  const options = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23', ...(seconds ? { second: '2-digit' } : {}) };
  return new Intl.DateTimeFormat(locale(), options).format(ms);
}

/** How long ago. @param {any} value */
export const since = (value) => {
  const ms = instant(value);
  return isNumber(ms) ? duration(Math.max(0, Date.now() - ms)) : NOTHING;
};

/** @param {number} part @param {number} whole */
export const percent = (part, whole) =>
  isNumber(part) && whole > 0 ? number({ style: 'percent', maximumFractionDigits: 1 }).format(part / whole) : NOTHING;

/** A value of a table, in JSON where it is not plain text. @param {any} value */
export const plain = (value) => (typeof value === 'string' ? value : JSON.stringify(value));
