// What must compile, and what must not.
import { createClient, type Descriptors, type SseClient } from '../../src/index.js';

interface CommentAdded {
  comment_id: string;
  text: string;
}
interface CommentUpdated {
  comment_id: string;
  new_text: string;
}
interface EmailSent {
  user_id: string;
}
interface Streams {
  comments: { key: { itemId: string }; events: { CommentAdded: CommentAdded; CommentUpdated: CommentUpdated } };
  notifications: { key: { userId: string }; events: { EmailSent: EmailSent } };
}
declare const descriptors: Descriptors;

export async function example(list: (c: CommentAdded) => void, reload: () => Promise<void>): Promise<void> {
  const sse: SseClient<Streams> = createClient<Streams>(descriptors, {
    url: 'https://x.lambda-url.eu-central-1.on.aws',
    control: 'https://y.lambda-url.eu-central-1.on.aws',
    getToken: async ({ reason }) => (reason === 'rejected' ? null : 'jwt'),
    share: 'tabs',
    pauseWhenHidden: { afterMs: 60_000 },
  });
  const sub = sse.subscribe('comments', { itemId: '42' }, {
    on: { CommentAdded: (c) => list(c) },
    onGap: reload,
    onStatus: (s) => {
      if (s.state === 'failed') console.warn(s.error.code);
    },
  });
  sub.on('CommentUpdated', (c) => {
    const t: string = c.new_text;
    void t;
  });
  // @ts-expect-error an event of another stream
  sub.on('EmailSent', () => {});
  // @ts-expect-error an event that is misspelled
  sse.subscribe('comments', { itemId: '1' }, { on: { CommentAded: () => {} } });
  // @ts-expect-error a key of another stream
  sse.subscribe('comments', { userId: '1' });
  // @ts-expect-error a stream that is not there
  sse.subscribe('coments', { itemId: '1' });
  // @ts-expect-error generated code of another protocol
  const other: Descriptors = { protocol: 2, int64: 'number', streams: {} };
  void other;
  for await (const e of sub) {
    switch (e.event) {
      case 'CommentAdded':
        list(e.data);
        break;
      case 'CommentUpdated': {
        const t: string = e.data.new_text;
        void t;
        break;
      }
      default: {
        const never: never = e;
        return never;
      }
    }
  }
}
