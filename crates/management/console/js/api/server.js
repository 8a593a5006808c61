// What this server is and can do. Features that RabbitMQ does not have are shown where the server says in its OpenAPI document that
// it has them: so the same console works in front of either.

import { get, getIfThere } from './http.js';

/** @type {Promise<any> | null} */
let description = null;
/** @type {{ at: number, answer: Promise<any> } | null} */
let vhosts = null;

/** What our own broker offers beside RabbitMQ's API: paths of its OpenAPI document. @returns {Promise<Set<string>>} */
export async function paths() {
  description ??= getIfThere('leveret/openapi.json', AbortSignal.timeout(20_000)).catch(() => {
    description = null;
    return null;
  });
  return new Set(Object.keys((await description)?.paths ?? {}));
}

/** Whether the server has a resource. @param {string} part how its path ends, such as `/browse` */
export const offers = async (part) => [...(await paths())].some((path) => path.startsWith('/api/leveret/') && path.includes(part));

/** The virtual hosts that this person may see, asked for at most twice a minute. @returns {Promise<any[]>} */
export function virtualHosts() {
  if (!vhosts || Date.now() - vhosts.at > 30_000) {
    const answer = get('vhosts?columns=name', AbortSignal.timeout(20_000));
    vhosts = { at: Date.now(), answer };
    answer.catch(() => {
      vhosts = null;
    });
  }
  return vhosts.answer;
}

/** After virtual hosts were added or deleted, or somebody else logged in. */
export function forgetServer() {
  description = null;
  vhosts = null;
}
