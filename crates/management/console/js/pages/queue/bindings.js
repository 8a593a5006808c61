// What is bound to the queue, and binding more.

import { get, path, request } from '../../api/http.js';
import { bindingForm, bindingTable } from '../../components/bindings.js';
import { section } from '../../components/bits.js';
import { doing } from '../../components/toast.js';
import { h, region } from '../../core/dom.js';
import { t } from '../../i18n/index.js';

/** @param {import('../../core/page.js').Context} ctx @param {{ vhost: string, name: string }} of */
export function bindingsTab(ctx, { vhost, name }) {
  const list = region('div');
  const asking = ctx.every(async (signal) => {
    list.draw(bindingTable(await get(path`queues/${vhost}/${name}/bindings`, signal), { show: 'source', onChange: () => asking.now() }));
  });
  const bind = async ({ source, routing_key: key, arguments: args }) => {
    const done = await doing(() => request('POST', path`bindings/${vhost}/e/${source}/q/${name}`, { body: { routing_key: key ?? '', arguments: args ?? {} } }), t('Bound.'));
    if (done) asking.now();
  };
  return { element: h('div', { class: 'stack' }, section(t('Bindings'), list.element), section(t('Bind to an exchange'), bindingForm({ vhost, ask: 'source', onSubmit: bind }))) };
}
