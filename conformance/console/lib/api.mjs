// The broker under test, asked past the console: to prepare what a test needs, and to see what the console did.

export const BASE = process.env.CONSOLE_URL ?? 'http://127.0.0.1:15672/';
export const AMQP = process.env.AMQP_URL ?? 'amqp://guest:guest@127.0.0.1:5672';
export const LOGIN = `Basic ${btoa('guest:guest')}`;

/** What the API answers; throws with its reason unless it is well or one of `also`. */
export async function api(method, path, body, { also = [] } = {}) {
  const answer = await fetch(`${BASE}api/${path}`, {
    method, headers: { authorization: LOGIN, 'content-type': 'application/json' }, body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await answer.text();
  if (also.includes(answer.status)) return null;
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text.slice(0, 300)}`);
  return text ? JSON.parse(text) : null;
}

/** The answer as soon as `fits` says so; counters of RabbitMQ are seconds old. */
export async function until(ask, fits, what, seconds = 20) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const answer = await ask();
    if (fits(answer)) return answer;
    if (Date.now() > end) throw new Error(`not within ${seconds} s: ${what}; last answer ${JSON.stringify(answer)?.slice(0, 400)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

export const queue = (name) => api('GET', `queues/%2F/${encodeURIComponent(name)}`, undefined, { also: [404] });

export const publish = (name, payload, properties = {}) =>
  api('POST', 'exchanges/%2F/amq.default/publish', { properties, routing_key: name, payload, payload_encoding: 'string' });

/** A fresh durable queue with these messages. */
export async function fill(name, payloads = [], args = {}) {
  await api('DELETE', `queues/%2F/${encodeURIComponent(name)}`, undefined, { also: [404] });
  await api('PUT', `queues/%2F/${encodeURIComponent(name)}`, { durable: true, arguments: args });
  for (const [at, payload] of payloads.entries()) await publish(name, payload, { message_id: `m-${at}`, content_type: payload.startsWith('{') ? 'application/json' : 'text/plain', delivery_mode: 2 });
}

let description;
/** Whether the broker has something that RabbitMQ does not. */
export async function offers(part) {
  description ??= api('GET', 'leveret/openapi.json', undefined, { also: [404, 401] });
  return Object.keys((await description)?.paths ?? {}).some((path) => path.startsWith('/api/leveret/') && path.includes(part));
}
