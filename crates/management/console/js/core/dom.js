// Elements from values, and an old tree brought up to a new one. The pages draw themselves again with every answer of the server;
// `morph` keeps the elements that stay, and with them focus, selection and what a person has opened. No text becomes markup here.

const SVG = 'http://www.w3.org/2000/svg';

/**
 * @typedef {Node | string | number | null | undefined | false | any[]} Child an array holds children
 * @param {string} tag
 * @param {Record<string, any>} [props] attributes; `on` holds listeners, `style` an object (never an attribute: the page's
 *   Content-Security-Policy refuses those)
 * @param {...Child} children
 * @returns {any} an element
 */
export function h(tag, props, ...children) {
  return build(document.createElement(tag), props, children);
}

/** The same for pictures. @returns {any} */
export function s(tag, props, ...children) {
  return build(document.createElementNS(SVG, tag), props, children);
}

function build(element, props, children) {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === 'on') listen(element, value);
    else if (name === 'style') for (const [key, to] of Object.entries(value)) element.style.setProperty(key, to);
    else if (name === 'value' && 'value' in element) element.value = value;
    else if (name === 'ref') value(element);
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  append(element, children);
  // A select takes its value only when it has its options.
  if (props?.value !== undefined && element.localName === 'select') element.value = props.value;
  return element;
}

function append(element, children) {
  for (const child of children) {
    if (Array.isArray(child)) append(element, child);
    else if (child instanceof Node) element.append(child);
    else if (child !== null && child !== undefined && child !== false) element.append(String(child));
  }
}

// One listener per kind of event asks the element whom to call: so a fresh drawing can put new functions in place.
function listen(element, listeners) {
  element.$on ??= {};
  for (const [kind, call] of Object.entries(listeners)) {
    if (!(kind in element.$on)) element.addEventListener(kind, (event) => element.$on[kind]?.(event));
    element.$on[kind] = call;
  }
}

/** Makes `old`'s children what `fresh`'s are. `fresh` is used up. @param {any} old @param {any} fresh */
export function morphChildren(old, fresh) {
  const keyed = new Map();
  for (const child of old.children) if (child.dataset?.key) keyed.set(child.dataset.key, child);
  let at = old.firstChild;
  for (const next of [...fresh.childNodes]) {
    const key = next.dataset?.key;
    let same = key ? keyed.get(key) : at;
    if (key && same) keyed.delete(key);
    if (same && !key && same.dataset?.key) same = undefined;
    if (same && alike(same, next)) {
      if (same !== at) old.insertBefore(same, at);
      else at = at.nextSibling;
      morph(same, next);
    } else {
      old.insertBefore(next, at);
    }
  }
  while (at) {
    const gone = at;
    at = at.nextSibling;
    gone.remove();
  }
}

function alike(old, fresh) {
  return old.nodeType === fresh.nodeType && old.nodeName === fresh.nodeName && old.$keep === fresh.$keep;
}

// What belongs to the person in front of the page and not to the drawing.
const THEIRS = { DETAILS: ['open'], DIALOG: ['open'], INPUT: ['value', 'checked'], TEXTAREA: ['value'], OPTION: ['selected'] };

/** Brings `old` up to `fresh`, which looks alike. @param {any} old @param {any} fresh */
export function morph(old, fresh) {
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  if (old.$keep) return;
  const theirs = THEIRS[old.nodeName] ?? [];
  for (const { name } of [...old.attributes]) {
    if (name !== 'style' && !fresh.hasAttribute(name) && !theirs.includes(name)) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (name !== 'style' && !theirs.includes(name) && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  if (old.style && old.style.cssText !== fresh.style.cssText) old.style.cssText = fresh.style.cssText;
  if (fresh.$on) listen(old, fresh.$on);
  for (const kind of Object.keys(old.$on ?? {})) if (!fresh.$on?.[kind]) old.$on[kind] = undefined;
  morphChildren(old, fresh);
}

/** An element that later drawings leave alone: forms, dialogs, whatever keeps its own state. @template T @param {string} name @param {T} element @returns {T} */
export function keep(name, element) {
  /** @type {any} */ (element).$keep = name;
  return element;
}

/**
 * A part of the page that is drawn again and again.
 * @param {string} [tag] @param {Record<string, any>} [props]
 */
export function region(tag = 'div', props = {}) {
  const element = h(tag, props);
  return { element, draw: (/** @type {Child[]} */ ...children) => morphChildren(element, h(tag, {}, ...children)) };
}
