// Looking at messages where they lie: nothing is taken, marked or counted. What is ticked, or fits the conditions, can be acted on.

import { browse as ask } from '../../api/leveret.js';
import { follower } from '../../components/follow.js';
import { messageList } from '../../components/message.js';
import { h } from '../../core/dom.js';
import { count } from '../../core/format.js';
import { t } from '../../i18n/index.js';
import { filterForm } from './filter.js';
import { sweepBar, sweepList } from './sweeps.js';

const PAGE = 50;
const BODY_BYTES_MAX = 50_000;

/** @param {import('../../core/page.js').Context} ctx @param {{ vhost: string, name: string }} of */
export function browse(ctx, { vhost, name }) {
  /** @type {Set<string>} */
  const ticked = new Set();
  let shown = 0;
  let looked = 0;
  /** @type {string | null} */
  let next = null;
  const list = h('div');
  const said = h('p', { class: 'hint', role: 'status' });
  const trouble = h('p', { class: 'banner bad', role: 'alert', hidden: true });
  const more = h('button', { class: 'button', type: 'button', hidden: true, on: { click: () => read(false) } }, t('Show more'));
  const all = h('input', { type: 'checkbox', on: { change: () => boxes().forEach((box) => { box.checked = all.checked; tick(box.value, all.checked); }) } });
  const filter = filterForm(() => read(true));
  const bar = sweepBar({ vhost, name, places: () => [...ticked], filter: () => filter.read(), onDone: () => { running.refresh(); read(true); } });
  const running = sweepList(ctx, { vhost, name });
  const following = follower(ctx, vhost);
  const boxes = () => [...list.querySelectorAll('input.pick')];

  // By its id, which it keeps on its way to other queues.
  const followOne = (message) => {
    const id = message.properties?.message_id;
    return id && h('div', {}, h('button', { class: 'button small', type: 'button', on: { click: () => following.start(t('Message {id}', { id }), { filter: [{ message_id: id }] }) } }, t('Follow this message')));
  };
  const followAll = () => following.start(t('Messages of “{name}”', { name }), { queue: name });

  function tick(place, on) {
    if (on) ticked.add(place);
    else ticked.delete(place);
    bar.draw(ticked.size);
  }
  const box = (message) => message.place && h('input', {
    type: 'checkbox', class: 'pick', value: message.place, 'aria-label': t('Choose this message'),
    on: { change: (event) => tick(message.place, event.target.checked) },
  });
  async function read(fromStart) {
    const conditions = filter.read();
    if (!conditions) return;
    if (fromStart) {
      [shown, looked, next] = [0, 0, null];
      ticked.clear();
      all.checked = false;
      bar.draw(0);
    }
    more.disabled = true;
    trouble.hidden = true;
    try {
      const page = await ask(vhost, name, { cursor: next, count: PAGE, filter: conditions, truncate: BODY_BYTES_MAX }, ctx.signal);
      if (fromStart) list.replaceChildren();
      list.append(messageList(page.messages, vhost, box, followOne));
      shown += page.messages.length;
      looked += page.looked;
      next = page.next;
      more.hidden = !next;
      more.textContent = page.messages.length || !conditions.length ? t('Show more') : t('Look further');
      said.textContent = words(conditions.length > 0);
    } catch (error) {
      if (ctx.signal.aborted) return;
      trouble.hidden = false;
      trouble.textContent = /** @type {any} */ (error).message;
    }
    more.disabled = false;
  }
  const words = (filtered) => {
    if (shown === 0 && !next) return filtered ? t('No message fits.') : t('The queue holds no message. What consumers have not acked yet is not shown here.');
    const text = filtered ? t('{n} fit, of {looked} that were looked at', { n: count(shown), looked: count(looked) }) : t('{n} shown, the one that leaves first on top', { n: count(shown) });
    return next ? `${text}; ${t('there are more')}` : text;
  };
  read(true);
  return h('section', { class: 'card' }, h('div', { class: 'page-head' }, h('h2', {}, t('Browse')),
    h('div', { class: 'actions' }, h('button', { class: 'button small', type: 'button', on: { click: followAll } }, t('Follow what happens')),
      h('button', { class: 'button small', type: 'button', on: { click: () => read(true) } }, t('Look again')))),
  h('p', { class: 'hint' }, t('Shows messages without taking them: nothing is delivered, marked or counted.')),
  following.element, filter.element, trouble, h('div', { class: 'row wrap browse-bar' }, h('label', { class: 'inline' }, all, t('All shown')), bar.element), said, list, more, running.element);
}
