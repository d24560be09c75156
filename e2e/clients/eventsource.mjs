// npm eventsource: prints each event as a line of JSON. Arguments: URL, types…
import { EventSource } from "eventsource";

const [url, ...types] = process.argv.slice(2);
const source = new EventSource(url);
const print = (e) => console.log(JSON.stringify({ type: e.type, id: e.lastEventId, data: e.data }));
for (const type of ["message", "sse.gap", "sse.rotate", ...types]) source.addEventListener(type, print);
source.addEventListener("open", () => console.log(JSON.stringify({ type: "open" })));
setInterval(() => {}, 60_000); // its reconnect timer alone does not keep Node.js alive
