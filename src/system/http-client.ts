/** Everything that sends requests over HTTP: a bundle of its own, because few calls need it. */
export { requestNode } from './cluster/api-server.js';
export { askWatcher } from './watch/ask.js';
