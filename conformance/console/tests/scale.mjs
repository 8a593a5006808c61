// With many queues (`--queues`) the pages that list, sort and search them stay usable, and draw no more than a page.

import assert from 'node:assert/strict';
import test from 'node:test';
import { api, fill, queue, until } from '../lib/api.mjs';
import { settled, visit } from '../lib/browser.mjs';

const MANY = Number(process.env.QUEUES || 2000);
/** What a person waits for without wondering, on a machine that runs all of this at once. */
const PATIENCE_MS = Number(process.env.PATIENCE_MS || 5000);
const CHUNK = 5000;

const name = (at) => `many.${String(at).padStart(6, '0')}`;

test(`${MANY} queues`, async (t) => {
  for (let from = 0; from < MANY; from += CHUNK) {
    const queues = Array.from({ length: Math.min(CHUNK, MANY - from) }, (_, at) => ({ name: name(from + at), vhost: '/', durable: false, auto_delete: false, arguments: {} }));
    await api('POST', 'definitions', { queues });
  }
  await fill('many.and-one-full', Array.from({ length: 700 }, () => 'x'));
  await until(() => queue('many.and-one-full'), (now) => now.messages_ready === 700, 'they are counted');
  const took = async (what, act) => {
    const begun = performance.now();
    await act();
    const ms = Math.round(performance.now() - begun);
    t.diagnostic(`${what}: ${ms} ms`);
    assert.ok(ms < PATIENCE_MS, `${what} took ${ms} ms`);
  };
  await visit(async (page) => {
    await took('the overview', () => settled(page));
    await took('the list', async () => {
      await page.evaluate(() => { location.hash = '#/queues'; });
      await page.locator('.pager', { hasText: /in all/ }).waitFor();
    });
    await took('the largest first', async () => {
      await page.click('th button:has-text("Ready")');
      await page.locator('tbody tr').first().filter({ hasText: /full|audit|dead/ }).waitFor();
    });
    await took('the last page', async () => {
      await page.click('th button:has-text("Name")');
      await page.locator('tbody tr').nth(20).waitFor();
      await page.click('[aria-label="Last page"]');
      await page.locator('.pager', { hasText: /Page ([\d,]+) of \1/ }).waitFor();
    });
    assert.ok((await page.locator('tbody tr').count()) <= 100);
    await took('the search', async () => {
      await page.keyboard.press('Control+k');
      await page.keyboard.insertText(name(MANY - 1));
      await page.locator('#search-results li', { hasText: name(MANY - 1) }).waitFor();
    });
    await took('the queue', async () => {
      await page.keyboard.press('Enter');
      await page.locator('h1', { hasText: name(MANY - 1) }).waitFor();
    });
    await took('the flow', async () => {
      await page.evaluate(() => { location.hash = '#/flow'; });
      await page.locator('.flow .node.queue').first().waitFor();
    });
  });
});
