package idbspool

import (
	"errors"
	"sync"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// Options are the limits of a spool. The zero value is suitable for pages. Tabs that share a
// database should use the same options; each applies its own.
type Options struct {
	MaxBytes    int64         // of all segments together; at least seal.MaxSegment; 0 means 4 MiB
	MaxSegments int           // 0 means 1024
	MaxAge      time.Duration // from the creation of a segment; 0 means 7 days
}

// Defaults of Options.
const (
	DefaultMaxBytes    = 4 << 20
	DefaultMaxSegments = 1024
	DefaultMaxAge      = 7 * 24 * time.Hour
)

func (o *Options) validate() error {
	var faults []error
	if o.MaxBytes != 0 && o.MaxBytes < seal.MaxSegment {
		faults = append(faults, errors.New("MaxBytes: must be at least 262144, which one segment may take"))
	}
	if o.MaxSegments < 0 {
		faults = append(faults, errors.New("MaxSegments: must not be negative"))
	}
	if o.MaxAge < 0 {
		faults = append(faults, errors.New("MaxAge: must not be negative"))
	}
	return errors.Join(faults...)
}

func (o Options) withDefaults() Options {
	if o.MaxBytes == 0 {
		o.MaxBytes = DefaultMaxBytes
	}
	if o.MaxSegments == 0 {
		o.MaxSegments = DefaultMaxSegments
	}
	if o.MaxAge == 0 {
		o.MaxAge = DefaultMaxAge
	}
	return o
}

// Spool is an agent.Spool in an IndexedDB database. Make one with [Open].
type Spool struct {
	o Options

	mu      sync.Mutex // one operation at a time; guards the fields below
	db      database
	writers map[report.BatchID]*writer // writers that have appended something and are not closed
	drops   map[string]uint64
	// when segments were last dropped because of the browser's quota without success
	inVain time.Time
	// closes the database after it has not been used for a while; nil if not set
	closing *time.Timer
}

var _ agent.Spool = (*Spool)(nil)

// newSpool returns a spool in db.
func newSpool(db database, o Options) (*Spool, error) {
	if err := o.validate(); err != nil {
		return nil, errors.Join(errors.New("idbspool"), err)
	}
	return &Spool{
		o: o.withDefaults(), db: db,
		writers: make(map[report.BatchID]*writer),
		drops:   make(map[string]uint64),
	}, nil
}

// Persistent reports whether the spool outlives the page, as far as is known yet.
func (s *Spool) Persistent() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, inMemory := s.db.(*memory)
	return !inMemory
}

// idleTime is how long an unused database stays open. An open database can keep a page out of the
// back/forward cache, and prevent others from deleting the database.
const idleTime = 3 * time.Second

// read runs f in a transaction that changes nothing. The caller holds mu.
func (s *Spool) read(f func(t transaction) error) error {
	return s.run(func(db database) error { return db.read(f) })
}

// write runs f in a transaction. With create, it creates the database if necessary. The caller
// must hold mu.
func (s *Spool) write(create bool, f func(t transaction) error) error {
	return s.run(func(db database) error { return db.write(create, f) })
}

func (s *Spool) run(f func(db database) error) error {
	if s.closing != nil {
		s.closing.Stop()
	}
	defer s.closeLater()
	err := f(s.db)
	if errors.Is(err, errUnavailable) {
		s.db = newMemory()
		err = f(s.db)
	}
	return err
}

func (s *Spool) closeLater() {
	if s.closing != nil {
		s.closing.Reset(idleTime)
		return
	}
	s.closing = time.AfterFunc(idleTime, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.db.close()
	})
}

// TakeDrops implements agent.Spool.
func (s *Spool) TakeDrops() []report.Drop {
	s.mu.Lock()
	defer s.mu.Unlock()
	var drops []report.Drop
	for reason, n := range s.drops {
		drops = append(drops, report.Drop{Reason: reason, Count: n})
	}
	clear(s.drops)
	return drops
}

// Usage implements agent.Spool.
func (s *Spool) Usage() (segments int, bytes int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	rows, err := s.rows()
	if err != nil {
		return 0, 0
	}
	return len(rows), total(rows)
}

// Purge implements agent.Spool. If not even a deletion notice remains, it deletes the database.
func (s *Spool) Purge() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.drops)
	clear(s.writers)
	empty := false
	err := s.write(false, func(t transaction) error {
		notice, err := t.state(agent.StateNotice)
		if err != nil {
			return err
		}
		t.clear()
		if empty = len(notice) == 0; !empty {
			t.putState(agent.StateNotice, notice)
		}
		return nil
	})
	switch {
	case errors.Is(err, errAbsent):
		return nil
	case err == nil && empty:
		s.db.delete() // if this fails, no data remains, because the database is empty
	}
	return err
}

// Close implements agent.Spool. It finishes the segments that are being written.
func (s *Spool) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.finishWriters()
	if s.closing != nil {
		s.closing.Stop()
	}
	s.db.close()
	return err
}
