// @microsoft/fetch-event-source: prints each event as a line of JSON. It is made
// for browsers, so it is given the two globals that it looks at.
globalThis.document = { hidden: false, addEventListener() {}, removeEventListener() {} };
globalThis.window = globalThis;
const { fetchEventSource } = await import("@microsoft/fetch-event-source");

const [url] = process.argv.slice(2);
await fetchEventSource(url, {
  openWhenHidden: true,
  async onopen() { console.log(JSON.stringify({ type: "open" })); },
  onmessage(e) { console.log(JSON.stringify({ type: e.event || "message", id: e.id, data: e.data })); },
  onclose() { throw new Error("closed"); }, // a clean end: come back
  onerror() {}, // come back
});
