// Package e2e holds the tests that run Runnel as its users do: the real
// binaries, real clients that we did not write, a real browser, a real
// DynamoDB-compatible server. It has no code of its own.
package e2e
