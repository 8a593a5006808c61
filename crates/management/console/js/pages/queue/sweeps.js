// What is done to messages that were found: replayed, moved, copied, expired, deleted. The server does it by and by; how far it came is
// shown until it is over.

import { cancelSweep, sweep, sweeps } from '../../api/leveret.js';
import { badge } from '../../components/bits.js';
import { dialog } from '../../components/dialog.js';
import { form } from '../../components/form.js';
import { table } from '../../components/table.js';
import { doing, toast } from '../../components/toast.js';
import { h, region } from '../../core/dom.js';
import { count } from '../../core/format.js';
import { changed } from '../../core/page.js';
import { t } from '../../i18n/index.js';
import { meant } from './filter.js';

const ACTIONS = () => ({
  replay: { label: t('Replay'), title: t('Replay dead letters'), loses: t('They leave this queue and go where they are sent; what leads nowhere stays.') },
  move: { label: t('Move'), title: t('Move messages'), loses: t('They leave this queue and enter the other one, past every exchange.') },
  copy: { label: t('Copy'), title: t('Copy messages'), loses: t('They stay here and enter the other queue as well.') },
  expire: { label: t('Expire'), title: t('Expire messages'), loses: t('They die as if their time were over: to the dead letters, or for ever where there are none.'), danger: true },
  delete: { label: t('Delete'), title: t('Delete messages'), loses: t('They are gone for ever; they do not become dead letters.'), danger: true },
});

/** @param {string} action @returns {import('../../components/form.js').Field[]} */
function fields(action) {
  const rate = { name: 'per_second', label: t('At most so many a second'), type: /** @type {'number'} */ ('number'), min: 1, hint: t('Empty: as fast as it goes. A slow replay spares what just broke.') };
  if (action === 'replay') {
    return [{ name: 'to', label: t('To'), type: 'select', options: [['origin', t('where they were published first')], ['queue', t('the queue they died in first')], ['exchange', t('another exchange')]] },
      { name: 'exchange', label: t('Exchange'), hint: t('Empty: the default exchange.'), when: ['to', 'exchange'] },
      { name: 'routing_key', label: t('Routing key'), hint: t('Empty: the one of each message.'), when: ['to', 'exchange'] }, rate];
  }
  if (action === 'move' || action === 'copy') return [{ name: 'to', label: t('Into queue'), required: true }, rate];
  return [rate];
}

/** @param {{ vhost: string, name: string, places: () => string[], filter: () => any[] | null, onDone: () => void }} options */
export function sweepBar({ vhost, name, places, filter, onDone }) {
  const bar = region('div', { class: 'actions' });
  async function start(action) {
    const [chosen, conditions] = [places(), filter()];
    if (!conditions) return;
    const { title, label, loses, danger } = ACTIONS()[action];
    await dialog({ title, class: 'narrow', body: (close) => [
      h('p', {}, h('b', {}, meant(chosen, conditions)), '. ', loses),
      form({ submit: label, danger, label: title, onCancel: () => close(), fields: fields(action), onSubmit: async (values) => {
        await sweep(vhost, name, order(action, chosen, conditions, values));
        toast(t('Begun; how far it is stands below.'));
        close();
        onDone();
      } }),
    ] });
  }
  const draw = (/** @type {number} */ ticked) => bar.draw(
    h('span', { class: 'muted', role: 'status' }, ticked ? t('{n} ticked:', { n: count(ticked) }) : t('All that fit:')),
    Object.entries(ACTIONS()).map(([action, { label, danger }]) => h('button', { class: `button small${danger ? ' danger' : ''}`, type: 'button', on: { click: () => start(action) } }, label)));
  draw(0);
  return { element: bar.element, draw };
}

/** What the server is told. @param {string} action @param {string[]} places @param {any[]} filter @param {Record<string, any>} values */
export function order(action, places, filter, values) {
  const { to, exchange, routing_key: key, per_second: rate } = values;
  return {
    action,
    ...(places.length ? { places } : { filter }),
    ...(to ? { to } : {}),
    ...(to === 'exchange' && action === 'replay' ? { exchange: exchange ?? '', ...(key === null ? {} : { routing_key: key }) } : {}),
    ...(rate === null ? {} : { per_second: rate }),
  };
}

/** @param {import('../../core/page.js').Context} ctx @param {{ vhost: string, name: string }} of */
export function sweepList(ctx, { vhost, name }) {
  const list = region('div');
  /** @type {Record<string, [string, string]>} */
  const states = { running: [t('running'), 'good'], done: [t('done'), ''], cancelled: [t('cancelled'), 'warn'], stopped: [t('stopped'), 'bad'] };
  const was = new Set();
  const asking = ctx.every(async (signal) => {
    const all = (await sweeps(vhost, signal)).filter(({ queue }) => queue === name).reverse();
    // What a sweep changed is shown when it is over.
    for (const { id, state } of all) {
      if (state === 'running') was.add(id);
      else if (was.delete(id)) changed();
    }
    list.draw(all.length > 0 && h('div', { class: 'sweeps' }, h('h3', {}, t('Begun lately')), table({
      caption: t('Begun lately'), rows: all, key: ({ id }) => String(id),
      columns: [
        { label: t('What'), head: true, cell: ({ action }) => ACTIONS()[action]?.label ?? action },
        { label: t('State'), cell: ({ state, problem }) => [badge(...(states[state] ?? [state, ''])), problem && h('small', {}, ` ${problem}`)] },
        { label: t('Done'), number: true, cell: ({ moved }) => count(moved) }, { label: t('Failed'), number: true, cell: ({ failed }) => count(failed) },
        { label: t('To be looked at'), number: true, small: 'phone', cell: ({ remaining }) => count(remaining) },
        { label: h('span', { class: 'unseen' }, t('Actions')), number: true, cell: ({ id, state }) => state === 'running' &&
          h('button', { class: 'button small', type: 'button', on: { click: () => doing(() => cancelSweep(vhost, id), t('It ends; what is done stays done.')).then(() => asking.now()) } }, t('Stop')) },
      ],
    })));
  }, 2);
  return { element: list.element, refresh: () => asking.now() };
}
