// A direct exchange gives a message to the queues bound with exactly its key.
'use strict';
const { connect, run, same, subscriber, unique } = require('./common');

run(async () => {
  const connection = await connect();
  const channel = await connection.createChannel();
  const logs = unique('direct_logs');
  await channel.assertExchange(logs, 'direct', { durable: false, autoDelete: true });
  const disk = await subscriber(channel, logs, 'error');
  const screen = await subscriber(channel, logs, 'info', 'warning', 'error');

  for (const line of ['info', 'error', 'debug', 'warning', 'error', 'errors', '']) channel.publish(logs, line, Buffer.from(line));
  for (const { queue } of [disk, screen]) channel.sendToQueue(queue, Buffer.from('end'));
  same('errors', await disk.consumer.untilEnd(), ['error', 'error']);
  same('all', await screen.consumer.untilEnd(), ['info', 'error', 'warning', 'error']);
  await connection.close();
});
