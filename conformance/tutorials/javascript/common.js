// What the tutorial programs share: connecting, names of their own, collecting and comparing.
'use strict';
const { isDeepStrictEqual, inspect } = require('node:util');
const amqp = require('amqplib');

const URL = process.env.AMQP_URL || 'amqp://guest:guest@127.0.0.1:5672/%2f';
const DEADLINE = 10_000; // ms for everything that should happen at once

const connect = () => amqp.connect(URL);
const unique = (name) => `tutorial.javascript.${name}.${process.pid}.${process.hrtime.bigint()}`;

function same(what, got, want) {
  if (!isDeepStrictEqual(got, want)) throw new Error(`${what}: got ${inspect(got)}, want ${inspect(want)}`);
}

function within(promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no ${what} within ${DEADLINE} ms`)), DEADLINE);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

// A consumer whose messages are asked for one by one.
class Consumer {
  #waiting = [];
  #asked = [];

  static async start(channel, queue, options = { noAck: true }) {
    const consumer = new Consumer();
    await channel.consume(queue, (message) => {
      const ask = consumer.#asked.shift();
      if (ask) ask(message);
      else consumer.#waiting.push(message);
    }, options);
    return consumer;
  }

  next() {
    if (this.#waiting.length > 0) return Promise.resolve(this.#waiting.shift());
    return within(new Promise((resolve) => this.#asked.push(resolve)), 'message');
  }

  // Bodies up to the message "end", which the same channel publishes straight to the queue after all others.
  async untilEnd() {
    const bodies = [];
    for (;;) {
      const body = (await this.next()).content.toString();
      if (body === 'end') return bodies;
      bodies.push(body);
    }
  }
}

async function subscriber(channel, exchange, ...keys) {
  const { queue } = await channel.assertQueue('', { exclusive: true });
  for (const key of keys) await channel.bindQueue(queue, exchange, key);
  return { queue, consumer: await Consumer.start(channel, queue) };
}

function run(main) {
  main().catch((error) => {
    console.error(error);
    process.exit(1);
  });
}

module.exports = { Consumer, connect, run, same, subscriber, unique, within };
