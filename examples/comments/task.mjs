// A long task of a user: node task.mjs [user] [seconds] says how far it has come, and its end.
import { publish, pause } from './publish.mjs';

const user_id = process.argv[2] ?? '7';
const seconds = Number(process.argv[3] ?? 10);
const total = 40;
const began = Date.now();
const task_id = `export-${began}`;
const channel = `NotificationStream:user:${user_id}`;
for (let done = 0; done <= total; done++) {
  await publish(channel, 'TaskProgress', { user_id, task_id, done, total });
  await pause((seconds * 1000) / total);
}
await publish(channel, 'TaskComplete', { user_id, task_type: 'export', result: 'ready', duration_ms: Date.now() - began });
