// A fanout exchange gives every queue bound to it a copy, whatever the routing key.
'use strict';
const { connect, run, same, subscriber, unique } = require('./common');

run(async () => {
  const connection = await connect();
  const channel = await connection.createChannel();
  const logs = unique('logs');
  await channel.assertExchange(logs, 'fanout', { durable: false, autoDelete: true });
  channel.publish(logs, '', Buffer.from('before anybody listens'));
  const first = await subscriber(channel, logs, '');
  const second = await subscriber(channel, logs, 'ignored');
  const left = await subscriber(channel, logs, '');
  await channel.unbindQueue(left.queue, logs, '');

  const lines = Array.from({ length: 5 }, (_, i) => `line ${i}`);
  for (const line of lines) channel.publish(logs, line, Buffer.from(line));
  for (const { queue } of [first, second, left]) channel.sendToQueue(queue, Buffer.from('end'));
  same('first subscriber', await first.consumer.untilEnd(), lines);
  same('second subscriber', await second.consumer.untilEnd(), lines);
  same('the one that left', await left.consumer.untilEnd(), []);
  await connection.close();
});
