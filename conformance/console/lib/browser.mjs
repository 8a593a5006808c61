// A browser that is logged in, and watched: errors of scripts, answers that should not be, requests to anybody else fail the test.

import { AxeBuilder } from './axe.mjs';
import { chromium } from 'playwright-core';
import { BASE, LOGIN } from './api.mjs';
import { mkdirSync } from 'node:fs';

const SHOTS = process.env.SHOTS;
if (SHOTS) mkdirSync(SHOTS, { recursive: true });
let browser;

/** Requests without an answer yet, of each page. */
const asked = new WeakMap();

export const quit = () => browser?.close();

/**
 * @param {(page: import('playwright-core').Page) => Promise<void>} act
 * @param {{ at?: string, width?: number, height?: number, theme?: 'light' | 'dark', language?: string, login?: boolean, expect?: number[], kept?: Record<string, string> }} [options]
 *   `expect`: statuses of answers that are part of the test; `kept`: what the browser remembers of an earlier visit
 */
export async function visit(act, { at = '/', width = 1280, height = 800, theme = 'light', language = 'en-GB', login = true, expect = [], kept = {} } = {}) {
  browser ??= await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-dev-shm-usage'] });
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: theme, locale: language, reducedMotion: 'reduce', acceptDownloads: true });
  context.setDefaultTimeout(8000);
  const wrong = [];
  const page = await context.newPage();
  page.on('pageerror', (error) => wrong.push(`script: ${error.stack}`));
  page.on('console', (message) => {
    // The browser writes a line for each answer that is no 200; those are looked at below.
    if (message.type() === 'error' && !/Failed to load resource/.test(message.text())) wrong.push(`console: ${message.text()}`);
  });
  page.on('response', (answer) => {
    const fine = answer.status() < 400 || expect.includes(answer.status()) || (/leveret\//.test(answer.url()) && answer.status() === 404);
    if (!fine) wrong.push(`${answer.status()} ${answer.request().method()} ${answer.url()}`);
  });
  const open = new Set();
  asked.set(page, open);
  page.on('requestfinished', (request) => open.delete(request));
  page.on('requestfailed', (request) => open.delete(request));
  page.on('request', (request) => {
    // The stream of events has no end.
    if (!request.url().endsWith('/events')) open.add(request);
    if (!request.url().startsWith(BASE) && !/^(blob|data):/.test(request.url())) wrong.push(`asks ${request.url()}`);
  });
  if (login) await page.addInitScript((value) => sessionStorage.setItem('leveret.login', value), LOGIN);
  await page.addInitScript((all) => Object.entries(all).forEach(([key, value]) => localStorage.setItem(key, value)), kept);
  try {
    await page.goto(`${BASE}#${at}`);
    await page.waitForSelector(login ? '.shell h1' : '.login');
    await act(page);
  } catch (error) {
    if (SHOTS) await page.screenshot({ path: `${SHOTS}/failed-${Date.now()}.png`, fullPage: true }).catch(() => {});
    if (wrong.length) error.message += `\n  and: ${wrong.join('\n  ')}`;
    throw error;
  } finally {
    await context.close();
  }
  if (wrong.length) throw new Error(wrong.join('\n'));
}

/** Everything that was asked for is there. */
export async function settled(page) {
  await page.waitForSelector('h1');
  await page.waitForFunction(() => !document.querySelector('.waiting'));
  const end = Date.now() + 8000;
  for (let quiet = 0; quiet < 4; quiet = asked.get(page).size === 0 ? quiet + 1 : 0) {
    if (Date.now() > end) throw new Error(`still asks ${[...asked.get(page)].map((request) => request.url())}`);
    await page.waitForTimeout(50);
  }
}

/** What a person who cannot see, or cannot use a mouse, would stumble over; and what is wider than the screen. */
export async function accessible(page, where) {
  const found = await AxeBuilder(page);
  if (found.length) throw new Error(`${where}: ${found.join('\n  ')}`);
  const wider = await page.evaluate(() => {
    if (document.documentElement.scrollWidth <= innerWidth) return null;
    const widest = [...document.querySelectorAll('main *')].filter((element) => element.getBoundingClientRect().right > innerWidth + 1 && !element.parentElement?.closest('.table-scroll, .flow-scroll, .tabs, pre'));
    return widest.slice(0, 3).map((element) => `${element.localName}.${element.className}`).join(' ') || 'something';
  });
  if (wider) throw new Error(`${where}: wider than the screen: ${wider}`);
}

export async function shot(page, name) {
  if (SHOTS) await page.screenshot({ path: `${SHOTS}/${name.replace(/[^\w.-]+/g, '_')}.png`, fullPage: true });
}

export const toast = (page, text) => page.locator('.toast', { hasText: text }).first().waitFor();
/** The window over the page: its button. */
export const confirm = (page, action) => page.locator('dialog button', { hasText: action }).last().click();
