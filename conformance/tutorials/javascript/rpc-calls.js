// Both sides of remote calls: a server on a connection of its own, and a client that has several calls under way.
'use strict';
const { connect, same, unique } = require('./common');

const FIBONACCI = [0, 1, 1, 2, 3, 5, 8, 13, 21, 34, 55];

async function serve() {
  const connection = await connect();
  const channel = await connection.createChannel();
  const { queue } = await channel.assertQueue(unique('rpc'), { durable: false, autoDelete: true });
  await channel.prefetch(1);
  await channel.consume(queue, (message) => {
    const { replyTo, correlationId } = message.properties;
    channel.sendToQueue(replyTo, Buffer.from(String(FIBONACCI[Number(message.content)])), { correlationId });
    channel.ack(message);
  });
  return { queue, stop: () => connection.close() };
}

async function call(channel, requests, replyTo, replies) {
  for (const n of FIBONACCI.keys()) channel.sendToQueue(requests, Buffer.from(String(n)), { correlationId: `call ${n}`, replyTo });
  for (const [n, want] of FIBONACCI.entries()) {
    const reply = await replies.next();
    same('reply', [reply.properties.correlationId, reply.content.toString()], [`call ${n}`, String(want)]);
  }
}

module.exports = { call, serve };
