// Package sse is the format text/event-stream: frames out, events in, by the
// letter of the HTML standard (WHATWG HTML, section 9.2.6, "Interpreting an
// event stream"). It knows no HTTP, no cursor and no channel.
package sse
