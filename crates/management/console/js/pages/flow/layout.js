// Where the nodes of the picture go, and how wide its streams are. Pure.

import { rate, short } from '../../core/format.js';
import { t } from '../../i18n/index.js';

const NODE = { height: 46, gap: 14 };
/** Nodes are as wide as there is room for, within these; with less room the picture is scrolled, so that its words are read. */
const WIDTH = { least: 168, most: 216, between: 48 };
const HEAD = 30;

/**
 * @param {import('./data.js').Flow} flow
 * @param {number} room the width there is, in pixels
 */
export function layOut(flow, room) {
  const columns = [
    { title: t('Exchanges of exchanges'), nodes: flow.upstream }, { title: t('Exchanges'), nodes: flow.exchanges },
    { title: t('Queues'), nodes: flow.queues }, { title: t('Consumers'), nodes: flow.consumers },
  ].filter(({ nodes }, at) => at > 0 || nodes.length > 0);
  const free = (room - 26 - (columns.length - 1) * WIDTH.between) / columns.length;
  const nodeWidth = Math.round(Math.min(WIDTH.most, Math.max(WIDTH.least, free)));
  const width = Math.max(room - 2, columns.length * nodeWidth + (columns.length - 1) * WIDTH.between + 24);
  const step = (width - nodeWidth - 24) / (columns.length - 1);
  const most = Math.max(...columns.map(({ nodes }) => nodes.length));
  const height = HEAD + most * (NODE.height + NODE.gap) + 10;
  /** @type {Map<string, any>} */
  const places = new Map();
  const queuesAt = columns.findIndex(({ nodes }) => nodes === flow.queues);
  const put = (column, nodes) => {
    const above = height - HEAD - nodes.length * (NODE.height + NODE.gap);
    nodes.forEach((node, at) => places.set(node.id, { ...node, x: 12 + column * step, y: HEAD + above / 2 + at * (NODE.height + NODE.gap), width: nodeWidth, height: NODE.height }));
  };
  // Queues stand as they came, the others in the order of what they are joined with, so that few streams cross.
  const beside = (node) => {
    const ys = flow.streams.filter(({ from, to }) => from === node.id || to === node.id).map(({ from, to }) => places.get(from === node.id ? to : from)?.y).filter((y) => y !== undefined);
    return ys.length ? ys.reduce((sum, y) => sum + y, 0) / ys.length : 0;
  };
  put(queuesAt, flow.queues);
  for (const column of [queuesAt + 1, queuesAt - 1, queuesAt - 2]) {
    if (columns[column]) put(column, [...columns[column].nodes].map((node) => ({ node, at: beside(node) })).sort((a, b) => a.at - b.at).map(({ node }) => node));
  }
  const largest = Math.max(1, ...flow.streams.map(({ rate: speed }) => speed ?? 0));
  const streams = flow.streams.filter(({ from, to }) => places.has(from) && places.has(to)).map((stream) => {
    const a = places.get(stream.from);
    const b = places.get(stream.to);
    const x1 = a.x + nodeWidth;
    const y1 = a.y + NODE.height / 2;
    const y2 = b.y + NODE.height / 2;
    // Two exchanges of one column: a bow on its right side.
    const same = a.x === b.x;
    const x2 = same ? b.x + nodeWidth : b.x;
    const bend = same ? 40 : Math.max(30, (x2 - x1) / 2);
    return { ...stream, d: `M${x1},${y1}C${x1 + bend},${y1} ${same ? x2 + bend : x2 - bend},${y2} ${x2},${y2}`, width: stream.rate ? 1.5 + 14 * Math.sqrt(stream.rate / largest) : 1.5 };
  });
  const sums = (id, side) => flow.streams.filter((stream) => stream[side] === id).reduce((sum, { rate: speed }) => sum + (speed ?? 0), 0);
  const nodes = [...places.values()].map((node) => ({ ...node, more: node.kind === 'queue' ? `${t('{n} ready', { n: short(node.ready) })} · ${rate(sums(node.id, 'to'))} → ${rate(sums(node.id, 'from'))}` : node.more }));
  return { width, height, nodes, streams, columns: columns.map(({ title }, at) => ({ title, x: 12 + at * step })) };
}
