package memory_test

import (
	"testing"

	"github.com/runnel-sse/runnel/pkg/eventlog"
	"github.com/runnel-sse/runnel/pkg/eventlog/logtest"
	"github.com/runnel-sse/runnel/pkg/memory"
)

func TestLog(t *testing.T) {
	t.Parallel()
	logtest.Run(t, func(_ *testing.T, o logtest.Options) eventlog.Log {
		return memory.NewLog(memory.LogOptions{Now: o.Now, Retention: o.Retention})
	})
}
