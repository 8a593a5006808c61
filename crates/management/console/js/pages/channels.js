// All channels.

import { chosenVhost } from '../components/bits.js';
import { channelColumns } from '../components/channels.js';
import { listPage } from '../components/list-page.js';
import { t } from '../i18n/index.js';

/** @param {import('../core/page.js').Context} ctx */
export function page(ctx) {
  ctx.title(t('Channels'));
  return listPage(ctx, {
    title: t('Channels'), sort: 'name', key: (one) => one.name, columns: () => channelColumns(true),
    address: () => (chosenVhost() ? `vhosts/${encodeURIComponent(chosenVhost())}/channels` : 'channels'),
    empty: t('No channel is open.'),
  });
}
