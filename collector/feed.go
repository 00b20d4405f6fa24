package collector

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/heliograph-net/heliograph/internal/httpx"
	"github.com/heliograph-net/heliograph/internal/protocol"
	"github.com/heliograph-net/heliograph/internal/protocol/feed"
	"github.com/heliograph-net/heliograph/privacy/auth"
	"github.com/heliograph-net/heliograph/report"
)

const (
	maxFeeds = 16              // concurrent requests
	feedSkew = 5 * time.Minute // between a detector's clock and ours
)

// feedServer serves stored batches to detectors.
type feedServer struct {
	id      string // the collector's
	live    *live
	inbox   Inbox
	gate    *httpx.Gate
	slots   *httpx.Slots  // requests in flight
	timeout time.Duration // for the inbox
	handed  prometheus.Counter
}

// serve returns stored batches to an authorized detector. If there are none, it waits for new ones.
// The answer is a sequence of envelopes, each preceded by its length (4 bytes, big-endian). It may
// be empty. A request for the batches after N acknowledges all batches up to N for the detector
// with this key. A batch is held until the detectors of all keys have acknowledged it.
func (f *feedServer) serve(w http.ResponseWriter, r *http.Request) error {
	if !f.gate.Enter() {
		return httpx.NewError(http.StatusServiceUnavailable, "shutting down")
	}
	defer f.gate.Leave()
	if !f.slots.Enter() {
		return httpx.NewError(http.StatusServiceUnavailable, "too many feed requests at one time")
	}
	defer f.slots.Leave()
	reader, err := f.authorize(w, r)
	if err != nil {
		return err
	}
	q, err := feed.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return httpx.NewError(http.StatusBadRequest, err.Error())
	}
	httpx.SetDeadlines(w, q.Wait+httpx.WriteTimeout, q.Wait+httpx.WriteTimeout+f.timeout)
	if err := f.checkInbox(w, r, q.After); err != nil {
		return err
	}
	// Detectors must be able to read on even if the disk has no room for the acknowledgement. Their
	// next request acknowledges more.
	if err := f.inbox.Ack(r.Context(), reader, q.After); err != nil && !errors.Is(err, ErrFull) {
		return feedError(err)
	}
	batches, err := f.awaitBatches(r.Context(), q)
	if err != nil {
		return feedError(err)
	}
	feed.For(r.Header.Get("Accept"), batches)
	body, err := feed.Append(nil, batches)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", protocol.MediaTypeFeed)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	// a detector that went away asks again, because sending acknowledges nothing
	_, _ = w.Write(body)
	f.handed.Add(float64(len(batches)))
	return nil
}

// incarnation is what an Inbox also implements when it can tell whether it was opened since.
type incarnation interface {
	// Incarnation returns a name that the inbox has had since it was opened, and the newest seq
	// that it knew then.
	Incarnation() (name string, head uint64)
}

// checkInbox refuses a cursor that a detector has from before the inbox was opened, and that lies
// beyond what it knew then: it was restored from an older copy, and gives the same numbers to other
// batches.
func (f *feedServer) checkInbox(w http.ResponseWriter, r *http.Request, after uint64) error {
	i, ok := f.inbox.(incarnation)
	if !ok {
		return nil
	}
	name, head := i.Incarnation()
	w.Header().Set(protocol.HeaderInbox, name)
	if known := r.Header.Get(protocol.HeaderInbox); known != "" && known != name && after > head {
		return feedError(ErrCursor)
	}
	return nil
}

// authorize returns the name of the reader that makes the request.
func (f *feedServer) authorize(w http.ResponseWriter, r *http.Request) (reader string, err error) {
	keys := f.live.load().FeedKeys
	if len(keys) == 0 {
		return "", httpx.NewError(http.StatusForbidden, "the feed is closed: this collector knows no detector's key")
	}
	key, err := auth.VerifyFeed(r.Header.Get("Authorization"), f.id, r.Method, r.RequestURI, time.Now(), feedSkew, keys...)
	if err != nil {
		w.Header().Set("WWW-Authenticate", "Heliograph-Feed")
		return "", httpx.NewError(http.StatusUnauthorized, err.Error())
	}
	return ReaderName(key), nil
}

// awaitBatches reads the next batches. If there are none, it waits for the next commit. It returns
// no batches if the wait ends or the collector shuts down.
func (f *feedServer) awaitBatches(ctx context.Context, q feed.Query) ([]report.Envelope, error) {
	timeout := time.NewTimer(q.Wait)
	defer timeout.Stop()
	for {
		changed := f.inbox.Changed() // before Read: a commit between the two is not missed
		batches, err := f.inbox.Read(ctx, q.After, q.Limit)
		if err != nil || len(batches) > 0 || q.Wait == 0 {
			return batches, err
		}
		select {
		case <-changed:
		case <-timeout.C:
			return nil, nil
		case <-f.gate.Closed():
			return nil, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func feedError(err error) error {
	switch {
	case errors.Is(err, ErrCursor):
		return httpx.NewError(http.StatusConflict, "after: "+ErrCursor.Error()+"; start again from 0")
	case errors.Is(err, ErrReader): // its key was removed a moment ago
		return httpx.NewError(http.StatusForbidden, ErrReader.Error())
	case errors.Is(err, context.Canceled):
		return httpx.NewError(statusClientGone, "gone")
	}
	return err
}

// statusClientGone appears only in metrics, because the client does not read the answer. nginx uses
// the same number.
const statusClientGone = 499
