package history

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/heliograph-net/heliograph/heatmap"
)

// Defaults of Options.
const (
	DefaultKeep      = 31 * 24 * time.Hour
	DefaultKeyFrames = 60
)

// Options configures a [Log].
type Options struct {
	Dir string // required; made if it is missing
	// how long frames are kept, in whole days; 0 means DefaultKeep. A Log that only reads deletes
	// nothing
	Keep time.Duration
	// frames from one key frame to the next; 0 means DefaultKeyFrames. More make files smaller
	// and frames slower to find
	KeyFrames int
}

// Log is a history. It is safe for concurrent use, but only one Log may write to a directory, of
// one process.
type Log struct {
	keep      time.Duration
	keyFrames int
	root      *os.Root

	mu            sync.Mutex // guards what follows
	closed        map[string][]entry
	whole, change cached // the last ones that were read or written
	writing       writing
}

// writing is the file that frames are appended to.
type writing struct {
	file     *os.File // nil before the first frame
	day      string
	size     int64
	entries  []entry
	topology *heatmap.Topology // of the last frame
	whole    *heatmap.Topology // the last that was written as a whole
	wholeLen int               // bytes of its payload
	last     frame             // the last frame
	since    int               // frames since the key frame
}

// Open returns the history in a directory.
func Open(o Options) (*Log, error) {
	if o.Keep == 0 {
		o.Keep = DefaultKeep
	}
	if o.KeyFrames == 0 {
		o.KeyFrames = DefaultKeyFrames
	}
	if o.Keep < 0 || o.KeyFrames < 0 {
		return nil, fmt.Errorf("open a heat map's history: Keep %v and KeyFrames %d must not be negative", o.Keep, o.KeyFrames)
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("open a heat map's history: %w", err)
	}
	root, err := os.OpenRoot(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("open a heat map's history: %w", err)
	}
	return &Log{keep: o.Keep, keyFrames: o.KeyFrames, root: root, closed: map[string][]entry{}}, nil
}

// Close closes the files.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	err := l.root.Close()
	if l.writing.file != nil {
		err = errors.Join(err, l.writing.file.Close())
		l.writing = writing{}
	}
	return err
}

const (
	dayFormat = "2006-01-02"
	suffix    = ".heat"
)

// Append adds the state at a time, which must not be before that of the previous frame. Snapshots
// of the same topology must share its pointer, as those of a [heatmap.Map] do. s must have a
// topology. When Append returns, the operating system has the frame; a crash of the machine may
// lose it.
func (l *Log) Append(at time.Time, s heatmap.Snapshot) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.append(at.UTC(), s); err != nil {
		return fmt.Errorf("append to a heat map's history: %w", err)
	}
	return nil
}

func (l *Log) append(at time.Time, s heatmap.Snapshot) error {
	if s.Topology == nil || s.Up == nil || s.Topology.Len() != s.Up.Len() {
		return errors.New("a snapshot without a topology of its servers")
	}
	next, err := frameOf(s)
	if err != nil {
		return err
	}
	if err := l.turn(at.Format(dayFormat)); err != nil {
		return err
	}
	w := &l.writing
	if n := len(w.entries); n > 0 && at.UnixMilli() < w.entries[n-1].at {
		return fmt.Errorf("a frame of %v after one of %v", at, time.UnixMilli(w.entries[n-1].at).UTC())
	}
	records := w.change(at, s.Topology, &l.whole)
	if len(records) > 0 || w.since+1 >= l.keyFrames {
		records = appendRecord(records, keyRecord, at, next.encode())
		w.since = 0
	} else {
		if err := w.last.xor(next); err != nil { // w.last is not used any more
			return err
		}
		records = appendRecord(records, deltaRecord, at, w.last.encode())
		w.since++
	}
	w.topology, w.last = s.Topology, next
	return w.write(records)
}

// change returns the record of a topology, or nothing if it is that of the last frame. The record
// refers to the last whole topology as long as that makes it much shorter. So any topology can be
// read from two records. What is written as a whole becomes known, so that readers need not decode
// it.
func (w *writing) change(at time.Time, t *heatmap.Topology, known *cached) []byte {
	switch {
	case w.topology == t:
		return nil
	case w.topology != nil:
		if payload := encodeTopology(t, w.whole); len(payload) < w.wholeLen/4 {
			return appendRecord(nil, changeRecord, at, payload)
		}
	}
	payload := encodeTopology(t, nil)
	w.whole, w.wholeLen, *known = t, len(payload), cached{payload: payload, topology: t}
	return appendRecord(nil, topologyRecord, at, payload)
}

// turn opens the file of a day. If it changes the file, the next frame is a key frame.
func (l *Log) turn(day string) error {
	w := &l.writing
	if w.file != nil && w.day == day {
		return nil
	}
	if w.file != nil && day < w.day {
		return fmt.Errorf("a frame of %s after one of %s", day, w.day)
	}
	f, err := l.root.OpenFile(day+suffix, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	next := writing{file: f, day: day}
	if err := next.resume(); err != nil {
		return errors.Join(fmt.Errorf("%s: %w", day+suffix, err), f.Close())
	}
	if w.file != nil {
		if err := w.file.Close(); err != nil {
			return errors.Join(err, f.Close())
		}
	}
	l.writing = next
	delete(l.closed, day)
	return l.prune(day)
}

// resume finds the end of the file and cuts off a torn record.
func (w *writing) resume() error {
	info, err := w.file.Stat()
	if err != nil {
		return err
	}
	if info.Size() < int64(len(magic)) { // new, or torn within the magic
		w.size = int64(len(magic))
		_, err = w.file.WriteAt([]byte(magic), 0)
		return err
	}
	if w.entries, w.size, err = index(w.file, info.Size()); err != nil {
		return err
	}
	return w.file.Truncate(w.size)
}

// write appends whole records to the file.
func (w *writing) write(records []byte) error {
	if _, err := w.file.WriteAt(records, w.size); err != nil {
		w.topology = nil // so that the next frame does not need this one
		return err
	}
	whole := append([]byte(magic), records...)
	entries, _, err := index(bytes.NewReader(whole), int64(len(whole)))
	if err != nil {
		return err
	}
	for _, e := range entries {
		e.offset += w.size - int64(len(magic))
		w.entries = append(w.entries, e)
	}
	w.size += int64(len(records))
	return nil
}

// days returns the days that have a file, in order.
func (l *Log) days() ([]string, error) {
	names, err := fs.Glob(l.root.FS(), "????-??-??"+suffix)
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	for i := range names {
		names[i] = strings.TrimSuffix(names[i], suffix)
	}
	return names, nil
}

// prune deletes the files of days that are too old on a day.
func (l *Log) prune(today string) error {
	now, err := time.Parse(dayFormat, today)
	if err != nil {
		return err
	}
	oldest := now.Add(-l.keep).Format(dayFormat)
	days, err := l.days()
	for _, day := range days {
		if day < oldest {
			err = errors.Join(err, l.root.Remove(day+suffix))
			delete(l.closed, day)
		}
	}
	return err
}

// file returns a reader of a day's file and its records. The caller must call done.
func (l *Log) file(day string) (r io.ReaderAt, entries []entry, done func(), err error) {
	if l.writing.file != nil && l.writing.day == day {
		return l.writing.file, l.writing.entries, func() {}, nil
	}
	f, err := l.root.Open(day + suffix)
	if err != nil {
		return nil, nil, nil, err
	}
	done = func() { _ = f.Close() } // only read
	if entries, known := l.closed[day]; known {
		return f, entries, done, nil
	}
	info, err := f.Stat()
	if err == nil {
		entries, _, err = index(f, info.Size())
	}
	if err != nil {
		done()
		return nil, nil, nil, fmt.Errorf("%s: %w", day+suffix, err)
	}
	if l.writing.file != nil { // else another process may be writing to it
		l.closed[day] = entries
	}
	return f, entries, done, nil
}
