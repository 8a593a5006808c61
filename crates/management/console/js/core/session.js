// Who is logged in. Name and password stay in this tab: in its session storage, gone when it is closed, and nowhere else. They are
// sent in the header of each request, never as a cookie, so another page cannot use them.

const KEY = 'leveret.login';

/** @type {{ name: string, tags: string[], authorization: string } | null} */
let user = null;

export const session = {
  /** What the requests carry. @returns {string | null} */
  get authorization() {
    return user?.authorization ?? sessionStorage.getItem(KEY);
  },
  get name() {
    return user?.name ?? '';
  },
  get tags() {
    return user?.tags ?? [];
  },
  get isAdministrator() {
    return this.tags.includes('administrator');
  },
  /** May see connections and nodes of everybody. */
  get isMonitoring() {
    return this.isAdministrator || this.tags.includes('monitoring');
  },
  get isPolicymaker() {
    return this.isAdministrator || this.tags.includes('policymaker');
  },
  get isIn() {
    return user !== null;
  },
  /** @param {string} name @param {string} password */
  header(name, password) {
    const bytes = new TextEncoder().encode(`${name}:${password}`);
    return `Basic ${btoa(String.fromCharCode(...bytes))}`;
  },
  /** @param {string} authorization @param {{ name: string, tags: string | string[] }} whoami */
  enter(authorization, whoami) {
    const tags = Array.isArray(whoami.tags) ? whoami.tags : String(whoami.tags).split(',');
    user = { name: whoami.name, tags: tags.map((tag) => tag.trim()), authorization };
    sessionStorage.setItem(KEY, authorization);
  },
  leave() {
    user = null;
    sessionStorage.removeItem(KEY);
  },
};
