// What a delayed exchange holds until later: when each message is due; sending it now, or never.

import { cancelSchedule, schedules as ask, sendNow } from '../../api/leveret.js';
import { section } from '../../components/bits.js';
import { confirmed } from '../../components/dialog.js';
import { messageView } from '../../components/message.js';
import { doing } from '../../components/toast.js';
import { h, region } from '../../core/dom.js';
import { bytes, count, duration, time } from '../../core/format.js';
import { t } from '../../i18n/index.js';

const PAGE = 50;

/** @param {import('../../core/page.js').Context} ctx @param {{ vhost: string, name: string }} of */
export function schedules(ctx, { vhost, name }) {
  const list = region('div');
  // Behind which message each page before this one began.
  /** @type {(string | null)[]} */
  let behind = [];
  /** @type {string | null} */
  let after = null;
  const go = (to, before) => {
    [after, behind] = [to, before];
    asking.now();
  };
  async function cancel({ id, due_at: due }) {
    const sure = await confirmed({ title: t('Cancel this message?'), action: t('Cancel the message'), loses: t('It was to be sent on {time}. It is gone for ever.', { time: time(due) }) });
    if (sure && (await doing(() => cancelSchedule(vhost, name, id), t('It will not be sent.')))) asking.now();
  }
  async function send({ id }) {
    if (await doing(() => sendNow(vhost, name, id), t('Sent.'))) asking.now();
  }
  const row = (message) => h('div', { class: 'schedule', 'data-key': message.id },
    h('div', { class: 'schedule-head' }, h('span', {}, h('b', {}, t('in {time}', { time: duration(Math.max(0, message.due_at - Date.now())) })), ' ', h('small', {}, time(message.due_at))),
      h('span', { class: 'actions' }, h('button', { class: 'button small', type: 'button', on: { click: () => send(message) } }, t('Send now')),
        h('button', { class: 'button small danger', type: 'button', on: { click: () => cancel(message) } }, t('Cancel the message')))),
    messageView({ redelivered: false, ...message }, vhost));
  const asking = ctx.every(async (signal) => {
    const answer = await ask(vhost, name, { after, count: PAGE }, signal);
    const last = answer.messages.at(-1)?.id ?? null;
    list.draw(
      h('p', { class: 'hint', role: 'status' }, answer.count ? t('{n} messages wait, {bytes} of bodies; the one that is due first on top', { n: count(answer.count), bytes: bytes(answer.bytes) })
        : t('Nothing waits. A message published here with header x-delay (milliseconds) does.')),
      answer.messages.map(row),
      (after !== null || (answer.count > PAGE && answer.messages.length === PAGE)) && h('nav', { class: 'pager', 'aria-label': t('Pages of the list') },
        h('button', { class: 'button', type: 'button', disabled: after === null, on: { click: () => go(behind.at(-1) ?? null, behind.slice(0, -1)) } }, t('Earlier')),
        h('button', { class: 'button', type: 'button', disabled: answer.messages.length < PAGE, on: { click: () => go(last, [...behind, after]) } }, t('Later'))));
  });
  return section(t('Waits until later'), list.element);
}
