// A mandatory message that no queue takes comes back, and is confirmed after that.
'use strict';
const { connect, run, same, subscriber, unique, within } = require('./common');

run(async () => {
  const connection = await connect();
  const channel = await connection.createConfirmChannel();
  const exchange = unique('nowhere');
  await channel.assertExchange(exchange, 'direct', { durable: false, autoDelete: true });
  const { queue, consumer } = await subscriber(channel, exchange, 'somewhere');
  const returned = [];
  channel.on('return', (message) => returned.push(message));
  const send = (key, mandatory) => {
    const confirmation = new Promise((resolve, reject) => {
      channel.publish(exchange, key, Buffer.from(`to ${key}`), { mandatory, messageId: key }, (error) => (error ? reject(error) : resolve()));
    });
    return within(confirmation, 'confirmation');
  };

  await send('anywhere', true);
  same('returned', returned.length, 1);
  const [{ fields, properties, content }] = returned;
  same('why and where', { ...fields }, { replyCode: 312, replyText: 'NO_ROUTE', exchange, routingKey: 'anywhere' });
  same('what', [properties.messageId, content.toString()], ['anywhere', 'to anywhere']);

  await send('somewhere', true);
  await send('anywhere', false);
  same('returned', returned.length, 1);
  channel.sendToQueue(queue, Buffer.from('end'));
  same('delivered', await consumer.untilEnd(), ['to somewhere']);
  await connection.close();
});
