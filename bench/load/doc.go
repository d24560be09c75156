// Package load is a load generator for servers of server-sent events: it opens
// thousands of readers, publishes at a fixed rate, and says how late each event
// reached each reader, and whether it did.
//
// It is one thread on one epoll, so that on one core it reads millions of
// deliveries a second and is not what it measures. It is an open loop: an event
// is due at a time that no server can put off, and its latency counts from then.
//
// It is no client of server-sent events: it looks for the events that it has
// published itself and passes over everything else. Linux only.
package load
