package history

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/heatmap"
)

// ErrNoFrame is returned, wrapped, for a time before the first frame.
var ErrNoFrame = errors.New("no frame that old")

// cached is a decoded topology and what it was decoded from.
type cached struct {
	payload  []byte
	before   *heatmap.Topology
	topology *heatmap.Topology
}

// At returns the map at a time: the last frame that is not later. The snapshot's Changed is the
// time of that frame. The error wraps [ErrNoFrame] or [ErrCorrupt] if there is none. Snapshots of
// one topology share its pointer as long as they are asked for one after another.
func (l *Log) At(at time.Time) (heatmap.Snapshot, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s, err := l.at(at.UTC())
	if err != nil {
		return s, fmt.Errorf("heat map at %s: %w", at.UTC().Format(time.RFC3339), err)
	}
	return s, nil
}

func (l *Log) at(at time.Time) (heatmap.Snapshot, error) {
	days, err := l.days()
	if err != nil {
		return heatmap.Snapshot{}, err
	}
	last, _ := slices.BinarySearch(days, at.Format(dayFormat)+"~") // after that day
	for _, day := range slices.Backward(days[:last]) {
		s, found, err := l.on(day, at)
		if found || err != nil {
			return s, err
		}
	}
	return heatmap.Snapshot{}, ErrNoFrame
}

// on returns the last frame of a day not after a time.
func (l *Log) on(day string, at time.Time) (s heatmap.Snapshot, found bool, err error) {
	r, entries, done, err := l.file(day)
	if err != nil {
		return s, false, err
	}
	defer done()
	n, _ := slices.BinarySearchFunc(entries, at.UnixMilli()+1, func(e entry, ms int64) int { return cmp.Compare(e.at, ms) })
	for n > 0 && entries[n-1].kind < keyRecord {
		n-- // a topology whose key frame was never written
	}
	if n == 0 {
		return s, false, nil
	}
	t, err := l.topologyBefore(r, entries, n-1)
	if err == nil {
		s, err = frameAt(r, entries[:n], t.Len())
	}
	if err != nil {
		return s, false, fmt.Errorf("%s: %w", day+suffix, err)
	}
	s.Topology, s.Changed = t, time.UnixMilli(entries[n-1].at).UTC()
	return s, true, nil
}

// frameAt returns the frame of the last of the entries, without its topology.
func frameAt(r io.ReaderAt, entries []entry, servers int) (heatmap.Snapshot, error) {
	key := len(entries) - 1
	for entries[key].kind != keyRecord {
		if key == 0 || entries[key].kind != deltaRecord {
			return heatmap.Snapshot{}, fmt.Errorf("a frame without a key frame: %w", ErrCorrupt)
		}
		key--
	}
	f, err := newFrame(servers)
	if err != nil {
		return heatmap.Snapshot{}, err
	}
	for _, e := range entries[key:] {
		payload, err := e.read(r)
		if err != nil {
			return heatmap.Snapshot{}, err
		}
		next, err := decodeFrame(payload, servers)
		if err != nil {
			return heatmap.Snapshot{}, err
		}
		if err := f.xor(next); err != nil {
			return heatmap.Snapshot{}, err
		}
	}
	return f.snapshot()
}

// topologyBefore returns the topology of the frame that is entry n.
func (l *Log) topologyBefore(r io.ReaderAt, entries []entry, n int) (*heatmap.Topology, error) {
	last := n
	for entries[last].kind >= keyRecord {
		if last == 0 {
			return nil, fmt.Errorf("a frame without a topology: %w", ErrCorrupt)
		}
		last--
	}
	whole := last
	for whole >= 0 && entries[whole].kind != topologyRecord {
		whole--
	}
	if whole < 0 {
		return nil, fmt.Errorf("a topology that refers to none: %w", ErrCorrupt)
	}
	t, err := l.whole.read(r, entries[whole], nil)
	if err == nil && whole != last {
		t, err = l.change.read(r, entries[last], t)
	}
	return t, err
}

// read returns the topology of a record. If the same topology was decoded last, as is usual from
// one day to the next, it is not decoded again.
func (c *cached) read(r io.ReaderAt, e entry, before *heatmap.Topology) (*heatmap.Topology, error) {
	payload, err := e.read(r)
	if err != nil {
		return nil, err
	}
	if c.topology != nil && c.before == before && bytes.Equal(c.payload, payload) {
		return c.topology, nil
	}
	t, err := decodeTopology(payload, before)
	if err == nil {
		*c = cached{payload, before, t}
	}
	return t, err
}

// Bounds returns the times of the first and the last frame. ok is false if there is none.
func (l *Log) Bounds() (first, last time.Time, ok bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	days, err := l.days()
	for i, day := range days {
		if i > 0 && i < len(days)-1 {
			continue
		}
		_, entries, done, err := l.file(day)
		if err != nil {
			return first, last, false, fmt.Errorf("bounds of a heat map's history: %w", err)
		}
		done()
		if len(entries) == 0 {
			continue
		}
		if !ok {
			first, ok = time.UnixMilli(entries[0].at).UTC(), true
		}
		last = time.UnixMilli(entries[len(entries)-1].at).UTC()
	}
	return first, last, ok, err
}
