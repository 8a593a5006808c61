// What happens to messages from now on, step by step, as the server sees it: published, delivered, refused, tried again, dead. The server
// follows them until somebody says stop, the page is left, or ten minutes are over.

import { ApiError } from '../api/http.js';
import { follow, followed, unfollow } from '../api/leveret.js';
import { h, region } from '../core/dom.js';
import { clock, time } from '../core/format.js';
import { t } from '../i18n/index.js';
import { badge, connectionLink, exchangeLink, queueLink } from './bits.js';
import { reasonOf } from './death.js';
import { doing } from './toast.js';

const TTL_MS = 600_000;
/** Steps that are shown; the server keeps as many. */
const SHOWN = 500;

/** @type {() => Record<string, [string, string]>} */
const STEPS = () => ({
  published: [t('Published'), ''], refused: [t('Not taken'), 'death'], duplicate: [t('Dropped: it came before'), 'death'],
  delivered: [t('Delivered'), ''], got: [t('Got'), ''], acked: [t('Acked'), ''], rejected: [t('Rejected by its consumer'), 'death'],
  lost: [t('Its consumer went away'), 'death'], retried: [t('Waited long enough'), ''], dead_lettered: [t('Became a dead letter'), 'death'],
  dropped: [t('Died, and is gone'), 'death'], due: [t('Its time came'), ''], purged: [t('Purged'), 'death'],
});

/** @param {import('../core/page.js').Context} ctx @param {string} vhost */
export function follower(ctx, vhost) {
  const shown = region('div');
  /** @type {{ id: number, title: string, steps: any[], isOver: boolean } | null} */
  let now = null;
  const asking = ctx.every(async (signal) => {
    const mine = now;
    if (!mine || mine.isOver) return;
    try {
      const { events, state } = await followed(vhost, mine.id, mine.steps.at(-1)?.number ?? 0, signal);
      mine.steps = [...mine.steps, ...events].slice(-SHOWN);
      mine.isOver = state !== 'running';
    } catch (error) {
      // Long over, and forgotten: nobody looked for a while.
      if (!(error instanceof ApiError) || error.status !== 404) throw error;
      mine.isOver = true;
    }
    draw();
  }, 1);
  const end = async () => {
    const mine = now;
    if (mine && !mine.isOver) {
      mine.isOver = true;
      await unfollow(vhost, mine.id).catch(() => {});
    }
    draw();
  };
  ctx.signal.addEventListener('abort', () => void end());

  /** @param {string} title @param {any} subject */
  async function start(title, subject) {
    await doing(async () => {
      await end();
      const { id } = await follow(vhost, { ...subject, ttl: TTL_MS, events_max: SHOWN });
      now = { id, title, steps: [], isOver: false };
      draw();
      shown.element.scrollIntoView({ block: 'nearest' });
      await asking.now();
    }, t('Followed from now on, for ten minutes at most.'));
  }
  function draw() {
    const mine = now;
    shown.draw(mine && h('section', { class: 'card followed', 'aria-label': mine.title },
      h('div', { class: 'page-head' }, h('h2', {}, mine.title, ' ', mine.isOver ? badge(t('over')) : badge(t('listening'), 'good')),
        !mine.isOver && h('button', { class: 'button small', type: 'button', on: { click: end } }, t('Stop following'))),
      mine.steps.length ? h('ol', { class: 'timeline', 'aria-label': t('What happened') }, mine.steps.map((step) => line(step, vhost)))
        : h('p', { class: 'muted' }, mine.isOver ? t('Nothing happened.') : t('Nothing happened yet: what comes is shown at once.'))));
  }
  return { element: shown.element, start };
}

function line(step, vhost) {
  const [name, kind] = STEPS()[step.event] ?? [step.event, ''];
  const to = step.to ?? step;
  return h('li', { class: kind, 'data-key': String(step.number) },
    h('b', {}, name), ' ', step.attempt > 0 && h('small', {}, t('delivery {n}', { n: step.attempt })), ' ',
    step.requeue !== undefined && badge(step.requeue ? t('to be tried again') : t('for good'), step.requeue ? '' : 'bad'),
    h('p', {}, step.message_id && h('code', {}, step.message_id), step.message_id && ' ',
      step.queue && [t('in queue'), ' ', queueLink(vhost, step.queue), ' '],
      step.reason && `(${step.event === 'dead_lettered' || step.event === 'dropped' ? reasonOf(step.reason) : step.reason}) `,
      step.queues && [t('to exchange'), ' ', exchangeLink(vhost, to.exchange), ' ', t('with routing key'), ' ', h('code', {}, to.routing_key), ' → ',
        step.queues.length ? step.queues.map((queue, at) => [at > 0 && ', ', queueLink(vhost, queue)]) : t('no queue')]),
    h('p', { class: 'muted' }, h('span', { title: time(step.time) }, clock(step.time, true)), step.connection && [' · ', step.user, ' · ', connectionLink(step.connection)]));
}
