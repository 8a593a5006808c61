// What happens, as it happens: who logs in, connects, declares, deletes. The newest on top; only what was seen since the page was opened.

import { listen } from '../api/events.js';
import { args, badge } from '../components/bits.js';
import { table } from '../components/table.js';
import { h, keep, region } from '../core/dom.js';
import { clock, time } from '../core/format.js';
import { t } from '../i18n/index.js';

const KEPT = 300;
const AGAIN_MS = 3000;
/** Drawn this often at most, however much happens. */
const DRAW_MS = 250;

/** @param {import('../core/page.js').Context} ctx */
export function page(ctx) {
  ctx.title(t('Events'));
  /** @type {(import('../api/events.js').Happened & { number: number })[]} */
  let seen = [];
  let number = 0;
  let filter = '';
  let isHeld = false;
  /** @type {any} */
  let timer = 0;
  const state = region('span', { role: 'status' });
  const list = region('div');
  const fits = (event) => !filter || `${event.kind} ${JSON.stringify(event.fields)}`.toLowerCase().includes(filter);
  function draw() {
    timer = 0;
    list.draw(table({
      caption: t('Events'), rows: seen.filter(fits), key: (event) => String(event.number),
      columns: [
        { label: t('Time'), cell: (event) => h('span', { title: time(event.at) }, clock(event.at, true)) },
        { label: t('What happened'), head: true, cell: (event) => event.kind },
        { label: t('Details'), cell: (event) => h('div', { class: 'in-line' }, args(event.fields)) },
      ],
      empty: h('p', {}, seen.length ? t('Nothing seen so far has “{name}” in it.', { name: filter }) : t('Nothing happened since you came here. Logins, connections, queues, exchanges, bindings, policies and alarms show up by themselves.')),
    }));
  }
  const soon = () => {
    if (!isHeld) timer ||= setTimeout(draw, DRAW_MS);
  };
  const happened = (event) => {
    seen = [{ ...event, number: (number += 1) }, ...seen].slice(0, KEPT);
    soon();
  };
  async function follow() {
    while (!ctx.signal.aborted) {
      try {
        await listen(ctx.signal, () => state.draw(badge(t('listening'), 'good')), happened);
      } catch {
        // Said below, whatever it was; and tried again.
      }
      if (ctx.signal.aborted) return;
      state.draw(badge(t('not connected; tried again in a moment'), 'bad'));
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }
  const hold = (event) => {
    isHeld = event.target.checked;
    soon();
  };
  const typed = (event) => {
    filter = event.target.value.trim().toLowerCase();
    draw();
  };
  draw();
  follow();
  return h('div', {}, h('div', { class: 'page-head' }, h('h1', {}, t('Events')), state.element),
    keep('filters', h('form', { class: 'filters', role: 'search', on: { submit: (event) => event.preventDefault() } },
      h('label', {}, h('span', { class: 'unseen' }, t('Events with this in them')), h('input', { type: 'search', placeholder: t('Events with this in them'), on: { input: typed } })),
      h('label', { class: 'inline' }, h('input', { type: 'checkbox', on: { change: hold } }), t('Hold still')))),
    list.element, h('p', { class: 'hint' }, t('The last {n} at most.', { n: KEPT })));
}
