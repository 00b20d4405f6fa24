package dashboards

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/heliograph-net/heliograph/dashboards/api"
)

const (
	heartbeatEvery = 15 * time.Second
	// writeTimeout is how long writing one event may take before a slow reader is cut off.
	writeTimeout = 10 * time.Second
	// lastWrite is the same while the dashboard ends.
	lastWrite = time.Second
)

// getStream sends server-sent events (HTML, section 9.2) until the reader disconnects or is too
// slow, or may not look any more, or the dashboard ends.
func (d *Dashboard) getStream(w http.ResponseWriter, r *http.Request, p *params) error {
	wanted := p.sections("sections")
	if p.err != nil {
		return p.err
	}
	watcher, err := d.live.watch(wanted)
	if err != nil {
		return err
	}
	defer watcher.leave()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no") // otherwise nginx would buffer events
	if r.Method == http.MethodHead {
		return nil
	}
	s := &stream{w: w, control: http.NewResponseController(w), over: d.live.over, let: func() bool { return d.o.Access == nil || d.o.Access.Knows(r) }}
	defer context.AfterFunc(s.over, func() { s.control.SetWriteDeadline(time.Now().Add(lastWrite)) })()
	s.follow(r.Context(), watcher)
	return nil
}

// stream writes events to one reader.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	over    context.Context
	let     func() bool // whether the reader may still look; asked at each heartbeat
	started bool        // the snapshot was sent
}

// follow sends events until there will be no more, or until the reader is gone or too slow.
func (s *stream) follow(ctx context.Context, watcher *watcher) {
	heartbeat := time.NewTicker(heartbeatEvery)
	defer heartbeat.Stop()
	err := s.send([]byte(": heliograph\n\n")) // sends the headers at once
	for err == nil {
		news := watcher.news()
		if err = s.tell(news); err != nil {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-s.over.Done():
			return
		case <-news.changed:
		case <-heartbeat.C:
			if !s.let() {
				return
			}
			err = s.send(event([]byte(": heartbeat\n"), "clock", clock()))
		}
	}
}

func clock() json.RawMessage { return encode(api.Clock{Now: stamp(time.Now())}) }

// tell sends the snapshot the first time, and later what has changed.
func (s *stream) tell(n news) error {
	if len(n.names) == 0 {
		return nil
	}
	if !s.started {
		s.started = true
		n.data["clock"] = clock()
		return s.send(event(nil, "snapshot", encode(n.data)))
	}
	var out []byte
	for _, name := range n.names {
		out = event(out, name, n.data[name])
	}
	return s.send(out)
}

// send writes and flushes within writeTimeout.
func (s *stream) send(b []byte) error {
	if s.over.Err() != nil {
		return context.Cause(s.over)
	}
	if err := s.control.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	if _, err := s.w.Write(b); err != nil {
		return err
	}
	return s.control.Flush()
}

// event appends one event; data is JSON, which has no line breaks.
func event(dst []byte, name string, data []byte) []byte {
	dst = append(dst, "event: "+name+"\ndata: "...)
	dst = append(dst, data...)
	return append(dst, "\n\n"...)
}

// encode is for values that always encode: times, and JSON that was encoded before.
func encode(v any) json.RawMessage {
	data, err := json.Marshal(v)
	if err != nil {
		return json.RawMessage("null")
	}
	return data
}
