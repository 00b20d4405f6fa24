package dashboards

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"time"
)

// Sections of what is live. Each is an event of the stream, and a member of its snapshot.
const (
	sectionTotals       = "totals"
	sectionIncidents    = "incidents"
	sectionServers      = "servers"
	sectionReachability = "reachability"
	sectionReports      = "reports"
	sectionTrouble      = "trouble"
)

var sections = []string{sectionTotals, sectionIncidents, sectionServers, sectionReachability, sectionReports, sectionTrouble}

const (
	// refreshEvery is the least pause between two looks at the store.
	refreshEvery = time.Second
	// refreshShare keeps the looks below a tenth of the time when the store is slow.
	refreshShare = 9
	// refreshTimeout bounds one look.
	refreshTimeout = 15 * time.Second
)

// live keeps the sections up to date while somebody watches, and tells who watches when they
// change. There is no queue: a watcher that is slow skips states, and costs nothing meanwhile.
type live struct {
	refresh func(ctx context.Context, now time.Time) (map[string]any, error)
	most    int
	logger  *slog.Logger
	wake    chan struct{}  // holds one signal: the first watcher came
	streams sync.WaitGroup // one for each watcher

	mu       sync.Mutex // holds everything below
	stopped  bool
	watchers int
	ready    bool // the sections are of now, not of when somebody watched last
	current  map[string]section
	changed  chan struct{} // closed, and replaced, when a section changed
	trouble  time.Time     // since when looks fail; zero: they do not
}

// section is JSON and how often it changed. The bytes are shared and never written to.
type section struct {
	version uint64
	data    json.RawMessage
}

// newLive makes one that has the sections of empty until its first look.
func newLive(d *Dashboard, empty map[string]any) *live {
	l := &live{
		refresh: d.refresh, most: d.o.MaxStreams, logger: d.o.Logger,
		wake: make(chan struct{}, 1), current: map[string]section{}, changed: make(chan struct{}),
	}
	l.publish(empty)
	l.ready = false
	return l
}

// run looks at the store until ctx ends.
func (l *live) run(ctx context.Context) {
	defer l.end()
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-pause.C:
		}
		if !l.watched() {
			select {
			case <-ctx.Done():
				return
			case <-l.wake:
			}
		}
		began := time.Now()
		l.look(ctx, began)
		pause.Reset(max(refreshEvery, refreshShare*time.Since(began)))
	}
}

// end tells the watchers that there will be nothing more.
func (l *live) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stopped = true
	close(l.changed)
}

func (l *live) watched() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.watchers > 0
}

// look refreshes all sections. When it fails they stay, and the section of trouble says since when
// they are old.
func (l *live) look(ctx context.Context, now time.Time) {
	ctx, cancel := context.WithTimeout(ctx, refreshTimeout)
	defer cancel()
	fresh, err := l.refresh(ctx, now)
	if fresh == nil {
		fresh = map[string]any{}
	}
	fresh[sectionTrouble] = l.noteTrouble(now, err)
	l.publish(fresh)
}

// troubleJSON tells the page that what it shows is old.
type troubleJSON struct {
	Since time.Time `json:"since"`
}

// noteTrouble logs when looks begin and cease to fail, and returns what the page is told.
func (l *live) noteTrouble(now time.Time, err error) *troubleJSON {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err == nil && l.trouble.IsZero():
		return nil
	case err == nil:
		l.logger.Info("dashboard reads the store again", "after", now.Sub(l.trouble))
		l.trouble = time.Time{}
		return nil
	case l.trouble.IsZero():
		l.logger.Error("dashboard cannot read the store; the page says so and keeps what it had", "error", err)
		l.trouble = now
	}
	return &troubleJSON{Since: stamp(l.trouble)}
}

// publish keeps the sections that differ from those before.
func (l *live) publish(fresh map[string]any) {
	encoded := make(map[string]json.RawMessage, len(fresh))
	for name, v := range fresh {
		data, err := json.Marshal(v)
		if err != nil {
			l.logger.Error("dashboard cannot encode what it read", "section", name, "error", err)
			continue
		}
		encoded[name] = data
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	news := !l.ready
	l.ready = true
	for name, data := range encoded {
		if before := l.current[name]; !bytes.Equal(before.data, data) {
			l.current[name] = section{before.version + 1, data}
			news = true
		}
	}
	if news {
		close(l.changed)
		l.changed = make(chan struct{})
	}
}

// watcher is one stream.
type watcher struct {
	live *live
	seen map[string]uint64 // versions that were sent
}

// watch registers a watcher; leave takes it away again.
func (l *live) watch() (*watcher, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.stopped:
		return nil, errStopping
	case l.watchers >= l.most:
		return nil, errBusy
	}
	l.watchers++
	l.streams.Add(1)
	if l.watchers == 1 {
		l.ready = false
		select {
		case l.wake <- struct{}{}:
		default:
		}
	}
	return &watcher{live: l, seen: map[string]uint64{}}, nil
}

func (w *watcher) leave() {
	w.live.mu.Lock()
	defer w.live.mu.Unlock()
	w.live.watchers--
	w.live.streams.Done()
}

// news is what changed since the last call; on the first call everything.
type news struct {
	names    []string // in the order of sections; empty while nothing is known yet
	data     map[string]json.RawMessage
	changed  <-chan struct{} // closed when there may be more
	finished bool            // there will be nothing more
}

func (w *watcher) news() news {
	l := w.live
	l.mu.Lock()
	defer l.mu.Unlock()
	n := news{data: map[string]json.RawMessage{}, changed: l.changed, finished: l.stopped}
	if !l.ready {
		return n
	}
	for _, name := range sections {
		if s := l.current[name]; s.version != w.seen[name] {
			w.seen[name] = s.version
			n.names = append(n.names, name)
			n.data[name] = s.data
		}
	}
	return n
}
