// Starts the console: login if nobody is logged in, then the shell, then the page that the address names.

import { request } from './api/http.js';
import { forgetServer } from './api/server.js';
import { shell } from './components/shell.js';
import { h } from './core/dom.js';
import { open } from './core/page.js';
import { match } from './core/router.js';
import { session } from './core/session.js';
import { applyTheme, settings } from './core/settings.js';
import { language, t } from './i18n/index.js';
import { login } from './pages/login.js';
import { routes } from './routes.js';

const app = /** @type {HTMLElement} */ (document.getElementById('app'));
let leave = () => {};
/** @type {ReturnType<typeof shell> | null} */
let frame = null;

async function start() {
  document.documentElement.lang = language();
  applyTheme();
  const kept = session.authorization;
  if (kept && !session.isIn) {
    try {
      session.enter(kept, await request('GET', 'whoami', { authorization: kept }));
    } catch (error) {
      if (/** @type {any} */ (error).status === 401) session.leave();
      return showLogin(/** @type {any} */ (error).status ? '' : /** @type {any} */ (error).message);
    }
  }
  if (!session.isIn) return showLogin('');
  frame?.close();
  frame = shell({ onLogout: logout });
  app.replaceChildren(frame.element);
  await show(false);
}

function showLogin(/** @type {string} */ trouble) {
  leave();
  frame?.close();
  frame = null;
  app.replaceChildren(login({ trouble, onLogin: start }));
}

function logout() {
  session.leave();
  forgetServer();
  showLogin('');
}

// RabbitMQ says 401 to who may not see something as well as to who is nobody: so the server is asked who this is.
let doubting = false;
async function doubt() {
  if (doubting || !session.isIn) return;
  doubting = true;
  try {
    await request('GET', 'whoami', { authorization: session.authorization ?? undefined });
  } catch (error) {
    if (/** @type {any} */ (error).status === 401) logout();
  }
  doubting = false;
}

async function show(/** @type {boolean} */ moved) {
  if (!frame) return;
  leave();
  const found = match(location.hash, routes);
  frame.arrived(found?.route.nav ?? '');
  if (!found) {
    leave = () => {};
    frame.main.replaceChildren(h('div', { class: 'empty' }, h('h1', {}, t('No such page')), h('a', { href: '#/' }, t('Overview'))));
  } else {
    const opening = open(found, frame.main);
    leave = () => opening.then((close) => close());
    await opening;
  }
  if (moved) {
    window.scrollTo(0, 0);
    frame.main.focus({ preventScroll: true });
  }
}

window.addEventListener('hashchange', () => show(true));
window.addEventListener('leveret:refused', doubt);
settings.watch('theme', applyTheme);
settings.watch('language', () => start());
start();
