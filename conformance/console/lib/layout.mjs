// Where things are on the screen: nothing beside it, no control cut or under another, and the focus where one can see it.

const CONTROLS = 'a[href], button, input, select, textarea, summary, [tabindex="0"]';

/** @param {import('playwright-core').Page} page @param {string} where @returns {Promise<string[]>} what does not fit */
export async function misplaced(page, where) {
  const found = await page.evaluate((controls) => {
    const wrong = [];
    const name = (element) => `${element.localName}${element.className?.baseVal ?? (element.className && `.${element.className}`) ?? ''} “${(element.getAttribute('aria-label') ?? element.textContent ?? '').trim().slice(0, 40)}”`;
    const box = (element) => element.getBoundingClientRect();
    if (document.documentElement.scrollWidth > innerWidth) wrong.push(`the page is ${document.documentElement.scrollWidth} wide`);
    const top = document.querySelector('dialog[open]:last-of-type') ?? document;
    const seen = [...top.querySelectorAll(controls)].filter((element) => element.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: true }) && box(element).width > 1);
    /** What is wider than its place may be scrolled sideways in these, and only there. Of the tabs the one that is shown is seen. */
    const scroller = (element) => element.parentElement?.closest('.flow-scroll, pre') || (!element.matches('[aria-current]') && element.parentElement?.closest('.tabs')) || null;
    for (const element of seen) {
      const { left, right } = box(element);
      if (!scroller(element) && !element.matches('.skip') && (left < -0.5 || right > innerWidth + 0.5)) wrong.push(`${name(element)} is at ${Math.round(left)} to ${Math.round(right)}`);
      if (element.matches('button, .button, .tabs a') && element.scrollWidth > element.clientWidth + 1 && element.clientWidth > 0) wrong.push(`${name(element)} is cut: ${element.scrollWidth} in ${element.clientWidth}`);
      if (element instanceof HTMLSelectElement) {
        const style = getComputedStyle(element);
        const ink = new OffscreenCanvas(1, 1).getContext('2d');
        ink.font = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
        const text = element.selectedOptions[0]?.textContent ?? '';
        const arrow = 15;
        const needs = ink.measureText(text).width + parseFloat(style.paddingLeft) + parseFloat(style.paddingRight) + arrow;
        if (needs > element.clientWidth + 1) wrong.push(`select “${text}” is cut: ${Math.round(needs)} in ${element.clientWidth}`);
      }
    }
    // Two that do not contain each other share no place.
    const places = seen.filter((element) => !element.closest('svg, .tabs') && !element.matches('.skip, .table-scroll, .flow-scroll')).map((element) => [element, [...element.getClientRects()]]);
    const fixed = (element) => Boolean(element.closest('.top, .side, .toasts'));
    for (const [at, [one, mine]] of places.entries()) {
      for (const [other, others] of places.slice(at + 1)) {
        if (fixed(one) !== fixed(other) || one.contains(other) || other.contains(one) || scroller(one) !== scroller(other)) continue;
        const both = mine.some((a) => others.some((b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1.5 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1.5));
        if (both) wrong.push(`${name(one)} and ${name(other)} lie on one another`);
      }
    }
    return wrong;
  }, CONTROLS);
  return found.map((text) => `${where}: ${text}`);
}

/**
 * Goes through what Tab reaches. Each stop shows that it has the focus, and is in the window and under nothing.
 * @param {import('playwright-core').Page} page @param {string} where @param {number} [stopsMax]
 * @returns {Promise<string[]>} the stops at which it is not seen
 */
export async function unseenFocus(page, where, stopsMax = 30) {
  const wrong = [];
  const gone = new Set();
  let away = 0;
  for (let stop = 0; stop < stopsMax; stop += 1) {
    await page.keyboard.press('Tab');
    const { id, fault } = await page.evaluate(() => {
      const element = document.activeElement;
      if (!element || element === document.body) return { id: null, fault: null };
      const all = [...document.querySelectorAll('*')];
      const id = all.indexOf(element);
      const says = `${element.localName}.${element.className?.baseVal ?? element.className} “${(element.getAttribute('aria-label') ?? element.textContent ?? '').trim().slice(0, 40)}”`;
      const style = getComputedStyle(element);
      const drawn = element instanceof SVGElement && element.querySelector('rect') ? parseFloat(getComputedStyle(element.querySelector('rect')).strokeWidth) >= 2 : style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
      if (!drawn) return { id, fault: `${says} does not show that it has the focus` };
      const { left, right, top, bottom } = element.getBoundingClientRect();
      if (right < 0 || left > innerWidth || bottom < 0 || top > innerHeight) return { id, fault: `${says} has the focus outside the window` };
      // A point of it that is in the window; what is there is it, in it or around it.
      const x = (Math.max(left, 0) + Math.min(right, innerWidth)) / 2;
      const y = (Math.max(top, 0) + Math.min(bottom, innerHeight)) / 2;
      const hit = document.elementFromPoint(x, y);
      const label = element.closest('label');
      const under = hit && !element.contains(hit) && !hit.contains(element) && !label?.contains(hit);
      return { id, fault: under ? `${says} has the focus under ${hit.localName}.${hit.className?.baseVal ?? hit.className}` : null };
    });
    // The browser's own buttons come in between.
    if (id === null && (away += 1) < 3) continue;
    if (id === null || gone.has(id)) break;
    gone.add(id);
    if (fault) wrong.push(`${where}: ${fault}`);
  }
  if (gone.size < 2) wrong.push(`${where}: Tab reaches ${gone.size} places`);
  return wrong;
}
