package collector

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/heliograph-net/heliograph/privacy"
	"github.com/heliograph-net/heliograph/report"
)

// Limits of a feed request.
const (
	MaxFeedLimit     = 1000             // batches in one answer; there are fewer when they are large
	MaxFeedWait      = 30 * time.Second // how long a request may wait for new batches; a longer wait is cut to this
	defaultFeedLimit = 256

	maxFeeds = 16              // requests at one time
	feedSkew = 5 * time.Minute // between a detector's clock and ours
)

// feedQuery is what a feed request asks for.
type feedQuery struct {
	after uint64        // acknowledges everything up to this Seq
	limit int           // 1 to MaxFeedLimit
	wait  time.Duration // 0 to MaxFeedWait
}

// serveFeed hands on stored batches to a detector that may read them, waiting for new ones when there are none. The answer is a sequence
// of envelopes, each behind its length (4 bytes, big-endian); it may be empty. Asking for what comes after N acknowledges all up to N for
// the detector with this key; it is kept until the detectors of all keys have acknowledged it.
func (c *Collector) serveFeed(w http.ResponseWriter, r *http.Request) error {
	if !c.gate.enter() {
		return &httpError{http.StatusServiceUnavailable, "shutting down"}
	}
	defer c.gate.leave()
	if !c.feeds.enter() {
		return &httpError{http.StatusServiceUnavailable, "too many feed requests at one time"}
	}
	defer c.feeds.leave()
	reader, err := c.authorizeFeed(w, r)
	if err != nil {
		return err
	}
	q, err := parseFeedQuery(r.URL.RawQuery)
	if err != nil {
		return &httpError{http.StatusBadRequest, err.Error()}
	}
	c.deadlines(w, q.wait+writeTimeout, q.wait+writeTimeout+c.o.CommitTimeout)
	// A disk without room for the acknowledgement must not keep detectors from reading on; they acknowledge more with their next request.
	if err := c.o.Inbox.Ack(r.Context(), reader, q.after); err != nil && !errors.Is(err, ErrFull) {
		return feedError(err)
	}
	batches, err := c.awaitBatches(r.Context(), q)
	if err != nil {
		return feedError(err)
	}
	body, err := encodeFeed(batches)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", privacy.MediaTypeFeed)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	_, _ = w.Write(body) // a detector that went away asks again: nothing is acknowledged by sending
	c.metrics.feedBatches.Add(float64(len(batches)))
	return nil
}

// authorizeFeed returns the reader who asks.
func (c *Collector) authorizeFeed(w http.ResponseWriter, r *http.Request) (reader string, err error) {
	keys := c.settings.Load().FeedKeys
	if len(keys) == 0 {
		return "", &httpError{http.StatusForbidden, "the feed is closed: this collector knows no detector's key"}
	}
	key, err := privacy.VerifyFeed(r.Header.Get("Authorization"), c.o.ID, r.Method, r.RequestURI, time.Now(), feedSkew, keys...)
	if err != nil {
		w.Header().Set("WWW-Authenticate", "Heliograph-Feed")
		return "", &httpError{http.StatusUnauthorized, err.Error()}
	}
	return ReaderName(key), nil
}

func parseFeedQuery(raw string) (feedQuery, error) {
	q := feedQuery{limit: defaultFeedLimit}
	values, err := url.ParseQuery(raw)
	if err != nil {
		return q, errors.New("malformed query")
	}
	if s := values.Get("after"); s != "" {
		if q.after, err = strconv.ParseUint(s, 10, 63); err != nil {
			return q, errors.New("after: want a sequence number")
		}
	}
	if s := values.Get("limit"); s != "" {
		if q.limit, err = strconv.Atoi(s); err != nil || q.limit < 1 || q.limit > MaxFeedLimit {
			return q, fmt.Errorf("limit: want a number from 1 to %d", MaxFeedLimit)
		}
	}
	if s := values.Get("wait"); s != "" {
		if q.wait, err = time.ParseDuration(s); err != nil || q.wait < 0 {
			return q, errors.New(`wait: want a duration such as "20s"`)
		}
		q.wait = min(q.wait, MaxFeedWait)
	}
	return q, nil
}

// awaitBatches reads what there is; if that is nothing, it waits for the next commit. It returns nothing when the wait is over, and when
// the collector shuts down.
func (c *Collector) awaitBatches(ctx context.Context, q feedQuery) ([]report.Envelope, error) {
	timeout := time.NewTimer(q.wait)
	defer timeout.Stop()
	for {
		changed := c.o.Inbox.Changed() // before Read: a commit between the two is not missed
		batches, err := c.o.Inbox.Read(ctx, q.after, q.limit)
		if err != nil || len(batches) > 0 || q.wait == 0 {
			return batches, err
		}
		select {
		case <-changed:
		case <-timeout.C:
			return nil, nil
		case <-c.closing.Done():
			return nil, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func encodeFeed(batches []report.Envelope) (body []byte, err error) {
	for i := range batches {
		start := len(body)
		body = append(body, 0, 0, 0, 0)
		if body, err = report.AppendEnvelope(body, &batches[i]); err != nil {
			return nil, fmt.Errorf("encoding batch %d for the feed: %w", batches[i].Seq, err)
		}
		binary.BigEndian.PutUint32(body[start:], uint32(len(body)-start-4))
	}
	return body, nil
}

func feedError(err error) error {
	switch {
	case errors.Is(err, ErrCursor):
		return &httpError{http.StatusConflict, "after: " + ErrCursor.Error() + "; start again from 0"}
	case errors.Is(err, ErrReader): // its key was taken away a moment ago
		return &httpError{http.StatusForbidden, ErrReader.Error()}
	case errors.Is(err, context.Canceled):
		return &httpError{statusClientGone, "gone"}
	}
	return err
}

// statusClientGone is for the metrics: nobody reads the answer. The number is the one that nginx made common.
const statusClientGone = 499
