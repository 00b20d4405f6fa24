package nettable

import (
	"bufio"
	"context"
	"fmt"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Files names the files that a [Live] uses.
type Files struct {
	Networks  string // a table as Load reads it, or a MaxMind database
	Countries string // a MaxMind database whose countries override those of Networks; may be empty
	Fields    Fields // of databases
}

// finder is a Table or a Database.
type finder interface {
	Len() int // ranges
	Lookup(netip.Addr) (asn uint32, country string)
	Name(asn uint32) string
}

// loaded is the loaded content of the files.
type loaded struct {
	files     Files
	networks  finder
	countries finder // nil if there is none
	stamps    [2]stamp
}

// stamp identifies one version of a file.
type stamp struct {
	size     int64
	modified time.Time
}

// Live looks up addresses in files that may be replaced while it is used. Make one with [Open]. It
// is safe for concurrent use.
type Live struct {
	loading sync.Mutex // held while files are loaded
	now     atomic.Pointer[loaded]
}

// Open loads the files. It refuses files without networks.
func Open(f Files) (*Live, error) {
	l := new(Live)
	return l, l.Load(f)
}

// Load loads files, which may be others than before or the same again. With an error, what was
// loaded before stays in use. It
// refuses files that have less than a tenth of the networks in use.
func (l *Live) Load(f Files) error {
	l.loading.Lock()
	defer l.loading.Unlock()
	return l.load(f)
}

// again loads the files in use again.
func (l *Live) again() error {
	l.loading.Lock()
	defer l.loading.Unlock()
	return l.load(l.now.Load().files)
}

// leastPart is the part of the ranges in use that a file which replaces them must have. A download
// that broke off, or a job that wrote nothing, leaves less.
const leastPart = 10

// acceptable returns an error if a file has no ranges, or too few beside the one in use.
func acceptable(path string, next, used finder) error {
	switch {
	case next.Len() == 0:
		return fmt.Errorf("%s: it has no networks: was it emptied?", path)
	case used != nil && next.Len() < used.Len()/leastPart:
		return fmt.Errorf("%s: it has %d networks, the one in use has %d: was it cut off? If it is right, restart", path, next.Len(), used.Len())
	}
	return nil
}

// load loads files. The caller must hold loading.
func (l *Live) load(f Files) error {
	used := l.now.Load()
	if used == nil {
		used = new(loaded)
	}
	next := &loaded{files: f, stamps: f.stamps()}
	var err error
	if next.networks, err = openFile(f.Networks, f.Fields); err != nil {
		return err
	}
	if err := acceptable(f.Networks, next.networks, used.networks); err != nil {
		return err
	}
	if f.Countries != "" {
		if next.countries, err = openFile(f.Countries, f.Fields); err != nil {
			return err
		}
		if err := acceptable(f.Countries, next.countries, used.countries); err != nil {
			return err
		}
	}
	l.now.Store(next)
	return nil
}

// Modified returns the modification time of the file of networks in use.
func (l *Live) Modified() time.Time { return l.now.Load().stamps[0].modified }

// openFile opens a table or a database. It tells them apart by their content: a table is text.
func openFile(path string, fields Fields) (finder, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r := bufio.NewReader(f)
	head, _ := r.Peek(64)
	var table finder
	if isText(head) {
		table, err = Load(r)
	} else {
		table, err = readDatabase(r, fields)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return table, nil
}

// isText reports whether b has no control characters except tabs and line ends. The search tree of
// a database starts with others.
func isText(b []byte) bool {
	for _, c := range b {
		if c < ' ' && c != '\t' && c != '\n' && c != '\r' {
			return false
		}
	}
	return true
}

func (f *Files) stamps() (s [2]stamp) {
	for i, path := range []string{f.Networks, f.Countries} {
		if info, err := os.Stat(path); err == nil {
			s[i] = stamp{info.Size(), info.ModTime()}
		}
	}
	return s
}

// Watch checks the files every so often, and reloads them if they have changed, until ctx ends. It
// calls tell after every attempt. It tries a file that cannot be loaded again only when it has
// changed again.
func (l *Live) Watch(ctx context.Context, every time.Duration, tell func(error)) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	failed := [2]stamp{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		used := l.now.Load()
		if now := used.files.stamps(); now != used.stamps && now != failed {
			err := l.again()
			if failed = [2]stamp{}; err != nil {
				failed = now
			}
			tell(err)
		}
	}
}

// Lookup is like [Table.Lookup].
func (l *Live) Lookup(addr netip.Addr) (asn uint32, country string) {
	now := l.now.Load()
	asn, country = now.networks.Lookup(addr)
	if now.countries != nil {
		if _, better := now.countries.Lookup(addr); better != unknownCountry {
			country = better
		}
	}
	return asn, country
}

// Name is like [Table.Name].
func (l *Live) Name(asn uint32) string { return l.now.Load().networks.Name(asn) }
