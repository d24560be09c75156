package bolt_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"

	"github.com/runnel-sse/runnel/pkg/bolt"
	"github.com/runnel-sse/runnel/pkg/eventlog"
	"github.com/runnel-sse/runnel/pkg/subscriber"
)

// TestRestart: epochs, ids, leases and subscribers are what they were.
func TestRestart(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "made", "runnel.db")
	connection := subscriber.Connection{ID: "c", Process: "p", Seats: []subscriber.Seat{{Channel: killed, Limit: 1}}}
	s, err := bolt.Open(path, bolt.Options{})
	require.NoError(t, err)
	before, err := s.Log().Append(t.Context(), killed, numbered(3))
	require.NoError(t, err)
	require.NoError(t, s.Registry().Renew(t.Context(), "p", time.Now().Add(time.Hour)))
	_, err = s.Registry().Join(t.Context(), connection, subscriber.Limits{})
	require.NoError(t, err)
	require.NoError(t, s.Close())

	s = open(t, path, bolt.Options{})
	after, err := s.Log().Append(t.Context(), killed, numbered(4))
	require.NoError(t, err)
	require.Equal(t, before, after[:3])
	require.Equal(t, eventlog.Position{Epoch: before[0].Epoch, Seq: 4}, after[3])
	n, err := s.Registry().Count(t.Context(), killed)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	connection.ID = "d"
	_, err = s.Registry().Join(t.Context(), connection, subscriber.Limits{})
	require.ErrorIs(t, err, subscriber.ErrFull)
}

func TestClosed(t *testing.T) {
	t.Parallel()
	s, err := bolt.Open(filepath.Join(t.TempDir(), "runnel.db"), bolt.Options{})
	require.NoError(t, err)
	require.NoError(t, s.Close())
	_, err = s.Log().Append(t.Context(), killed, numbered(1))
	require.ErrorIs(t, err, eventlog.ErrUnavailable)
	_, err = s.Log().Read(t.Context(), killed, eventlog.Position{}, 1)
	require.ErrorIs(t, err, eventlog.ErrUnavailable)
	_, err = s.Registry().Count(t.Context(), killed)
	require.ErrorIs(t, err, subscriber.ErrUnavailable)
}

func TestSecondProcess(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "runnel.db")
	open(t, path, bolt.Options{})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	child := exec.CommandContext(ctx, os.Args[0])
	child.Env = append(os.Environ(), childFile+"="+path)
	out, err := child.Output()
	require.NoError(t, err)
	require.Equal(t, "fault bolt: open "+path+": another process has this file open; stop it, or use another one\n", string(out))
}

// TestDamagedFile: whatever was done to the file, it is said; nothing panics,
// and no events are made up.
func TestDamagedFile(t *testing.T) {
	t.Parallel()
	whole := filepath.Join(t.TempDir(), "whole.db")
	s, err := bolt.Open(whole, bolt.Options{})
	require.NoError(t, err)
	for range 200 {
		_, err := s.Log().Append(t.Context(), killed, []eventlog.Event{{Type: "A", Data: []byte(strings.Repeat("0123456789abcdef", 50))}})
		require.NoError(t, err)
	}
	require.NoError(t, s.Close())
	good, err := os.ReadFile(whole)
	require.NoError(t, err)

	text := []byte(strings.Repeat("this is no database\n", 5000))
	zeroed := append(make([]byte, 16<<10), good[16<<10:]...)
	flipped := []byte(strings.ReplaceAll(string(good), "0123456789abcdef", "0123456789abcdeF"))
	for name, content := range map[string][]byte{
		"text":          text,
		"a short text":  text[:20],
		"a lost header": zeroed,
		"cut off":       good[:len(good)/2],
		"one page left": good[:4096],
		"other bytes":   flipped,
		"a zeroed end":  append(append([]byte{}, good[:32<<10]...), make([]byte, len(good)-32<<10)...),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "runnel.db")
			require.NoError(t, os.WriteFile(path, content, 0o600))
			require.ErrorIs(t, useAll(t, path), bolt.ErrDamaged)
		})
	}
	require.NoError(t, useAll(t, whole))
}

// useAll opens the file and reads all that is in it.
func useAll(t *testing.T, path string) error {
	s, err := bolt.Open(path, bolt.Options{})
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	if _, err := s.Log().Read(t.Context(), killed, eventlog.Position{}, 1000); err != nil {
		return err
	}
	_, err = s.Log().Append(t.Context(), killed, numbered(1))
	return err
}

func TestFileOfAnotherVersion(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "runnel.db")
	s, err := bolt.Open(path, bolt.Options{})
	require.NoError(t, err)
	require.NoError(t, s.Close())
	db, err := bbolt.Open(path, 0o600, nil)
	require.NoError(t, err)
	require.NoError(t, db.Update(func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte("about")).Put([]byte("version"), []byte("2"))
	}))
	require.NoError(t, db.Close())
	_, err = bolt.Open(path, bolt.Options{})
	require.ErrorContains(t, err, `version "2", this program knows 1`)
}

func TestPathThatCannotBe(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err := bolt.Open(filepath.Join(file, "runnel.db"), bolt.Options{})
	require.ErrorContains(t, err, "not a directory")
	require.NotErrorIs(t, err, bolt.ErrDamaged)
	_, err = bolt.Open(t.TempDir(), bolt.Options{})
	require.ErrorContains(t, err, "is a directory")
	require.NotErrorIs(t, err, bolt.ErrDamaged)
}
