// A line chart of our own, in SVG: a few series over the last minutes or hours. The legend holds the figures: those of now, or
// those of the moment under the pointer (or under the arrow keys, when the chart has the focus).

import { h, keep, morphChildren, s } from '../core/dom.js';
import { clock } from '../core/format.js';
import { rangeSeconds } from './history.js';
import { ceiling, ticks, timeTicks } from './scale.js';

const HEIGHT = 150;
const LEFT = 56;
const FOOT = 18;
const HEAD = 8;

/** @typedef {{ label: string, kind: string, points: import('./history.js').Points }} Series `kind`: its colour, in pictures.css */

/** @param {{ title: string, format: (value: any) => string, base?: number }} options */
export function chart({ title, format, base }) {
  /** @type {Series[]} */
  let all = [];
  let width = 480;
  /** @type {number | null} */
  let cursor = null;
  const picture = s('svg', { class: 'chart-picture', role: 'img', tabindex: '0', height: HEIGHT });
  const legend = h('ul', { class: 'legend' });
  const moment = h('span', { class: 'moment' });
  const element = keep('chart', h('figure', { class: 'chart' },
    h('figcaption', {}, h('h2', {}, title), moment), picture, legend));

  const span = () => {
    const to = Math.max(Date.now(), ...all.map(({ points }) => points.at(-1)?.[0] ?? 0));
    return [to - rangeSeconds() * 1000, to];
  };
  const at = (points, time) => points.reduce((best, point) => (!best || Math.abs(point[0] - time) < Math.abs(best[0] - time) ? point : best), null);

  function draw() {
    const [from, to] = span();
    const x = (time) => LEFT + ((time - from) / (to - from)) * (width - LEFT - 4);
    const shown = all.map((series) => ({ ...series, points: series.points.filter(([time]) => time >= from) }));
    const top = ceiling(Math.max(0, ...shown.flatMap(({ points }) => points.map(([, value]) => value ?? 0))), base);
    const y = (value) => HEAD + (1 - value / top) * (HEIGHT - HEAD - FOOT);
    const now = shown.map(({ label, points }) => `${label} ${format(points.at(-1)?.[1])}`).join(', ');
    picture.setAttribute('aria-label', `${title}: ${now}`);
    picture.setAttribute('viewBox', `0 0 ${width} ${HEIGHT}`);
    const seconds = to - from <= 120_000;
    morphChildren(picture, s('g', {},
      ticks(top).map((value) => [
        s('line', { class: 'grid', x1: LEFT, x2: width, y1: y(value), y2: y(value) }),
        s('text', { class: 'tick', x: LEFT - 6, y: y(value) + 4, 'text-anchor': 'end' }, format(value)),
      ]),
      timeTicks(from, to, width / 90).map((time) =>
        s('text', { class: 'tick', x: Math.min(Math.max(x(time), LEFT + 16), width - 20), y: HEIGHT - 3, 'text-anchor': 'middle' }, clock(time, seconds))),
      shown.map(({ kind, points }, place) => [
        place === 0 && points.length > 1 && s('path', { class: `area ${kind}`, d: `${line(points, x, y)}L${x(points.at(-1)?.[0])},${y(0)}L${x(points[0][0])},${y(0)}Z` }),
        s('path', { class: `line ${kind}`, d: line(points, x, y) }),
      ]),
      cursor !== null && s('line', { class: 'cursor', x1: x(cursor), x2: x(cursor), y1: HEAD, y2: HEIGHT - FOOT })));
    moment.textContent = cursor === null ? '' : clock(cursor, true);
    morphChildren(legend, h('ul', {}, shown.map(({ label, kind, points }) => {
      const point = cursor === null ? points.at(-1) : at(points, cursor);
      return h('li', {}, h('i', { class: `swatch ${kind}`, 'aria-hidden': 'true' }), `${label} `, h('b', {}, format(point?.[1])));
    })));
  }

  function point(time) {
    const [from, to] = span();
    cursor = time === null ? null : Math.min(Math.max(time, from), to);
    draw();
  }
  picture.addEventListener('pointermove', (event) => {
    const [from, to] = span();
    const box = picture.getBoundingClientRect();
    point(from + ((event.clientX - box.left - LEFT) / (box.width - LEFT - 4)) * (to - from));
  });
  picture.addEventListener('pointerleave', () => point(null));
  picture.addEventListener('blur', () => point(null));
  picture.addEventListener('keydown', (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    point((cursor ?? span()[1]) + (step * rangeSeconds() * 1000) / 60);
  });
  new ResizeObserver(([entry]) => {
    const next = Math.round(entry.contentRect.width);
    if (next > 0 && next !== width) {
      width = next;
      draw();
    }
  }).observe(element);

  return {
    element,
    /** @param {Series[]} series */
    set(series) {
      all = series;
      draw();
    },
  };
}

function line(points, x, y) {
  let text = '';
  let down = false;
  for (const [time, value] of points) {
    if (value === null) down = false;
    else {
      text += `${down ? 'L' : 'M'}${x(time).toFixed(1)},${y(value).toFixed(1)}`;
      down = true;
    }
  }
  return text;
}
