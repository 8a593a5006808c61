// What of a node's state is an alarm, in words.

import { bytes } from '../../core/format.js';
import { t } from '../../i18n/index.js';

/** @param {any[]} nodes of /api/nodes @returns {string[]} */
export function alarmsOf(nodes) {
  const all = [];
  for (const node of nodes) {
    if (node.running === false) all.push(t('Node {node} is not running.', { node: node.name }));
    if (node.mem_alarm) all.push(t('Memory alarm: {used} of {limit} in use. Publishers are held back.', { used: bytes(node.mem_used), limit: bytes(node.mem_limit) }));
    if (node.disk_free_alarm) all.push(t('Disk alarm: {free} free, the limit is {limit}. Publishers are held back.', { free: bytes(node.disk_free), limit: bytes(node.disk_free_limit) }));
  }
  return all;
}
