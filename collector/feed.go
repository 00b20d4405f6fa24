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
	maxFeeds = 16              // requests at one time
	feedSkew = 5 * time.Minute // between a detector's clock and ours
)

// feedServer hands on what is stored to detectors.
type feedServer struct {
	id      string // the collector's
	live    *live
	inbox   Inbox
	gate    *httpx.Gate
	slots   *httpx.Slots  // requests in flight
	timeout time.Duration // for the inbox
	handed  prometheus.Counter
}

// serve hands on stored batches to a detector that may read them, waiting for new ones when
// there are none. The answer is a sequence of envelopes, each behind its length (4 bytes,
// big-endian); it may be empty. Asking for what comes after N acknowledges all up to N for the
// detector with this key; it is kept until the detectors of all keys have acknowledged it.
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
	// A disk without room for the acknowledgement must not keep detectors from reading on; they
	// acknowledge more with their next request.
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
	_, _ = w.Write(body) // a detector that went away asks again: nothing is acknowledged by sending
	f.handed.Add(float64(len(batches)))
	return nil
}

// authorize returns the reader who asks.
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

// awaitBatches reads what there is; if that is nothing, it waits for the next commit. It returns
// nothing when the wait is over, and when the collector shuts down.
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
	case errors.Is(err, ErrReader): // its key was taken away a moment ago
		return httpx.NewError(http.StatusForbidden, ErrReader.Error())
	case errors.Is(err, context.Canceled):
		return httpx.NewError(statusClientGone, "gone")
	}
	return err
}

// statusClientGone is for the metrics: nobody reads the answer. The number is the one that nginx
// made common.
const statusClientGone = 499
