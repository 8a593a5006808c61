// Remote calls without a reply queue: the broker carries the reply straight to the channel that asked.
'use strict';
const { Consumer, connect, run, same, within } = require('./common');
const { call, serve } = require('./rpc-calls');

const PSEUDO_QUEUE = 'amq.rabbitmq.reply-to';

run(async () => {
  const server = await serve();
  const connection = await connect();
  const channel = await connection.createChannel();
  await call(channel, server.queue, PSEUDO_QUEUE, await Consumer.start(channel, PSEUDO_QUEUE));

  // Who does not listen cannot be answered: the broker refuses the request.
  const deaf = await connection.createChannel();
  deaf.sendToQueue(server.queue, Buffer.from('1'), { replyTo: PSEUDO_QUEUE });
  const error = await within(new Promise((resolve) => deaf.once('error', resolve)), 'refusal');
  same('refusal', [error.code, error.message.includes('PRECONDITION_FAILED - fast reply consumer does not exist')], [406, true]);
  await connection.close();
  await server.stop();
});
