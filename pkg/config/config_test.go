package config_test

import (
	"log/slog"
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/config"
)

// env is a getenv over a table, with what every program requires.
func env(set map[string]string) config.Getenv {
	all := map[string]string{
		"EVENT_LOG_TABLE":   "EventLog",
		"SUBSCRIBERS_TABLE": "Subscribers",
		"QUEUE_URL":         "http://127.0.0.1:4566/000000000000/events",
	}
	maps.Copy(all, set)
	return func(name string) string { return all[name] }
}

func TestDefaultsAreWhatTheCommentsSay(t *testing.T) {
	t.Parallel()
	got, err := config.LoadStream(env(nil))
	require.NoError(t, err)
	require.Equal(t, config.Stream{
		Tables:       config.Tables{EventLog: "EventLog", Subscribers: "Subscribers"},
		Addr:         "127.0.0.1:8080",
		Heartbeat:    15 * time.Second,
		PollInterval: 250 * time.Millisecond,
		MaxChannels:  32,
		MaxLife:      15 * time.Minute,
		UserLimit:    50,
		AddressLimit: 200,
		ConnectRate:  50,
		Margin:       5 * time.Second,
		Lease:        time.Minute,
		LogLevel:     slog.LevelInfo,
	}, got)

	got, err = config.LoadStream(env(map[string]string{"AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9001"}))
	require.NoError(t, err)
	require.Equal(t, time.Minute, got.QuietLife, "Lambda does not tell that a reader has left")
}

func TestBounds(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		variable, value string
		fault           string // want, when refused
		check           func(*testing.T, config.Stream)
	}{
		"shortest heartbeat": {variable: "HEARTBEAT", value: "1s", check: func(t *testing.T, c config.Stream) { require.Equal(t, time.Second, c.Heartbeat) }},
		"longest heartbeat":  {variable: "HEARTBEAT", value: "60s", check: func(t *testing.T, c config.Stream) { require.Equal(t, time.Minute, c.Heartbeat) }},
		"heartbeat under":    {variable: "HEARTBEAT", value: "999ms", fault: `HEARTBEAT="999ms": want a duration from 1s to 1m0s, such as 15s`},
		"heartbeat over":     {variable: "HEARTBEAT", value: "61s", fault: "HEARTBEAT"},
		"no unit":            {variable: "POLL_INTERVAL", value: "250", fault: "POLL_INTERVAL"},
		"most channels":      {variable: "MAX_CHANNELS", value: "64", check: func(t *testing.T, c config.Stream) { require.Equal(t, 64, c.MaxChannels) }},
		"too many channels":  {variable: "MAX_CHANNELS", value: "65", fault: `MAX_CHANNELS="65": want a number from 1 to 64, such as 32`},
		"no channel":         {variable: "MAX_CHANNELS", value: "0", fault: "MAX_CHANNELS"},
		"not a number":       {variable: "MAX_CHANNELS", value: "many", fault: "MAX_CHANNELS"},
		"no quiet life":      {variable: "QUIET_LIFE", value: "0s", check: func(t *testing.T, c config.Stream) { require.Zero(t, c.QuietLife) }},
		"quiet life under":   {variable: "QUIET_LIFE", value: "-1s", fault: "QUIET_LIFE"},
		"no limit":           {variable: "USER_LIMIT", value: "0", check: func(t *testing.T, c config.Stream) { require.Zero(t, c.UserLimit) }},
		"limit under":        {variable: "ADDRESS_LIMIT", value: "-1", fault: `ADDRESS_LIMIT="-1": want a number from 0 to 1000000, such as 200`},
		"rate over":          {variable: "CONNECT_RATE", value: "1000001", fault: "CONNECT_RATE"},
		"some streams": {variable: "STREAMS", value: "CommentStream, PriceStream", check: func(t *testing.T, c config.Stream) {
			require.Equal(t, []string{"CommentStream", "PriceStream"}, c.Streams)
		}},
		"no name of a stream": {variable: "STREAMS", value: "CommentStream,", fault: `STREAMS="": want names of streams, each once, with commas between, such as CommentStream,PriceStream`},
		"an odd stream":       {variable: "STREAMS", value: "Comment:Stream", fault: "STREAMS"},
		"a stream twice":      {variable: "STREAMS", value: "A,A", fault: `STREAMS="A"`},
		"a header":            {variable: "ADDRESS_HEADER", value: "X-Forwarded-For", check: func(t *testing.T, c config.Stream) { require.Equal(t, "X-Forwarded-For", c.AddressHeader) }},
		"no header":           {variable: "ADDRESS_HEADER", value: "X-A: b", fault: `ADDRESS_HEADER="X-A: b": want the name of a header`},
		"any host":            {variable: "ADDR", value: ":9000", check: func(t *testing.T, c config.Stream) { require.Equal(t, ":9000", c.Addr) }},
		"no port":             {variable: "ADDR", value: "localhost", fault: `ADDR="localhost": want host:port`},
		"port over":           {variable: "ADDR", value: "localhost:65536", fault: "ADDR"},
		"origins": {variable: "ALLOWED_ORIGINS", value: "https://a.example, http://localhost:3000", check: func(t *testing.T, c config.Stream) {
			require.Equal(t, []string{"https://a.example", "http://localhost:3000"}, c.AllowedOrigins)
		}},
		"any origin": {variable: "ALLOWED_ORIGINS", value: "*", check: func(t *testing.T, c config.Stream) { require.Equal(t, []string{"*"}, c.AllowedOrigins) }},
		"subdomains": {variable: "ALLOWED_ORIGINS", value: "https://*.a.example", check: func(t *testing.T, c config.Stream) {
			require.Equal(t, []string{"https://*.a.example"}, c.AllowedOrigins)
		}},
		"a whole top level":      {variable: "ALLOWED_ORIGINS", value: "https://*.example", fault: "ALLOWED_ORIGINS"},
		"origin without scheme":  {variable: "ALLOWED_ORIGINS", value: "a.example", fault: `ALLOWED_ORIGINS="a.example": want an origin`},
		"origin with a path":     {variable: "ALLOWED_ORIGINS", value: "https://a.example/", fault: "ALLOWED_ORIGINS"},
		"origin no browser says": {variable: "ALLOWED_ORIGINS", value: "https://A.example", fault: "ALLOWED_ORIGINS"},
		"empty origin":           {variable: "ALLOWED_ORIGINS", value: "https://a.example,", fault: `ALLOWED_ORIGINS=""`},
		"level":                  {variable: "LOG_LEVEL", value: "debug", check: func(t *testing.T, c config.Stream) { require.Equal(t, slog.LevelDebug, c.LogLevel) }},
		"no level":               {variable: "LOG_LEVEL", value: "loud", fault: `LOG_LEVEL="loud": want DEBUG, INFO, WARN or ERROR`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := config.LoadStream(env(map[string]string{tc.variable: tc.value}))
			if tc.fault != "" {
				require.ErrorContains(t, err, tc.fault)
				return
			}
			require.NoError(t, err)
			tc.check(t, got)
		})
	}
}

func TestEveryFaultIsSaidAtOnce(t *testing.T) {
	t.Parallel()
	_, err := config.LoadStream(env(map[string]string{
		"EVENT_LOG_TABLE": "", "SUBSCRIBERS_TABLE": "", "HEARTBEAT": "soon", "MAX_CHANNELS": "-1",
	}))
	for _, name := range []string{"EVENT_LOG_TABLE: not set", "SUBSCRIBERS_TABLE: not set", "HEARTBEAT", "MAX_CHANNELS"} {
		require.ErrorContains(t, err, name)
	}
}

func TestTheQueueIsNamedOnlyWhereTheProgramPolls(t *testing.T) {
	t.Parallel()
	_, err := config.LoadIngest(env(map[string]string{"QUEUE_URL": ""}))
	require.ErrorContains(t, err, "QUEUE_URL: not set")
	_, err = config.LoadIngest(env(map[string]string{"QUEUE_URL": "", "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9001"}))
	require.NoError(t, err)
}

func TestNamesAreWhatADeploymentMaySet(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{
		"ADDR", "ADDRESS_HEADER", "ADDRESS_LIMIT", "ALLOWED_ORIGINS", "CONNECT_RATE", "DEADLINE_MARGIN", "EVENT_LOG_TABLE", "HEARTBEAT", "JWKS_URL", "LEASE", "LOG_LEVEL",
		"MAX_CHANNELS", "MAX_CONNECTIONS", "MAX_LIFE", "POLL_INTERVAL", "QUIET_LIFE", "STREAMS", "SUBSCRIBERS_TABLE", "TICKET_SECRET", "TOKEN_AUDIENCE", "TOKEN_ISSUER", "TOKEN_KEYS", "TOKEN_SECRET", "USER_LIMIT",
	}, config.Names(config.LoadStream))
	require.Equal(t, []string{"EVENT_LOG_TABLE", "LOG_LEVEL", "SUBSCRIBERS_TABLE"}, config.Names(config.LoadIngest))
	require.Equal(t, []string{
		"ADDR", "ADDRESS_HEADER", "ALLOWED_ORIGINS", "CONTROL_RATE", "EVENT_LOG_TABLE", "JWKS_URL", "LEASE", "LOG_LEVEL", "MAX_CHANNELS", "MAX_LIFE",
		"SUBSCRIBERS_TABLE", "TICKET_SECRET", "TOKEN_AUDIENCE", "TOKEN_ISSUER", "TOKEN_KEYS", "TOKEN_SECRET",
	}, config.Names(config.LoadControl))
	require.Equal(t, []string{"EVENT_LOG_TABLE", "LOG_LEVEL"}, config.Names(config.LoadChanges))
	require.Equal(t, []string{"EVENT_LOG_TABLE", "LOG_LEVEL", "SUBSCRIBERS_TABLE"}, config.Names(config.LoadSweep))
}
