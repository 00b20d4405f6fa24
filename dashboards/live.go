package dashboards

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/heliograph-net/heliograph/dashboards/api"
)

const (
	// refreshEvery is the least time between two refreshes from the store.
	refreshEvery = time.Second
	// refreshShare keeps refreshes below a tenth of the time if the store is slow.
	refreshShare = 9
	// peekEvery is how often the servers' map is looked at between two refreshes, which costs a
	// lock. A server that changes after a quiet second is told within this time.
	peekEvery = 100 * time.Millisecond
	// refreshTimeout is the time limit of one refresh.
	refreshTimeout = 15 * time.Second
)

// troubleEvent is the event, sent to every stream, that says whether the sections are out of date.
const troubleEvent = "trouble"

// live keeps the watched sections up to date and tells their watchers when they change. There is no
// queue: a slow watcher skips states.
type live struct {
	read   func(ctx context.Context, now time.Time, wanted []section) (map[api.Section]any, error)
	most   int // most watchers
	logger *slog.Logger
	wake   chan struct{} // holds one signal, for the arrival of the first watcher

	version func() uint64 // of the servers' map
	seen    uint64        // version when the servers were last told; belongs to run
	told    time.Time     // when that was; belongs to run

	over    context.Context // ends when there will be no more changes
	finish  context.CancelFunc
	streams sync.WaitGroup // one for each watcher

	mu       sync.Mutex // guards everything below
	watchers int
	current  map[api.Section]*state
	trouble  state
	changed  chan struct{} // closed and replaced whenever something changes
	since    time.Time     // when refreshes began to fail; zero if they do not
}

// state is the present state of one section.
type state struct {
	watchers int
	tried    bool            // read since it has been watched
	version  uint64          // increases with each change of data
	data     json.RawMessage // nil before the first success; shared, must not be changed
}

// set stores data and reports whether it differs from what was there before.
func (s *state) set(data json.RawMessage) bool {
	if bytes.Equal(s.data, data) {
		return false
	}
	s.version, s.data = s.version+1, data
	return true
}

func newLive(d *Dashboard) *live {
	l := &live{
		read: d.readSections, most: d.o.MaxStreams, logger: d.o.Logger,
		version: func() uint64 { return d.o.Servers.Version() },
		wake:    make(chan struct{}, 1), current: map[api.Section]*state{}, changed: make(chan struct{}),
		trouble: state{version: 1, data: json.RawMessage("null")},
	}
	l.over, l.finish = context.WithCancel(context.Background())
	for _, s := range sections {
		l.current[s.name] = &state{}
	}
	return l
}

// run refreshes the sections until ctx ends. It returns when the last stream has ended.
func (l *live) run(ctx context.Context) {
	l.follow(ctx)
	l.mu.Lock()
	l.finish()
	l.mu.Unlock() // new watchers are refused from here on
	l.streams.Wait()
}

func (l *live) follow(ctx context.Context) {
	for {
		wanted := l.wanted()
		for len(wanted) == 0 {
			select {
			case <-ctx.Done():
				return
			case <-l.wake:
				wanted = l.wanted()
			}
		}
		began := time.Now()
		l.refresh(ctx, began, wanted, false)
		l.rest(ctx, max(refreshEvery, refreshShare*time.Since(began)))
		if ctx.Err() != nil {
			return
		}
	}
}

// refresh reads the wanted sections, but the servers at most once a second.
func (l *live) refresh(ctx context.Context, now time.Time, wanted []section, peeking bool) {
	if now.Sub(l.told) < refreshEvery && l.tried(api.SectionServers) {
		wanted = slices.DeleteFunc(wanted, isServers)
		peeking = peeking || len(wanted) == 0
	}
	version := l.version() // before they are read
	l.look(ctx, now, wanted, peeking)
	if version != l.seen && slices.ContainsFunc(wanted, isServers) {
		l.seen, l.told = version, now
	}
}

// rest waits until the next refresh. If a server changes meanwhile, it is told at once, because an
// operator waits for it; the other sections cost queries.
func (l *live) rest(ctx context.Context, pause time.Duration) {
	over, peek := time.NewTimer(pause), time.NewTicker(peekEvery)
	defer over.Stop()
	defer peek.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-over.C:
			return
		case now := <-peek.C:
			servers := slices.DeleteFunc(l.wanted(), func(s section) bool { return !isServers(s) })
			if len(servers) > 0 && l.version() != l.seen && now.Sub(l.told) >= refreshEvery {
				l.refresh(ctx, now, servers, true)
			}
		}
	}
}

func isServers(s section) bool { return s.name == api.SectionServers }

// tried reports whether a section has been read since it has been watched.
func (l *live) tried(name api.Section) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.current[name].tried
}

// wanted returns the sections that are watched.
func (l *live) wanted() (wanted []section) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range sections {
		if l.current[s.name].watchers > 0 {
			wanted = append(wanted, s)
		}
	}
	return wanted
}

// look reads the wanted sections. Sections that cannot be read stay as they were, and the trouble
// event says since when they are out of date.
// A look that is only peeking says nothing of the store.
func (l *live) look(ctx context.Context, now time.Time, wanted []section, peeking bool) {
	ctx, cancel := context.WithTimeout(ctx, refreshTimeout)
	defer cancel()
	fresh, err := l.read(ctx, now, wanted)
	encoded := make(map[api.Section]json.RawMessage, len(fresh))
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
	news := false
	if !peeking {
		news = l.trouble.set(l.noteTrouble(now, err))
	}
	for _, s := range wanted {
		state := l.current[s.name]
		news = news || !state.tried
		state.tried = true
		if data, ok := encoded[s.name]; ok && state.set(data) {
			news = true
		}
	}
	if news {
		close(l.changed)
		l.changed = make(chan struct{})
	}
}

// noteTrouble logs when refreshes begin and cease to fail, and returns the data of the trouble
// event. The caller must hold mu.
func (l *live) noteTrouble(now time.Time, err error) json.RawMessage {
	switch {
	case err == nil && l.since.IsZero():
	case err == nil:
		l.logger.Info("dashboard reads the store again", "after", now.Sub(l.since))
		l.since = time.Time{}
	case l.since.IsZero():
		l.logger.Error("dashboard cannot read the store; the page says so and keeps what it had", "error", err)
		l.since = now
	}
	if l.since.IsZero() {
		return json.RawMessage("null")
	}
	return encode(api.Trouble{Since: stamp(l.since)})
}
