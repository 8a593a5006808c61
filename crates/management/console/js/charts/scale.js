// Round numbers for the side of a chart, and times for its foot. Pure.

/** The smallest round number that is not below `value`. @param {number} value @param {number} [base] 10, or 1024 for bytes */
export function ceiling(value, base = 10) {
  if (!(value > 0)) return 1;
  const power = base ** Math.floor(Math.log(value) / Math.log(base));
  const steps = base === 10 ? [1, 2, 2.5, 5, 10] : [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];
  return power * (steps.find((step) => step * power >= value * 0.999999) ?? base);
}

/** Where lines go between 0 and `top`. @param {number} top */
export const ticks = (top) => (top <= 1 ? [0, top] : [0, top / 2, top]);

/** Times between two, at whole steps. @param {number} from @param {number} to @param {number} most */
export function timeTicks(from, to, most) {
  const steps = [10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200].map((seconds) => seconds * 1000);
  const step = steps.find((size) => (to - from) / size <= most) ?? 86_400_000;
  const all = [];
  for (let at = Math.ceil(from / step) * step; at <= to; at += step) all.push(at);
  return all;
}
