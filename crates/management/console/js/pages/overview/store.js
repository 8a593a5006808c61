// The disk's part of the overview, where the server tells it: how long a sync takes, and what the data folder holds.

import { getIfThere } from '../../api/http.js';
import { offers } from '../../api/server.js';
import { tile } from '../../components/bits.js';
import { bytes, count, duration } from '../../core/format.js';
import { t } from '../../i18n/index.js';

/** @param {AbortSignal} signal */
export async function storeTiles(signal) {
  if (!(await offers('/store'))) return [];
  const store = await getIfThere('leveret/store', signal);
  if (!store) return [];
  const failed = store.state === 'full' || store.state === 'failed';
  return [
    failed && tile(t('Store'), store.state === 'full' ? t('full') : t('failed'), store.problem, 'bad'),
    store.sync_ms_p99 !== undefined && tile(t('Disk sync'), duration(store.sync_ms_p99), t('99 of 100 are faster')),
    store.live_bytes !== undefined && tile(t('On disk'), bytes(store.live_bytes), store.files !== undefined && t('{n} files', { n: count(store.files) })),
  ];
}
