// 中文。

import { admin } from './admin.js';
import { clients } from './clients.js';
import { common } from './common.js';
import { exchanges } from './exchanges.js';
import { overview } from './overview.js';
import { queues } from './queues.js';

export const zh = { ...admin, ...clients, ...common, ...exchanges, ...overview, ...queues };
