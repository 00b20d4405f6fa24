package dashboards

import (
	"encoding/json"

	"github.com/heliograph-net/heliograph/dashboards/api"
)

// watcher is one stream.
type watcher struct {
	live   *live
	wanted []api.Section          // in the order of sections
	seen   map[api.Section]uint64 // versions last sent
	told   uint64                 // version of the trouble event last sent
}

// watch registers a watcher of some sections. The caller must end it with leave.
func (l *live) watch(wanted []api.Section) (*watcher, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.over.Err() != nil:
		return nil, errStopping
	case l.watchers >= l.most:
		return nil, errBusy
	}
	l.watchers++
	l.streams.Add(1)
	for _, name := range wanted {
		s := l.current[name]
		if s.watchers++; s.watchers == 1 {
			s.tried = false // the data is from when it was last watched
		}
	}
	if l.watchers == 1 {
		select {
		case l.wake <- struct{}{}:
		default:
		}
	}
	return &watcher{live: l, wanted: wanted, seen: map[api.Section]uint64{}}, nil
}

func (w *watcher) leave() {
	w.live.mu.Lock()
	defer w.live.mu.Unlock()
	w.live.watchers--
	for _, name := range w.wanted {
		w.live.current[name].watchers--
	}
	w.live.streams.Done()
}

// news is what has changed since the last call. On the first call it is everything.
type news struct {
	names   []string // what has changed, in order; empty until every section has been read
	data    map[string]json.RawMessage
	changed <-chan struct{} // closed when there may be more changes
}

func (w *watcher) news() news {
	l := w.live
	l.mu.Lock()
	defer l.mu.Unlock()
	n := news{data: map[string]json.RawMessage{}, changed: l.changed}
	for _, name := range w.wanted {
		if !l.current[name].tried {
			return n
		}
	}
	for _, name := range w.wanted {
		if s := l.current[name]; s.version != w.seen[name] {
			w.seen[name] = s.version
			n.add(string(name), s.data)
		}
	}
	if l.trouble.version != w.told {
		w.told = l.trouble.version
		n.add(troubleEvent, l.trouble.data)
	}
	return n
}

func (n *news) add(name string, data json.RawMessage) {
	n.names = append(n.names, name)
	n.data[name] = data
}
