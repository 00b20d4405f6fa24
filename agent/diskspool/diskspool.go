// Package diskspool stores an agent's sealed segments in a directory that several processes may
// share. Start with [Open].
//
// The directory has these files, which only its owner can read:
//
//	<birth>-<batch id>.open  a segment being written; its writer holds a lock on it
//	<birth>-<batch id>.seg   a finished segment, to the byte what is uploaded; birth is in Unix ms
//	<name>.state             a blob of state; a purge of the spool leaves notice.state
//	dir.lock, upload.lock    empty; held while the directory changes, and while a process uploads
//
// A process that dies leaves an .open file without a lock. The next List of any process truncates
// it to its whole frames and finishes it. Files with other names are left alone.
package diskspool

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// Options are the limits of a [Spool]. The zero value is right for applications. Processes that
// share a directory should use the same Options; each applies its own.
type Options struct {
	MaxBytes    int64         // total size of all segments; 0: 8 MiB; at least seal.MaxSegment
	MaxSegments int           // 0: 1024
	MaxAge      time.Duration // since a segment's birth; 0: 7 days
}

// The defaults of [Options].
const (
	DefaultMaxBytes    = 8 << 20
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

// Spool is an [agent.Spool] in a directory.
type Spool struct {
	dir string
	o   Options

	mu      sync.Mutex // one operation of this process at a time; guards the following fields
	root    *directory // nil: not open
	writers map[*writer]struct{}
	drops   map[string]uint64
	names   map[report.BatchID]string // file names of the segments that List returned; only a hint

	// births has the births of this process's own segments, with the monotonic reading that file
	// names lack. So segments do not expire when the wall clock is set, for example on a device
	// whose clock starts in the past.
	births map[report.BatchID]time.Time

	fails func(operation, name string) error // see directory
}

var _ agent.Spool = (*Spool)(nil)

// Open returns the spool in dir. A relative dir is relative to the present working directory, even
// if that changes later. Open touches no file: the directory is created, readable only by its
// owner, with the first segment. The error names all faults of o, or says that there is no working
// directory for a relative dir.
func Open(dir string, o Options) (*Spool, error) {
	if dir == "" {
		return nil, errors.New("diskspool: directory: is required")
	}
	if err := o.validate(); err != nil {
		return nil, errors.Join(errors.New("diskspool"), err)
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, errors.Join(errors.New("diskspool: directory"), err)
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = DefaultMaxBytes
	}
	if o.MaxSegments == 0 {
		o.MaxSegments = DefaultMaxSegments
	}
	if o.MaxAge == 0 {
		o.MaxAge = DefaultMaxAge
	}
	return &Spool{
		dir: dir, o: o,
		writers: make(map[*writer]struct{}),
		drops:   make(map[string]uint64),
		names:   make(map[report.BatchID]string),
		births:  make(map[report.BatchID]time.Time),
	}, nil
}

// TakeDrops implements [agent.Spool].
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

// Usage implements [agent.Spool].
func (s *Spool) Usage() (segments int, bytes int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	root, err := s.open(false)
	if err != nil {
		return 0, 0
	}
	files, err := scan(root)
	if err != nil {
		return 0, 0
	}
	return len(files), total(files)
}

// Purge implements [agent.Spool]. The directory itself stays, with a deletion notice and with files
// that are not the spool's.
func (s *Spool) Purge() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.drops)
	clear(s.names)
	clear(s.births)
	root, err := s.open(false)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if names, err := purged(root); err != nil || len(names) == 0 {
		return err
	}
	return s.locked(root, func() error {
		names, err := purged(root)
		if err != nil {
			return err
		}
		for w := range s.writers {
			w.abandon() // because some systems delete no open files
		}
		return errors.Join(root.discardAll(names), syncDir(root))
	})
}

// Close implements [agent.Spool].
func (s *Spool) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for w := range s.writers {
		w.abandon()
	}
	if s.root == nil {
		return nil
	}
	err := s.root.Close()
	s.root = nil
	return err
}
