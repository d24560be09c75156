package bolt_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/bolt"
	"github.com/runnel-sse/runnel/pkg/eventlog"
	"github.com/runnel-sse/runnel/pkg/eventlog/logtest"
	"github.com/runnel-sse/runnel/pkg/memory"
	"github.com/runnel-sse/runnel/pkg/subscriber"
	"github.com/runnel-sse/runnel/pkg/subscriber/subscribertest"
)

func TestLog(t *testing.T) {
	t.Parallel()
	logtest.Run(t, func(t *testing.T, o logtest.Options) eventlog.Log {
		return open(t, filepath.Join(t.TempDir(), "runnel.db"), bolt.Options{Now: o.Now, Retention: o.Retention}).Log()
	})
}

func TestRegistry(t *testing.T) {
	t.Parallel()
	subscribertest.Run(t, func(t *testing.T, o subscribertest.Options) subscribertest.Storage {
		s := open(t, filepath.Join(t.TempDir(), "runnel.db"), bolt.Options{Now: o.Now})
		return subscribertest.Storage{Registry: func(f subscribertest.Faults) subscriber.Storage {
			return memory.MisbehaveRegistry(s.Registry(), memory.Faults{Seed: f.Seed, Throttled: f.Throttled, LostAnswer: f.LostAnswer})
		}}
	})
}

func open(t testing.TB, path string, o bolt.Options) *bolt.Store {
	t.Helper()
	s, err := bolt.Open(path, o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}
