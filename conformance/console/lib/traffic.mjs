// An order system that goes on while the tests look at it: a publisher, consumers, one that rejects, a queue that nobody consumes.

import amqp from 'amqplib';
import { AMQP } from './api.mjs';

export const connect = (name) => amqp.connect(AMQP, { clientProperties: { connection_name: name, product: 'console tests' } });

export async function traffic() {
  const shop = await connect('shop');
  const channel = await shop.createConfirmChannel();
  await channel.assertExchange('orders', 'topic', { durable: true });
  await channel.assertExchange('orders.dlx', 'fanout', { durable: true });
  await channel.assertExchange('audit', 'fanout', { durable: true });
  await channel.bindExchange('audit', 'orders', '#');
  const queues = { 'orders.dead': {}, 'orders.stock': { deadLetterExchange: 'orders.dlx' }, 'orders.mail': { deadLetterExchange: 'orders.dlx', messageTtl: 600_000 }, 'audit.log': { maxLength: 500 } };
  for (const [name, options] of Object.entries(queues)) await channel.assertQueue(name, { durable: true, ...options });
  await channel.bindQueue('orders.dead', 'orders.dlx', '');
  await channel.bindQueue('orders.stock', 'orders', 'order.*');
  await channel.bindQueue('orders.mail', 'orders', '#');
  await channel.bindQueue('audit.log', 'audit', '');
  const worker = await connect('worker');
  const work = await worker.createChannel();
  await work.prefetch(20);
  let taken = 0;
  await work.consume('orders.stock', (message) => {
    if (!message) return;
    taken += 1;
    if (taken % 10 === 0) work.reject(message, false);
    else work.ack(message);
  }, { consumerTag: 'stock-worker' });
  await work.consume('orders.mail', (message) => message && work.ack(message), { consumerTag: 'mail-worker' });
  let sent = 0;
  const timer = setInterval(() => {
    sent += 1;
    channel.publish('orders', ['order.created', 'order.paid'][sent % 2], Buffer.from(JSON.stringify({ order: sent, customer: 'Ada', total: 12.5 })), { persistent: true, contentType: 'application/json', messageId: `order-${sent}`, timestamp: Math.floor(Date.now() / 1000), headers: { tenant: 'eu' } });
  }, 20);
  return async () => {
    clearInterval(timer);
    await Promise.allSettled([shop.close(), worker.close()]);
  };
}
