// The disk's part of the overview, and what became of messages, where the server tells it: how long a sync and a confirm take, what the
// data folder holds, how fast messages die and of what.

import { getIfThere } from '../../api/http.js';
import { dying, metrics, quantile } from '../../api/metrics.js';
import { offers } from '../../api/server.js';
import { tile } from '../../components/bits.js';
import { reasonOf } from '../../components/death.js';
import { bytes, count, duration, rate } from '../../core/format.js';
import { t } from '../../i18n/index.js';

/** @type {import('../../api/metrics.js').Sample | null} */
let before = null;

/** @param {AbortSignal} signal */
export async function storeTiles(signal) {
  if (!(await offers('/store'))) return [];
  const [store, now] = await Promise.all([getIfThere('leveret/store', signal), metrics(signal)]);
  const tiles = [...(store ? stored(store) : []), ...(now ? measured(now) : [])];
  // Over a quarter of a minute at least: a single slow sync is not what the disk is like.
  if (now && (!before || now.at - before.at > 15_000)) before = now;
  return tiles;
}

function stored(store) {
  const failed = store.state === 'full' || store.state === 'failed';
  return [
    failed && tile(t('Store'), store.state === 'full' ? t('full') : t('failed'), store.problem, 'bad'),
    store.live_bytes !== undefined && tile(t('On disk'), bytes(store.live_bytes), store.files !== undefined && t('{n} files', { n: count(store.files) })),
  ];
}

function measured(now) {
  const time = (label, name) => {
    const ms = quantile(now, before, name, 0.99) ?? quantile(now, null, name, 0.99);
    return ms !== null && tile(label, Number.isFinite(ms) ? `≤ ${duration(ms)}` : t('very long'), t('99 of 100'), ms > 500 ? 'bad' : '');
  };
  const dead = dying(now, before);
  return [
    time(t('Disk sync'), 'leveret_fsync_seconds'), time(t('Confirm'), 'leveret_confirm_seconds'),
    dead.length > 0 && tile(t('Dead letters'), rate(dead.reduce((sum, [, each]) => sum + each, 0)), dead.map(([reason, each]) => `${reasonOf(reason)} ${rate(each)}`).join(', '), 'bad'),
  ];
}
