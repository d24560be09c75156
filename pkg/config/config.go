// Package config reads the environment of each program into one struct, once.
// Bounds and defaults stand beside the fields; a program that is set up wrongly
// hears of every fault at once.
//
// It opens nothing and knows no AWS: endpoint, region and credentials are the
// SDK's own variables.
package config

import (
	"log/slog"
	"slices"
	"time"
)

// Getenv looks a variable up, as os.Getenv does.
type Getenv = func(name string) string

// Tables names what the log and the registry are kept in.
type Tables struct {
	EventLog    string // EVENT_LOG_TABLE, required
	Subscribers string // SUBSCRIBERS_TABLE, required
}

// Stream configures functions/stream.
type Stream struct {
	Tables         Tables
	Auth           Auth
	Addr           string        // ADDR, host:port outside Lambda, default 127.0.0.1:8080
	AllowedOrigins []string      // ALLOWED_ORIGINS with commas between, see cors.Config; default none
	Heartbeat      time.Duration // HEARTBEAT, 1s to 60s, default 15s
	PollInterval   time.Duration // POLL_INTERVAL, 10ms to 10s, default 250ms
	Streams        []string      // STREAMS that are served, with commas between; default all
	MaxChannels    int           // MAX_CHANNELS on one connection, 1 to 64, default 32
	MaxConnections int           // MAX_CONNECTIONS of the process, 0 (no limit, the default) to 1000000
	MaxLife        time.Duration // MAX_LIFE of a connection, 1s to 24h, default 15m
	QuietLife      time.Duration // QUIET_LIFE of a connection to which nothing comes, 0s (no end of its own) to 24h, default 60s on Lambda, else 0s
	UserLimit      int           // USER_LIMIT of open connections, 0 (none) to 1000000, default 50
	AddressLimit   int           // ADDRESS_LIMIT of open connections, 0 (none) to 1000000, default 200
	ConnectRate    int           // CONNECT_RATE of an address in a second, 0 (none) to 1000000, default 50
	AddressHeader  string        // ADDRESS_HEADER in which a trusted proxy says the reader's address, such as X-Forwarded-For; default none
	Margin         time.Duration // DEADLINE_MARGIN before the platform's end, 1s to 60s, default 5s
	Lease          time.Duration // LEASE of the process in the registry, 10s to 10m, default 60s
	LogLevel       slog.Level    // LOG_LEVEL, DEBUG, INFO, WARN or ERROR, default INFO
}

// LoadStream returns the settings that getenv holds, or every fault in them.
func LoadStream(getenv Getenv) (Stream, error) {
	r := reader{getenv: getenv}
	c := Stream{
		Tables:         r.tables(),
		Auth:           r.auth(),
		Addr:           r.address("ADDR", "127.0.0.1:8080"),
		AllowedOrigins: r.origins("ALLOWED_ORIGINS"),
		Heartbeat:      r.duration("HEARTBEAT", 15*time.Second, time.Second, time.Minute),
		PollInterval:   r.duration("POLL_INTERVAL", 250*time.Millisecond, 10*time.Millisecond, 10*time.Second),
		Streams:        r.names("STREAMS"),
		MaxChannels:    r.integer("MAX_CHANNELS", 32, 1, 64),
		MaxConnections: r.integer("MAX_CONNECTIONS", 0, 0, 1_000_000),
		MaxLife:        r.duration("MAX_LIFE", 15*time.Minute, time.Second, 24*time.Hour),
		QuietLife:      r.duration("QUIET_LIFE", quietLife(getenv), 0, 24*time.Hour),
		UserLimit:      r.integer("USER_LIMIT", 50, 0, 1_000_000),
		AddressLimit:   r.integer("ADDRESS_LIMIT", 200, 0, 1_000_000),
		ConnectRate:    r.integer("CONNECT_RATE", 50, 0, 1_000_000),
		AddressHeader:  r.header("ADDRESS_HEADER"),
		Margin:         r.duration("DEADLINE_MARGIN", 5*time.Second, time.Second, time.Minute),
		Lease:          r.duration("LEASE", time.Minute, 10*time.Second, 10*time.Minute),
		LogLevel:       r.level("LOG_LEVEL"),
	}
	return c, r.err()
}

// quietLife is what a reader may cost who has left: Lambda does not tell that
// one has, and bills on; elsewhere the socket says it.
func quietLife(getenv Getenv) time.Duration {
	if OnLambda(getenv) {
		return time.Minute
	}
	return 0
}

// Ingest configures functions/ingest.
type Ingest struct {
	EventLogTable string // EVENT_LOG_TABLE, required
	// SubscribersTable, SUBSCRIBERS_TABLE, lets whoever may send messages kick
	// readers; default: nobody may.
	SubscribersTable string
	QueueURL         string     // QUEUE_URL, required outside Lambda, where the program polls by itself
	LogLevel         slog.Level // LOG_LEVEL, DEBUG, INFO, WARN or ERROR, default INFO
}

// LoadIngest returns the settings that getenv holds, or every fault in them.
func LoadIngest(getenv Getenv) (Ingest, error) {
	r := reader{getenv: getenv}
	c := Ingest{
		EventLogTable:    r.required("EVENT_LOG_TABLE"),
		SubscribersTable: r.getenv("SUBSCRIBERS_TABLE"),
		LogLevel:         r.level("LOG_LEVEL"),
	}
	if !OnLambda(getenv) { // on Lambda the event source mapping names the queue
		c.QueueURL = r.required("QUEUE_URL")
	}
	return c, r.err()
}

// Changes configures functions/changes.
type Changes struct {
	EventLogTable string     // EVENT_LOG_TABLE, required
	LogLevel      slog.Level // LOG_LEVEL, DEBUG, INFO, WARN or ERROR, default INFO
}

// LoadChanges returns the settings that getenv holds, or every fault in them.
func LoadChanges(getenv Getenv) (Changes, error) {
	r := reader{getenv: getenv}
	c := Changes{
		EventLogTable: r.required("EVENT_LOG_TABLE"),
		LogLevel:      r.level("LOG_LEVEL"),
	}
	return c, r.err()
}

// Sweep configures functions/sweep.
type Sweep struct {
	Tables   Tables
	LogLevel slog.Level // LOG_LEVEL, DEBUG, INFO, WARN or ERROR, default INFO
}

// LoadSweep returns the settings that getenv holds, or every fault in them.
func LoadSweep(getenv Getenv) (Sweep, error) {
	r := reader{getenv: getenv}
	c := Sweep{Tables: r.tables(), LogLevel: r.level("LOG_LEVEL")}
	return c, r.err()
}

// OnLambda reports whether the Lambda service runs this program.
func OnLambda(getenv Getenv) bool { return getenv("AWS_LAMBDA_RUNTIME_API") != "" }

// Names returns the variables that load looks up on Lambda, sorted: what a
// deployment may set, and nothing else.
func Names[T any](load func(Getenv) (T, error)) []string {
	var names []string
	_, _ = load(func(name string) string {
		if name == "AWS_LAMBDA_RUNTIME_API" { // the platform's own
			return "127.0.0.1:9001"
		}
		names = append(names, name)
		return ""
	})
	slices.Sort(names)
	return slices.Compact(names)
}

// Dev configures `runnel dev --aws`.
type Dev struct {
	Tables   Tables
	QueueURL string // QUEUE_URL, required
}

// LoadDev returns the settings that getenv holds, or every fault in them.
func LoadDev(getenv Getenv) (Dev, error) {
	r := reader{getenv: getenv}
	c := Dev{Tables: r.tables(), QueueURL: r.required("QUEUE_URL")}
	return c, r.err()
}
