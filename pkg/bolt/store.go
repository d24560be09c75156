// Package bolt is the log and the registry in one file on disk
// (go.etcd.io/bbolt), for `runnel dev --data` and for a single box. What it has
// acknowledged survives kill -9 and a loss of power.
//
// One process owns the file: it is no way to share a log between machines.
// Nothing is removed by itself: the owner calls Trim from time to time. The
// file does not shrink then, but its pages are used again.
package bolt

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

var (
	// ErrLocked: another process has the file open.
	ErrLocked = errors.New("another process has this file open; stop it, or use another one")
	// ErrDamaged: the file is not what this package wrote.
	ErrDamaged = errors.New("the file is damaged; put back a copy, or move it away to begin anew")
)

// lockTimeout is how long Open waits for another process to let go of the
// file: long enough for a restart, short enough for a person.
const lockTimeout = time.Second

// The buckets of the file. Between the parts of a key stands a NUL, which no
// part can hold, so a name is never taken for a longer one.
var (
	aboutBucket   = []byte("about")   // "version": what wrote the file
	headsBucket   = []byte("heads")   // channel: head
	batchesBucket = []byte("batches") // channel, sequence number of the last event: package batch
	idsBucket     = []byte("ids")     // channel, event id: sequence number, time
	forgetBucket  = []byte("forget")  // time, channel, event id: nothing

	connectionsBucket = []byte("connections") // connection: all of it
	placesBucket      = []byte("places")      // whose, connection: nothing
	talliesBucket     = []byte("tallies")     // whose: how many places
	leasesBucket      = []byte("leases")      // process: until when
	visitsBucket      = []byte("visits")      // channel, user: visit
	newsBucket        = []byte("news")        // due, id: news
	blocksBucket      = []byte("blocks")      // whose: until when
	connectsBucket    = []byte("connects")    // address: second, how many
	onceBucket        = []byte("once")        // id: until when
	budgetBucket      = []byte("budget")      // stream, month: seconds
)

const fileVersion = "1"

// Options are the settings of a store. The zero value keeps every event.
type Options struct {
	// Now is the clock; nil: time.Now.
	Now func() time.Time
	// Retention is how long a stream's events are kept; nil or 0: for ever.
	Retention func(stream string) time.Duration
}

// Store is one open file.
type Store struct {
	db *bbolt.DB
	o  Options

	turn    chan struct{} // held by the writer that commits for all who wait
	mu      sync.Mutex
	waiting []*write // guarded by mu
}

// Open opens the file, made when it is not there, with its folder. It fails
// with ErrLocked, ErrDamaged or an error of the file system.
func Open(path string, o Options) (*Store, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Retention == nil {
		o.Retention = func(string) time.Duration { return 0 }
	}
	s := &Store{o: o, turn: make(chan struct{}, 1)}
	if err := guard(func() error { return s.open(path) }); err != nil {
		return nil, fmt.Errorf("bolt: open %s: %w", path, err)
	}
	return s, nil
}

func (s *Store) open(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{
		Timeout:      lockTimeout,
		FreelistType: bbolt.FreelistMapType, // the array one slows down as the file grows
		NoStatistics: true,
	})
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return ErrLocked
	case errors.Is(err, os.ErrPermission), errors.Is(err, os.ErrNotExist):
		return err
	case err != nil:
		var path *os.PathError
		if errors.As(err, &path) {
			return err
		}
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if err := guard(func() error { return prepare(db) }); err != nil {
		return errors.Join(err, db.Close())
	}
	s.db = db
	return nil
}

// prepare makes what a new file lacks, and looks whether an old one is ours
// and whole.
func prepare(db *bbolt.DB) error {
	return db.Update(func(tx *bbolt.Tx) error {
		// Pages beyond the end of a file that was cut off are a fault when
		// they are looked at, which may be much later.
		if stat, err := os.Stat(db.Path()); err != nil || stat.Size() < tx.Size() {
			return fmt.Errorf("%w: it was cut off", ErrDamaged)
		}
		for _, name := range [][]byte{
			aboutBucket, headsBucket, batchesBucket, idsBucket, forgetBucket,
			connectionsBucket, placesBucket, talliesBucket, leasesBucket, visitsBucket, newsBucket,
			blocksBucket, connectsBucket, onceBucket, budgetBucket,
		} {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return err
			}
		}
		about := tx.Bucket(aboutBucket)
		switch v := string(about.Get([]byte("version"))); v {
		case "":
			return about.Put([]byte("version"), []byte(fileVersion))
		case fileVersion:
			return nil
		default:
			return fmt.Errorf("the file is of version %q, this program knows %s: use the program that wrote it", v, fileVersion)
		}
	})
}

// Close ends the store. Calls after it fail.
func (s *Store) Close() error {
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("bolt: close: %w", err)
	}
	return nil
}

func (s *Store) view(read func(tx *bbolt.Tx) error) error {
	return guard(func() error { return s.db.View(read) })
}

// guard turns the panics of bbolt, which trusts its file, into ErrDamaged.
// Faults of the memory map are among them: a file may be cut off under us.
func guard(do func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("%w: %v", ErrDamaged, fault)
		}
	}()
	return do()
}
