// Which page the address names. Addresses are those of RabbitMQ's console where it has the page (#/queues/%2F/orders), so that
// links in people's notes go on working. A part that is a name is percent-encoded.

/**
 * @typedef {{ pattern: string, load: () => Promise<{ page: (ctx: any) => any }>, nav?: string }} Route
 * @typedef {{ route: Route, params: Record<string, string>, query: URLSearchParams, path: string }} Match
 */

/** @param {string} hash @param {Route[]} routes @returns {Match | null} */
export function match(hash, routes) {
  const [path, search = ''] = (hash.replace(/^#/, '') || '/').split('?');
  const parts = path.split('/').filter((part) => part !== '');
  for (const route of routes) {
    const wanted = route.pattern.split('/').filter((part) => part !== '');
    if (wanted.length !== parts.length) continue;
    /** @type {Record<string, string>} */
    const params = {};
    const fits = wanted.every((part, at) => {
      if (!part.startsWith(':')) return part === parts[at];
      params[part.slice(1)] = decode(parts[at]);
      return true;
    });
    if (fits) return { route, params, query: new URLSearchParams(search), path };
  }
  return null;
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The address of a page. Empty names (the default exchange) are written as RabbitMQ does. @param {...string} parts */
export const link = (...parts) => `#/${parts.map((part) => encodeURIComponent(part)).join('/')}`;

/** Changes the query of the present address without leaving the page. @param {Record<string, string | number | boolean | null>} changes */
export function requery(changes) {
  const [path, search = ''] = location.hash.split('?');
  const query = new URLSearchParams(search);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === '' || value === false) query.delete(name);
    else query.set(name, String(value));
  }
  const text = query.toString();
  history.replaceState(null, '', text ? `${path}?${text}` : path);
  return query;
}
