package bolt

import (
	"context"
	"slices"

	"go.etcd.io/bbolt"
)

// write is one caller's change. Many of them share one transaction, and with it
// the one wait for the disk that makes them durable.
type write struct {
	// apply makes the change. It must give the same when it is called again:
	// the transaction begins anew without a write that failed.
	apply func(tx *bbolt.Tx) error
	err   error
	done  chan struct{} // closed when err is the outcome
}

// write returns when the change is on the disk. There is no goroutine for it:
// of those who wait, one commits for all.
func (s *Store) write(ctx context.Context, apply func(tx *bbolt.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	w := &write{apply: apply, done: make(chan struct{})}
	s.mu.Lock()
	s.waiting = append(s.waiting, w)
	s.mu.Unlock()
	select {
	case <-w.done:
	case s.turn <- struct{}{}:
		s.commit(s.take())
		<-s.turn
	case <-ctx.Done():
		if s.withdraw(w) {
			return ctx.Err()
		}
	}
	<-w.done // whoever took it is about to say
	return w.err
}

func (s *Store) take() []*write {
	s.mu.Lock()
	defer s.mu.Unlock()
	taken := s.waiting
	s.waiting = nil
	return taken
}

// withdraw reports whether the write was still waiting, and is no more.
func (s *Store) withdraw(w *write) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.Index(s.waiting, w)
	if i < 0 {
		return false
	}
	s.waiting = slices.Delete(s.waiting, i, i+1)
	return true
}

// commit makes the changes in one transaction, in their order. One that fails
// is taken out, and the rest begins anew.
func (s *Store) commit(all []*write) {
	for len(all) > 0 {
		failed := -1
		err := guard(func() error {
			return s.db.Update(func(tx *bbolt.Tx) error {
				for i, w := range all {
					if err := guard(func() error { return w.apply(tx) }); err != nil {
						failed = i
						return err
					}
				}
				return nil
			})
		})
		if err != nil && failed >= 0 {
			all[failed].end(err)
			all = slices.Delete(all, failed, failed+1)
			continue
		}
		for _, w := range all {
			w.end(err)
		}
		return
	}
}

func (w *write) end(err error) {
	w.err = err
	close(w.done)
}
