// The broker says of each message that it has taken it: awaited one by one, per batch, and handled as they come.
'use strict';
const { connect, run, same, unique, within } = require('./common');

run(async () => {
  const connection = await connect();
  const channel = await connection.createConfirmChannel();
  const { queue } = await channel.assertQueue(unique('confirms'), { durable: true });
  let sent = 0;
  const publish = (done) => channel.sendToQueue(queue, Buffer.from(`message ${++sent}`), { persistent: true }, done);
  const confirmed = () => within(new Promise((resolve, reject) => publish((error) => (error ? reject(error) : resolve()))), 'confirmation');
  const stored = async (want) => same('messages in the queue', (await channel.checkQueue(queue)).messageCount, want);

  for (let i = 0; i < 10; i++) await confirmed();
  await stored(10);

  for (let i = 0; i < 100; i++) publish();
  await within(channel.waitForConfirms(), 'confirmation of the batch');
  await stored(110);

  // At most a window of messages is unconfirmed at any time.
  const underWay = new Set();
  for (let i = 0; i < 500; i++) {
    if (underWay.size === 50) await Promise.race(underWay);
    const confirmation = confirmed().finally(() => underWay.delete(confirmation));
    underWay.add(confirmation);
  }
  await Promise.all(underWay);
  await stored(610);
  same('deleted', (await channel.deleteQueue(queue)).messageCount, 610);
  await connection.close();
});
