// In a topic exchange's binding, * stands for one word and # for any number of words.
'use strict';
const { connect, run, same, subscriber, unique } = require('./common');

const KEYS = [
  'quick.orange.rabbit', 'lazy.orange.elephant', 'quick.orange.fox', 'lazy.brown.fox', 'lazy.pink.rabbit',
  'quick.brown.fox', 'orange', 'quick.orange.new.rabbit', 'lazy.orange.new.rabbit', 'lazy', '',
];
const CASES = [
  { bindings: ['*.orange.*'], want: ['quick.orange.rabbit', 'lazy.orange.elephant', 'quick.orange.fox'] },
  {
    bindings: ['*.*.rabbit', 'lazy.#'],
    want: ['quick.orange.rabbit', 'lazy.orange.elephant', 'lazy.brown.fox', 'lazy.pink.rabbit', 'lazy.orange.new.rabbit', 'lazy'],
  },
  { bindings: ['#'], want: KEYS },
  { bindings: ['*'], want: ['orange', 'lazy'] },
  {
    bindings: ['#.orange.#'],
    want: ['quick.orange.rabbit', 'lazy.orange.elephant', 'quick.orange.fox', 'orange', 'quick.orange.new.rabbit', 'lazy.orange.new.rabbit'],
  },
];

run(async () => {
  const connection = await connect();
  const channel = await connection.createChannel();
  const animals = unique('topic_animals');
  await channel.assertExchange(animals, 'topic', { durable: false, autoDelete: true });
  const subscribers = [];
  for (const { bindings } of CASES) subscribers.push(await subscriber(channel, animals, ...bindings));
  for (const key of KEYS) channel.publish(animals, key, Buffer.from(key));
  for (const [i, { bindings, want }] of CASES.entries()) {
    channel.sendToQueue(subscribers[i].queue, Buffer.from('end'));
    same(`bindings ${bindings}`, await subscribers[i].consumer.untilEnd(), want);
  }
  await connection.close();
});
