// A message's body, as what it is: JSON laid out, text, or bytes in hexadecimal. What arrived compressed is unpacked by the browser.

import { h, keep } from '../core/dom.js';
import { bytes, count } from '../core/format.js';
import { t } from '../i18n/index.js';
import { toast } from './toast.js';

/** So much is laid out; the rest is told by its size, and downloaded whole. */
const SHOWN_MAX = 256 * 1024;

/** @param {string} payload @param {string} encoding `string` or `base64` @returns {Uint8Array} */
export function decode(payload, encoding) {
  if (encoding !== 'base64') return new TextEncoder().encode(payload);
  const text = atob(payload);
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

/** @param {Uint8Array} data @returns {string | null} null when it is not UTF-8, or full of control characters */
export function asText(data) {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(data);
    return /[\u0000-\u0008\u000e-\u001f]/.test(text) ? null : text;
  } catch {
    return null;
  }
}

/** Sixteen bytes a line: where, what, and its letters. @param {Uint8Array} data */
export function hex(data) {
  const lines = [];
  for (let from = 0; from < data.length; from += 16) {
    const row = [...data.subarray(from, from + 16)];
    const codes = row.map((byte) => byte.toString(16).padStart(2, '0'));
    const letters = row.map((byte) => (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : '·')).join('');
    lines.push(`${from.toString(16).padStart(8, '0')}  ${codes.slice(0, 8).join(' ').padEnd(23)}  ${codes.slice(8).join(' ').padEnd(23)}  ${letters}`);
  }
  return lines.join('\n');
}

/** JSON laid out, with colours for its parts. Numbers are kept as they came, however long. @param {string} text @returns {any[] | null} */
export function prettyJson(text) {
  let laidOut;
  try {
    const parsed = JSON.parse(text);
    if (typeof parsed !== 'object' || parsed === null) return null;
    laidOut = /\d{16,}|\d[eE]|\.\d*0\b/.test(text) ? text : JSON.stringify(parsed, null, 2);
  } catch {
    return null;
  }
  const parts = [];
  const pattern = /("(?:\\.|[^"\\])*")(\s*:)?|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|\b(true|false|null)\b/g;
  let at = 0;
  for (const found of laidOut.matchAll(pattern)) {
    parts.push(laidOut.slice(at, found.index));
    const kind = found[1] ? (found[2] ? 'json-key' : 'json-string') : found[3] ? 'json-number' : 'json-word';
    parts.push(h('span', { class: kind }, found[1] ?? found[0]), found[2] ?? '');
    at = found.index + found[0].length;
  }
  parts.push(laidOut.slice(at));
  return parts;
}

async function unpacked(data, encoding) {
  if (!['gzip', 'deflate'].includes(encoding)) return data;
  try {
    const stream = new Blob([data]).stream().pipeThrough(new DecompressionStream(encoding));
    const reader = stream.getReader();
    const parts = [];
    let size = 0;
    // A small message can unpack to a huge one: no more than is shown is unpacked.
    while (size <= SHOWN_MAX) {
      const { done, value } = await reader.read();
      if (done) break;
      parts.push(value);
      size += value.length;
    }
    await reader.cancel();
    return new Uint8Array(await new Blob(parts).arrayBuffer());
  } catch {
    return data;
  }
}

/** @param {{ payload: string, payload_encoding: string, payload_bytes: number, properties?: any }} message */
export function body(message) {
  const whole = decode(message.payload, message.payload_encoding);
  const packing = message.properties?.content_encoding;
  const box = h('div', { class: 'message-content' });
  const place = h('div');
  /** @type {[string, string, () => any][]} */
  let views = [];
  function choose(name) {
    const [, , make] = views.find(([key]) => key === name) ?? views[0];
    place.replaceChildren(h('pre', { class: `body-text ${name}`, tabindex: '0', 'aria-label': t('Body') }, make()));
    for (const button of box.querySelectorAll('.segments button')) button.setAttribute('aria-pressed', String(button.dataset.view === name));
  }
  const copy = () => navigator.clipboard.writeText(asText(whole) ?? hex(whole)).then(() => toast(t('Copied.')), () => toast(t('The browser does not let this page copy.'), 'bad'));
  const save = () => {
    const url = URL.createObjectURL(new Blob([/** @type {any} */ (whole)]));
    h('a', { href: url, download: `${message.properties?.message_id ?? 'message'}.bin` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 1000);
  };
  unpacked(whole, packing).then((data) => {
    const shown = data.subarray(0, SHOWN_MAX);
    const text = asText(shown);
    const json = text === null ? null : prettyJson(text);
    views = [...(json ? [/** @type {[string, string, () => any]} */ (['json', 'JSON', () => prettyJson(/** @type {string} */ (text))])] : []),
      ...(text === null ? [] : [/** @type {[string, string, () => any]} */ (['text', t('Text'), () => text])]), ['hex', t('Hex'), () => hex(shown)]];
    box.append(h('div', { class: 'body-head' },
      h('span', { class: 'segments', role: 'group', 'aria-label': t('Show the body as') }, views.map(([name, label]) =>
        h('button', { type: 'button', 'data-view': name, on: { click: () => choose(name) } }, label))),
      h('span', { class: 'row wrap' }, h('span', { class: 'muted' }, sizeOf(message, whole, data, shown)),
        h('button', { class: 'button small', type: 'button', on: { click: copy } }, t('Copy')), h('button', { class: 'button small', type: 'button', on: { click: save } }, t('Save')))), place);
    choose(views[0][0]);
  });
  return keep('body', box);
}

function sizeOf(message, whole, data, shown) {
  const parts = [message.payload_bytes < 10_000 ? t('{n} bytes', { n: count(message.payload_bytes) }) : bytes(message.payload_bytes)];
  if (whole.length < message.payload_bytes) parts.push(t('the first {n} were sent', { n: bytes(whole.length) }));
  if (data !== whole) parts.push(t('unpacked'));
  if (shown.length < data.length) parts.push(t('the first {n} are shown', { n: bytes(shown.length) }));
  return parts.join(' · ');
}
