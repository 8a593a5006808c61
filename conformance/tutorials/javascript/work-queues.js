// Durable tasks for two workers, one at a time each; what a killed worker held goes to the other.
'use strict';
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const { createInterface } = require('node:readline');
const { Consumer, connect, run, same, unique, within } = require('./common');

const TASKS = Array.from({ length: 10 }, (_, i) => `task ${i}`);

// A process of its own that takes a task, says which, and never finishes.
async function worker(queue) {
  const channel = await (await connect()).createChannel();
  await channel.assertQueue(queue, { durable: true });
  await channel.prefetch(1);
  await channel.consume(queue, (message) => console.log(message.content.toString()));
}

async function main() {
  const connection = await connect();
  const channel = await connection.createChannel();
  const queue = unique('tasks');
  await channel.assertQueue(queue, { durable: true });
  for (const task of TASKS) channel.sendToQueue(queue, Buffer.from(task), { persistent: true });

  const doomed = spawn(process.execPath, [__filename, 'worker', queue], { stdio: ['ignore', 'pipe', 'inherit'] });
  process.on('exit', () => doomed.kill('SIGKILL'));
  const [held] = await within(once(createInterface(doomed.stdout), 'line'), 'task for the other worker');
  same('first task', held, TASKS[0]);

  await channel.prefetch(1);
  const consumer = await Consumer.start(channel, queue, { noAck: false });
  const done = [];
  while (done.length < TASKS.length - 1) { // the other worker holds one and, not having settled it, gets no second
    const message = await consumer.next();
    same('redelivered', message.fields.redelivered, false);
    same('delivery mode', message.properties.deliveryMode, 2);
    done.push(message.content.toString());
    channel.ack(message);
  }
  doomed.kill('SIGKILL');
  const message = await consumer.next();
  same('task of the killed worker', [message.content.toString(), message.fields.redelivered], [held, true]);
  done.push(message.content.toString());
  channel.ack(message);
  same('tasks done', done.sort(), TASKS);
  same('tasks left', (await channel.deleteQueue(queue)).messageCount, 0);
  await connection.close();
}

run(() => (process.argv[2] === 'worker' ? worker(process.argv[3]) : main()));
