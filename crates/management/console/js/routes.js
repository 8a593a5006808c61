// Every page and its address. Pages are loaded when they are first opened.

/** @type {import('./core/router.js').Route[]} */
export const routes = [
  { pattern: '/', nav: '/', load: () => import('./pages/overview.js') },
  { pattern: '/flow', nav: '/flow', load: () => import('./pages/flow.js') },
  { pattern: '/queues', nav: '/queues', load: () => import('./pages/queues.js') },
  { pattern: '/queues/:vhost/:name', nav: '/queues', load: () => import('./pages/queue.js') },
  { pattern: '/queues/:vhost/:name/:tab', nav: '/queues', load: () => import('./pages/queue.js') },
  { pattern: '/exchanges', nav: '/exchanges', load: () => import('./pages/exchanges.js') },
  { pattern: '/exchanges/:vhost', nav: '/exchanges', load: () => import('./pages/exchange.js') },
  { pattern: '/exchanges/:vhost/:name', nav: '/exchanges', load: () => import('./pages/exchange.js') },
  { pattern: '/connections', nav: '/connections', load: () => import('./pages/connections.js') },
  { pattern: '/connections/:name', nav: '/connections', load: () => import('./pages/connection.js') },
  { pattern: '/channels', nav: '/channels', load: () => import('./pages/channels.js') },
  { pattern: '/channels/:name', nav: '/channels', load: () => import('./pages/channel.js') },
  { pattern: '/consumers', nav: '/consumers', load: () => import('./pages/consumers.js') },
  { pattern: '/vhosts', nav: '/vhosts', load: () => import('./pages/vhosts.js') },
  { pattern: '/vhosts/:name', nav: '/vhosts', load: () => import('./pages/vhost.js') },
  { pattern: '/users', nav: '/users', load: () => import('./pages/users.js') },
  { pattern: '/users/:name', nav: '/users', load: () => import('./pages/user.js') },
  { pattern: '/policies', nav: '/policies', load: () => import('./pages/policies.js') },
  { pattern: '/definitions', nav: '/definitions', load: () => import('./pages/definitions.js') },
  { pattern: '/events', nav: '/events', load: () => import('./pages/events.js') },
  { pattern: '/health', nav: '/health', load: () => import('./pages/health.js') },
];
