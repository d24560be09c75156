package config

import (
	"log/slog"
	"time"
)

// Auth says which tokens are good: see auth.Config. Without TOKEN_SECRET,
// TOKEN_KEYS and JWKS_URL none is, and only public streams are served.
type Auth struct {
	Issuer       string // TOKEN_ISSUER; default: not checked
	Audience     string // TOKEN_AUDIENCE; default: not checked
	Secret       string // TOKEN_SECRET of HS256, 32 bytes or more
	Keys         string // TOKEN_KEYS, a JSON Web Key Set
	JWKSURL      string // JWKS_URL, where the issuer publishes its keys
	TicketSecret string // TICKET_SECRET, 32 bytes or more, another one; default: no tickets
}

func (r *reader) auth() Auth {
	return Auth{
		Issuer: r.getenv("TOKEN_ISSUER"), Audience: r.getenv("TOKEN_AUDIENCE"), Secret: r.getenv("TOKEN_SECRET"),
		Keys: r.getenv("TOKEN_KEYS"), JWKSURL: r.getenv("JWKS_URL"), TicketSecret: r.getenv("TICKET_SECRET"),
	}
}

// Control configures functions/control. What it shares with functions/stream has
// to be the same there.
type Control struct {
	Tables         Tables
	Auth           Auth
	Addr           string        // ADDR, host:port outside Lambda, default 127.0.0.1:8081
	AllowedOrigins []string      // ALLOWED_ORIGINS with commas between, see cors.Config; default none
	AddressHeader  string        // ADDRESS_HEADER of a trusted proxy, such as X-Forwarded-For; default none
	MaxChannels    int           // MAX_CHANNELS of a ticket, 1 to 64, default 32
	MaxLife        time.Duration // MAX_LIFE of a connection, 1s to 24h, default 15m
	Lease          time.Duration // LEASE of a process in the registry, 10s to 10m, default 60s
	Rate           int           // CONTROL_RATE, requests of one address in a second, 0 (no limit) to 10000, default 20
	LogLevel       slog.Level    // LOG_LEVEL, DEBUG, INFO, WARN or ERROR, default INFO
}

// LoadControl returns the settings that getenv holds, or every fault in them.
func LoadControl(getenv Getenv) (Control, error) {
	r := reader{getenv: getenv}
	c := Control{
		Tables:         r.tables(),
		Auth:           r.auth(),
		Addr:           r.address("ADDR", "127.0.0.1:8081"),
		AllowedOrigins: r.origins("ALLOWED_ORIGINS"),
		AddressHeader:  r.header("ADDRESS_HEADER"),
		MaxChannels:    r.integer("MAX_CHANNELS", 32, 1, 64),
		MaxLife:        r.duration("MAX_LIFE", 15*time.Minute, time.Second, 24*time.Hour),
		Lease:          r.duration("LEASE", time.Minute, 10*time.Second, 10*time.Minute),
		Rate:           r.integer("CONTROL_RATE", 20, 0, 10_000),
		LogLevel:       r.level("LOG_LEVEL"),
	}
	return c, r.err()
}
