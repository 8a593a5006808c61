// One message through a queue, by way of the default exchange.
'use strict';
const { Consumer, connect, run, same, unique } = require('./common');

run(async () => {
  const connection = await connect();
  const channel = await connection.createChannel();
  const queue = unique('hello');
  const declared = await channel.assertQueue(queue, { durable: false, autoDelete: true });
  same('new queue', { ...declared }, { queue, messageCount: 0, consumerCount: 0 });

  const headers = { language: 'Grüße', number: 42, large: 2 ** 40, half: 0.5, list: [1, 'two'], flag: true, nested: { a: { b: 'c' } } };
  channel.sendToQueue(queue, Buffer.from('Hello World!'), { contentType: 'text/plain', headers });

  const message = await (await Consumer.start(channel, queue)).next();
  same('body', message.content.toString(), 'Hello World!');
  same('content type', message.properties.contentType, 'text/plain');
  same('headers', { ...message.properties.headers }, headers);
  const { consumerTag, ...fields } = message.fields;
  same('delivery', { ...fields }, { deliveryTag: 1, redelivered: false, exchange: '', routingKey: queue });
  await connection.close();
});
