// The messages of a queue. Where the server can show them without touching them, they are browsed; else they are got, which is said.

import { offers } from '../../api/server.js';
import { h } from '../../core/dom.js';
import { browse } from './browse.js';
import { getMessages } from './get.js';

/** @param {import('../../core/page.js').Context} ctx @param {{ vhost: string, name: string }} of */
export function messagesTab(ctx, of) {
  const element = h('div', { class: 'stack' });
  offers('/browse').then((can) => {
    if (!ctx.signal.aborted) element.append(...(can ? [browse(ctx, of), getMessages(of)] : [getMessages(of)]));
  });
  return { element };
}
