// The picture of the flow, from places and widths.

import { s } from '../../core/dom.js';
import { rate } from '../../core/format.js';
import { t } from '../../i18n/index.js';

const LETTERS_MAX = 25;
const cut = (text) => (text.length > LETTERS_MAX ? `${text.slice(0, LETTERS_MAX - 9)}…${text.slice(-8)}` : text);

const KINDS = () => ({ exchange: t('Exchange'), queue: t('Queue'), consumer: t('Consumer') });

/** @param {ReturnType<typeof import('./layout.js').layOut>} laid */
export function picture({ width, height, nodes, streams, columns }) {
  const kinds = KINDS();
  return s('svg', { class: 'flow', width, height, viewBox: `0 0 ${width} ${height}`, role: 'group', 'aria-label': t('From exchanges through queues to consumers') },
    columns.map(({ title, x }) => s('text', { class: 'column', x, y: 18 }, title)),
    streams.map((stream) => s('path', { 'data-key': `${stream.from}>${stream.to}`, class: `stream ${stream.out ? 'out' : ''} ${stream.rate ? 'moving' : 'still'}`, d: stream.d, 'stroke-width': stream.width.toFixed(1) },
      s('title', {}, `${stream.fromName} → ${stream.toName}: ${stream.rate === null ? t('rate not known') : rate(stream.rate)}`))),
    nodes.map((node) => s('a', { 'data-key': node.id, href: node.href, class: `node ${node.kind}${node.trouble ? ' trouble' : ''}`, 'aria-label': `${kinds[node.kind]} ${node.name}, ${node.trouble ? t('no consumer') : ''} ${node.more}` },
      s('title', {}, node.name),
      s('rect', { x: node.x, y: node.y, width: node.width, height: node.height, rx: 8 }),
      s('text', { x: node.x + 10, y: node.y + 19 }, cut(node.name)),
      s('text', { class: 'small', x: node.x + 10, y: node.y + 36 }, node.more))));
}
