// The picture of the flow, from places and widths.

import { s } from '../../core/dom.js';
import { rate } from '../../core/format.js';
import { t } from '../../i18n/index.js';

/** How wide a letter is, about. */
const LETTER = { large: 7.9, small: 6.4 };

// The end of a name tells more than its middle.
function cut(text, room, letter) {
  const most = Math.floor((room - 18) / letter);
  const end = Math.min(8, Math.floor(most / 3));
  return text.length > most ? `${text.slice(0, most - end - 1)}…${text.slice(-end)}` : text;
}

const KINDS = () => ({ exchange: t('Exchange'), queue: t('Queue'), consumer: t('Consumer') });

/** @param {ReturnType<typeof import('./layout.js').layOut>} laid */
export function picture({ width, height, nodes, streams, columns }) {
  const kinds = KINDS();
  return s('svg', { class: 'flow', width, height, viewBox: `0 0 ${width} ${height}`, role: 'group', 'aria-label': t('From exchanges through queues to consumers') },
    columns.map(({ title, x }) => s('text', { class: 'column', x, y: 18 }, title)),
    streams.map((stream) => s('path', { 'data-key': `${stream.from}>${stream.to}`, class: `stream ${stream.out ? 'out' : ''} ${stream.rate ? 'moving' : 'still'}`, d: stream.d, 'stroke-width': stream.width.toFixed(1) },
      s('title', {}, `${stream.fromName} → ${stream.toName}: ${stream.rate === null ? t('rate not known') : rate(stream.rate)}`))),
    nodes.map((node) => s('a', { 'data-key': node.id, href: node.href, class: `node ${node.kind}${node.trouble ? ' trouble' : ''}` },
      // Read out with the texts below; what those cut off is whole here.
      s('title', {}, `${kinds[node.kind]} ${node.name}, ${node.trouble ? `${t('no consumer')}, ` : ''}${node.more}`),
      s('rect', { x: node.x, y: node.y, width: node.width, height: node.height, rx: 8 }),
      s('text', { x: node.x + 10, y: node.y + 19 }, cut(node.name, node.width, LETTER.large)),
      s('text', { class: 'small', x: node.x + 10, y: node.y + 36 }, cut(node.more, node.width, LETTER.small)))));
}
