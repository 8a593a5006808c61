// What a person chose about the console itself, kept in the browser: theme, language, virtual host, how often to ask the server.

const DEFAULTS = { theme: 'auto', language: '', vhost: '', every: '5', range: '600' };

/** @typedef {keyof typeof DEFAULTS} Setting */

/** @type {Map<string, Set<(value: string) => void>>} */
const watchers = new Map();

export const settings = {
  /** @param {Setting} name @returns {string} */
  get(name) {
    return localStorage.getItem(`leveret.${name}`) ?? DEFAULTS[name];
  },
  /** @param {Setting} name @param {string} value */
  set(name, value) {
    localStorage.setItem(`leveret.${name}`, value);
    for (const call of watchers.get(name) ?? []) call(value);
  },
  /** @param {Setting} name @param {(value: string) => void} call @param {AbortSignal} [signal] when to stop */
  watch(name, call, signal) {
    if (!watchers.has(name)) watchers.set(name, new Set());
    watchers.get(name)?.add(call);
    signal?.addEventListener('abort', () => watchers.get(name)?.delete(call));
  },
};

/** Puts the chosen theme on the page; `auto` leaves it to the system. */
export function applyTheme() {
  const theme = settings.get('theme');
  if (theme === 'auto') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}
