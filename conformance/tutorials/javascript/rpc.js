// Requests with a reply queue and a correlation id, several under way at a time.
'use strict';
const { connect, run, subscriber } = require('./common');
const { call, serve } = require('./rpc-calls');

run(async () => {
  const server = await serve();
  const connection = await connect();
  const channel = await connection.createChannel();
  const { queue, consumer } = await subscriber(channel, '');
  await call(channel, server.queue, queue, consumer);
  await connection.close();
  await server.stop();
});
