// A market: node prices.mjs [symbol] publishes 20 prices a second until Ctrl-C.
import { publish, pause } from './publish.mjs';

const symbol = process.argv[2] ?? 'ACME';
const opened = 100;
let price = opened;
for (let due = Date.now(); ; due += 50) {
  price = Math.max(1, price + (Math.random() - 0.5) * 0.8);
  const two = (n) => Math.round(n * 100) / 100;
  await publish(`PriceStream:symbol:${symbol}`, 'PriceChanged', { symbol, price: two(price), change: two((price / opened - 1) * 100), at: Date.now() });
  await pause(Math.max(0, due + 50 - Date.now()));
}
