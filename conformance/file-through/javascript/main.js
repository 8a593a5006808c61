// Lines of a file through a queue, with amqplib.
//
//   program publish QUEUE < file     one persistent message per line, confirmed, at most WINDOW unconfirmed
//   program consume QUEUE > copy     acknowledges each line; ends at the end mark and deletes the queue
'use strict';
const amqp = require('amqplib');

const WINDOW = 500;
const END_MARK = 'application/x-end'; // the content type of the message after the last line

// Lines as bytes: readline would decode them as text.
async function* lines(stream) {
  let rest = Buffer.alloc(0);
  for await (const chunk of stream) {
    const bytes = Buffer.concat([rest, chunk]);
    let start = 0;
    for (let end; (end = bytes.indexOf(10, start)) >= 0; start = end + 1) yield bytes.subarray(start, end);
    rest = bytes.subarray(start);
  }
  if (rest.length > 0) yield rest;
}

async function publish(connection, queue) {
  const channel = await connection.createConfirmChannel();
  await channel.assertQueue(queue, { durable: true });
  let sent = 0;
  for await (const line of lines(process.stdin)) {
    channel.sendToQueue(queue, line, { persistent: true, contentType: 'text/plain' });
    if (++sent % WINDOW === 0) await channel.waitForConfirms();
  }
  channel.sendToQueue(queue, Buffer.alloc(0), { persistent: true, contentType: END_MARK });
  await channel.waitForConfirms();
}

async function consume(connection, queue) {
  const channel = await connection.createChannel();
  await channel.assertQueue(queue, { durable: true });
  await channel.prefetch(WINDOW);
  await new Promise((resolve, reject) => {
    channel.on('error', reject);
    channel.consume(queue, (message) => {
      if (message === null) return reject(new Error('the consumer was cancelled'));
      channel.ack(message);
      if (message.properties.contentType === END_MARK) return resolve();
      process.stdout.write(message.content);
      process.stdout.write('\n');
    }).catch(reject);
  });
  await channel.deleteQueue(queue, { ifEmpty: true }); // refused if anything were left
}

async function main([action, queue]) {
  const connection = await amqp.connect(process.env.AMQP_URL);
  await { publish, consume }[action](connection, queue);
  await connection.close();
}

main(process.argv.slice(2)).catch((error) => {
  console.error(error);
  process.exit(1);
});
