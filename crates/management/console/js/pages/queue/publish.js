// Publishing straight into the queue, through the default exchange.

import { publishForm } from '../../components/publish.js';
import { h } from '../../core/dom.js';
import { t } from '../../i18n/index.js';

/** @param {import('../../core/page.js').Context} _ctx @param {{ vhost: string, name: string }} of */
export function publishTab(_ctx, { vhost, name }) {
  return {
    element: h('section', { class: 'card' }, h('h2', {}, t('Publish into “{name}”', { name })),
      h('p', { class: 'hint' }, t('Goes through the default exchange, whose routing key is the name of the queue. To try bindings, publish on an exchange’s page.')),
      publishForm({ vhost, exchange: '', routingKey: name, fixedKey: true })),
  };
}
