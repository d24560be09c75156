package obs_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/runnel-sse/runnel/pkg/channel"
	"github.com/runnel-sse/runnel/pkg/obs"
)

func TestTheContextIsInEveryLineAlsoAfterWith(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := obs.NewLogger(&out, slog.LevelInfo)
	ctx := obs.With(t.Context(), obs.Connection("c1"))
	ctx = obs.With(ctx, obs.Channel(channel.MustParse("CommentStream:item:42")))

	log.With(obs.Program("stream")).LogAttrs(ctx, slog.LevelWarn, "gateway: read failed", obs.Err(errors.New("no answer")))

	var line map[string]any
	require.NoError(t, json.Unmarshal(out.Bytes(), &line))
	delete(line, "time")
	require.Equal(t, map[string]any{
		"level": "WARN", "msg": "gateway: read failed", "program": "stream",
		"connection": "c1", "channel": "CommentStream:item:42", "err": "no answer",
	}, line)
}

func TestTheContextIsInALineAfterWithGroup(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := obs.NewLogger(&out, slog.LevelInfo).WithGroup("g")
	log.InfoContext(obs.With(t.Context(), obs.Connection("c1")), "hello")
	require.Contains(t, out.String(), `"g":{"connection":"c1"}`)
}

func TestTwoContextsOfOneParentKeepApart(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := obs.NewLogger(&out, slog.LevelInfo)
	parent := obs.With(t.Context(), obs.Program("stream"), obs.Process("p"), obs.Request("r"))
	one, two := obs.With(parent, obs.Connection("one")), obs.With(parent, obs.Connection("two"))
	log.InfoContext(one, "1")
	require.Contains(t, out.String(), `"connection":"one"`)
	out.Reset()
	log.InfoContext(two, "2")
	require.Contains(t, out.String(), `"connection":"two"`)
	require.NotContains(t, out.String(), "one")
}

func TestLevel(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	obs.NewLogger(&out, slog.LevelWarn).Info("quiet")
	require.Empty(t, out.String())
}

// emfLine is what CloudWatch reads of a line.
type emfLine struct {
	AWS struct {
		Timestamp         int64
		CloudWatchMetrics []struct {
			Namespace  string
			Dimensions [][]string
			Metrics    []struct{ Name, Unit string }
		}
	} `json:"_aws"`
	Program           string    `json:"program"`
	ConnectionsOpened int       `json:"ConnectionsOpened"`
	ConnectionsOpen   float64   `json:"ConnectionsOpen"`
	IngestSeconds     []float64 `json:"IngestSeconds"`
}

func TestEMFGathersIntoOneLine(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	m := obs.NewEMF(&out, "stream", func() time.Time { return time.UnixMilli(1763900000123) })
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() { m.Add(obs.ConnectionsOpened, 2) })
	}
	all.Wait()
	m.Observe(obs.IngestSeconds, 0.5)
	m.Observe(obs.IngestSeconds, 1.5)
	m.Set(obs.ConnectionsOpen, 3)
	m.Set(obs.ConnectionsOpen, 7)
	m.Flush()

	var line emfLine
	require.NoError(t, json.Unmarshal(out.Bytes(), &line))
	require.Equal(t, int64(1763900000123), line.AWS.Timestamp)
	require.Equal(t, "stream", line.Program)
	require.Equal(t, 16, line.ConnectionsOpened)
	require.InDelta(t, 7, line.ConnectionsOpen, 0)
	require.Equal(t, []float64{0.5, 1.5}, line.IngestSeconds)
	require.Len(t, line.AWS.CloudWatchMetrics, 1)
	require.Equal(t, [][]string{{"program"}}, line.AWS.CloudWatchMetrics[0].Dimensions)
	require.Equal(t, []struct{ Name, Unit string }{
		{"ConnectionsOpen", "Count"}, {"ConnectionsOpened", "Count"}, {"IngestSeconds", "Seconds"},
	}, line.AWS.CloudWatchMetrics[0].Metrics)
}

func TestEMFForgetsWhatItWroteButForGauges(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	m := obs.NewEMF(&out, "stream", time.Now)
	m.Flush()
	require.Empty(t, out.String(), "nothing gathered, nothing written")
	m.Add(obs.ConnectionsOpened, 1)
	m.Set(obs.ConnectionsOpen, 1)
	m.Flush()
	out.Reset()
	m.Flush()
	require.NotContains(t, out.String(), "ConnectionsOpened")
	require.Contains(t, out.String(), `"ConnectionsOpen":1`)
}

func TestEMFNeverPutsMoreThanAHundredValuesInALine(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	m := obs.NewEMF(&out, "ingest", time.Now)
	for range 250 {
		m.Observe(obs.IngestSeconds, 1)
	}
	m.Flush()
	total := 0
	for text := range bytes.SplitSeq(bytes.TrimSpace(out.Bytes()), []byte("\n")) {
		var line emfLine
		require.NoError(t, json.Unmarshal(text, &line))
		require.LessOrEqual(t, len(line.IngestSeconds), 100)
		total += len(line.IngestSeconds)
	}
	require.Equal(t, 250, total)
}

func TestEMFRunFlushesEveryPeriodAndAtTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		m := obs.NewEMF(&out, "stream", time.Now)
		ctx, stop := context.WithCancel(t.Context())
		var done sync.WaitGroup
		done.Go(func() { m.Run(ctx, time.Minute) })
		m.Add(obs.ConnectionsOpened, 1)
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Contains(t, out.String(), `"ConnectionsOpened":1`)
		out.Reset()
		m.Add(obs.ConnectionsOpened, 5)
		stop()
		done.Wait()
		require.Contains(t, out.String(), `"ConnectionsOpened":5`)
	})
}

func TestEveryMetricHasAUnit(t *testing.T) {
	t.Parallel()
	for _, metric := range []obs.Metric{
		obs.ConnectionsOpened, obs.ConnectionSeconds, obs.ConnectionsOpen, obs.EventsIngested,
		obs.EventsFailed, obs.IngestSeconds, obs.SubscribersReaped, obs.Panics,
	} {
		var out bytes.Buffer
		m := obs.NewEMF(&out, "stream", time.Now)
		m.Set(metric, 1)
		m.Flush()
		require.Contains(t, out.String(), `{"Name":"`+string(metric)+`","Unit":"`)
	}
}
