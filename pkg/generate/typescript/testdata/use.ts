// How generated code is used, and what of it must not compile: each misuse
// stands below the comment that expects the compiler's error.
import type { CommentAdded, Streams } from './seed_number.js';
import { createSse, descriptors } from './seed_number.js';
import type { OrderPlaced as Rounded } from './kinds_number.js';
import { createSse as createOrders, type OrderPlaced } from './kinds_bigint.js';

export async function use(list: (c: CommentAdded) => void, reload: () => Promise<void>): Promise<void> {
  const sse = createSse({ url: 'https://sse.example.com', getToken: async () => 'jwt' });
  const sub = sse.subscribe('comments', { itemId: '42' }, { on: { CommentAdded: (c) => list(c) }, onGap: reload });
  sub.on('CommentUpdated', (c) => c.new_text satisfies string);
  sse.subscribe('systems', {});

  // @ts-expect-error a misspelled event
  sub.on('CommentAded', () => {});
  // @ts-expect-error a misspelled event
  sse.subscribe('comments', { itemId: '1' }, { on: { CommentAded: () => {} } });
  // @ts-expect-error an event of another stream
  sub.on('EmailSent', () => {});
  // @ts-expect-error a key of another stream
  sse.subscribe('comments', { userId: '1' });
  // @ts-expect-error a key where there is none
  sse.subscribe('systems', { userId: '1' });
  // @ts-expect-error no key
  sse.subscribe('comments', {});
  // @ts-expect-error a misspelled stream
  sse.subscribe('comment', { itemId: '1' });
  // @ts-expect-error a misspelled field
  sub.on('CommentAdded', (c) => c.txt);

  for await (const e of sub) {
    switch (e.event) {
      case 'CommentAdded':
        list(e.data);
        break;
      case 'CommentUpdated':
        e.data.new_text satisfies string;
        // @ts-expect-error a field of another event
        e.data.text;
        break;
      case 'CommentDeleted':
        break;
      default: {
        const never: never = e;
        return never;
      }
    }
    switch (e.event) {
      case 'CommentAdded':
      case 'CommentUpdated':
        break;
      default: {
        // @ts-expect-error CommentDeleted is left
        const never: never = e;
        return never;
      }
    }
  }
}

export function orders(): void {
  const sse = createOrders({ url: 'https://sse.example.com' });
  sse.subscribe('orders', { shopId: 'a', lineNo: 2n ** 63n, state: 'open' });
  // @ts-expect-error a value that the enum does not have
  sse.subscribe('orders', { shopId: 'a', lineNo: 1, state: 'opened' });
}

export function kinds(exact: OrderPlaced, rounded: Rounded): void {
  exact.exact satisfies bigint;
  exact.lines[0]?.amount satisfies bigint | undefined;
  exact.small satisfies number;
  rounded.exact satisfies number;
  exact.note satisfies string | null | undefined;
  exact.holes satisfies (bigint | null)[];
  exact.deep['x']?.[0]?.number satisfies number | null | undefined;
  exact.state satisfies 'open' | 'sent';
  exact.at satisfies string;
  // @ts-expect-error it may be absent
  exact.note satisfies string;
}

'item:{item_id}' satisfies (typeof descriptors)['streams']['comments']['template'];
({ itemId: '7' }) satisfies Streams['comments']['key'];
