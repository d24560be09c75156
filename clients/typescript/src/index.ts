export * from './types.js';
export { SseError, Unauthorized } from './errors.js';
export { PROTOCOL, createClient } from './client.js';
