package collector_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/collector/sqliteinbox"
	"github.com/heliograph-net/heliograph/internal/protocol"
	"github.com/heliograph-net/heliograph/privacy/auth"
	"github.com/heliograph-net/heliograph/privacy/receipt"
	"github.com/heliograph-net/heliograph/report"
)

// feed asks for batches with a query such as "after=7&limit=2".
func (r *rig) feed(query string) answer {
	r.t.Helper()
	uri := "/v1/feed"
	if query != "" {
		uri += "?" + query
	}
	req := must(http.NewRequestWithContext(r.t.Context(), "GET", r.url+uri, nil))(r.t)
	req.Header.Set("Authorization", auth.SignFeed(r.feedKey, "c1", "GET", uri, time.Now()))
	return r.do(req)
}

// batches decodes the answer to a feed request.
func (r *rig) batches(a answer) (all []report.Envelope) {
	r.t.Helper()
	if a.status != http.StatusOK || a.header.Get("Content-Type") != protocol.MediaTypeFeed {
		r.t.Fatalf("status %d, type %q, %q", a.status, a.header.Get("Content-Type"), a.body)
	}
	for b := a.body; len(b) > 0; {
		n := binary.BigEndian.Uint32(b)
		all = append(all, *must(report.DecodeEnvelope(b[4 : 4+n]))(r.t))
		b = b[4+n:]
	}
	return all
}

func TestFeedHandsOnAndAcknowledgesByCursor(t *testing.T) {
	r := newRig(t, nil)
	for n := range uint32(5) {
		r.send(batchID(n+1), r.segment(n+1))
	}
	want := r.stored()
	first := r.batches(r.feed("limit=3"))
	if !reflect.DeepEqual(first, want[:3]) {
		t.Fatalf("first part: %+v", first)
	}
	if again := r.batches(r.feed("after=0&limit=3")); !reflect.DeepEqual(again, first) {
		t.Error("what was not acknowledged is not given again")
	}
	if rest := r.batches(r.feed("after=" + strconv.FormatUint(first[2].Seq, 10))); !reflect.DeepEqual(rest, want[3:]) {
		t.Errorf("rest: %+v", rest)
	}
	if left := r.stored(); !reflect.DeepEqual(left, want[3:]) {
		t.Errorf("%d batches are left in the inbox, want the last 2", len(left))
	}
	if s, _ := r.send(batchID(1), nil); s.Decision == receipt.Stored {
		t.Errorf("%+v", s)
	}
}

func TestFeedKeepsWhatNotAllDetectorsHave(t *testing.T) {
	r := newRig(t, nil)
	second := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{8}, 32))
	settings := r.settings()
	settings.FeedKeys = append(settings.FeedKeys, second.Public().(ed25519.PublicKey))
	if err := r.Reload(settings); err != nil {
		t.Fatal(err)
	}
	for n := range uint32(4) {
		r.send(batchID(n+1), r.segment(n+1))
	}
	all := r.stored()
	cursor := func(n int) string { return "after=" + strconv.FormatUint(all[n].Seq, 10) }
	r.batches(r.feed(cursor(3)))
	if left := r.stored(); len(left) != 4 {
		t.Fatalf("%d batches are left though the second detector has none yet", len(left))
	}
	if n := r.metric("feed_lag_batches"); n != 4 {
		t.Errorf("the detectors lag by %v batches, want 0 and 4", n)
	}
	first := r.feedKey
	r.feedKey = second
	if got := r.batches(r.feed(cursor(1))); !reflect.DeepEqual(got, all[2:]) {
		t.Errorf("the second detector gets %+v", got)
	}
	if left := r.stored(); !reflect.DeepEqual(left, all[2:]) {
		t.Errorf("%d batches are left, want the 2 that the second detector has not acknowledged", len(left))
	}
	r.feedKey = first
	if err := r.Reload(r.settings()); err != nil { // the second detector is given up
		t.Fatal(err)
	}
	r.batches(r.feed(cursor(3)))
	if left := r.stored(); len(left) != 0 {
		t.Errorf("%d batches are kept for a detector that is no more", len(left))
	}
}

func TestFeedIsForDetectorsOnly(t *testing.T) {
	r := newRig(t, nil)
	r.send(batchID(1), r.segment(1))
	other := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{9}, 32))
	now := time.Now()
	cursor := "/v1/feed?after=" + strconv.FormatUint(r.stored()[0].Seq, 10)
	for name, authorization := range map[string]string{
		"none":               "",
		"another scheme":     "Bearer x",
		"a stranger's key":   auth.SignFeed(other, "c1", "GET", cursor, now),
		"another collector":  auth.SignFeed(r.feedKey, "c2", "GET", cursor, now),
		"another request":    auth.SignFeed(r.feedKey, "c1", "GET", "/v1/feed", now),
		"of an hour ago":     auth.SignFeed(r.feedKey, "c1", "GET", cursor, now.Add(-time.Hour)),
		"of an hour to come": auth.SignFeed(r.feedKey, "c1", "GET", cursor, now.Add(time.Hour)),
	} {
		req := must(http.NewRequestWithContext(t.Context(), "GET", r.url+cursor, nil))(t)
		if authorization != "" {
			req.Header.Set("Authorization", authorization)
		}
		if a := r.do(req); a.status != http.StatusUnauthorized || a.header.Get("WWW-Authenticate") == "" {
			t.Errorf("%s: status %d, want 401", name, a.status)
		}
	}
	if n := len(r.stored()); n != 1 {
		t.Errorf("%d batches are left: a stranger acknowledged", n)
	}
}

func TestFeedIsClosedWithoutKeys(t *testing.T) {
	r := newRig(t, func(o *collector.Options, _ *sqliteinbox.Options) { o.Settings.FeedKeys = nil })
	if a := r.feed(""); a.status != http.StatusForbidden {
		t.Errorf("status %d, want 403", a.status)
	}
}

func TestFeedRefusesBadQueries(t *testing.T) {
	r := newRig(t, nil)
	for query, status := range map[string]int{
		"after=-1": 400, "after=x": 400, "after=18446744073709551615": 400, "limit=0": 400, "limit=1001": 400, "limit=x": 400,
		"wait=-1s": 400, "wait=20": 400, "after=%zz": 400,
		"after=9000000000000000000": 409, // a cursor of another inbox
	} {
		if a := r.feed(query); a.status != status {
			t.Errorf("%s: status %d, %q; want %d", query, a.status, a.body, status)
		}
	}
}

func TestFeedWaitsForNewBatches(t *testing.T) {
	r := newRig(t, nil)
	if got := r.batches(r.feed("")); len(got) != 0 {
		t.Fatalf("%d batches in an empty inbox", len(got))
	}
	got := make(chan []report.Envelope, 1)
	go func() { got <- r.batches(r.feed("wait=30s")) }()
	r.await("a poll", func() bool { return r.feedsInFlight() == 1 })
	r.send(batchID(1), r.segment(1))
	if all := <-got; len(all) != 1 || all[0].Batch != batchID(1) {
		t.Errorf("%+v", all)
	}
}

func (r *rig) feedsInFlight() float64 { return r.metric("feeds_in_flight") }

func TestFeedWaitEnds(t *testing.T) {
	r := newRig(t, nil)
	if got := r.batches(r.feed("wait=10ms")); len(got) != 0 {
		t.Errorf("%d batches", len(got))
	}
}

func TestDrainEndsLongPolls(t *testing.T) {
	r := newRig(t, nil)
	got := make(chan []report.Envelope, 1)
	go func() { got <- r.batches(r.feed("wait=30s")) }()
	r.await("a poll", func() bool { return r.feedsInFlight() == 1 })
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	if all := <-got; len(all) != 0 {
		t.Errorf("%+v", all)
	}
	if a := r.feed("wait=30s"); a.status != http.StatusServiceUnavailable {
		t.Errorf("status %d after Run, want 503", a.status)
	}
}

// An inbox that is restored from an older copy gives numbers to new batches that a detector has
// seen at others. The collector notices by the name that the detector has of the lost one.
func TestFeedNoticesARestoredInbox(t *testing.T) {
	path := filepath.Join(t.TempDir(), "inbox.db")
	var numbers uint32
	send := func(r *rig, n int) {
		for range n {
			numbers++
			r.send(batchID(numbers), r.segment(numbers))
		}
	}
	life := func(use func(r *rig)) {
		inbox := must(sqliteinbox.Open(path, sqliteinbox.Options{}))(t)
		use(newRig(t, func(o *collector.Options, _ *sqliteinbox.Options) { o.Inbox = inbox }))
		if err := inbox.Close(); err != nil {
			t.Fatal(err)
		}
	}
	life(func(r *rig) { send(r, 3) })
	old := must(os.ReadFile(path))(t)
	var name string
	var cursor uint64
	life(func(r *rig) {
		send(r, 5)
		first := r.feed("")
		all := r.batches(first)
		name, cursor = first.header.Get(protocol.HeaderInbox), all[len(all)-1].Seq
		if a := r.feedOf(name, cursor); a.status != http.StatusOK {
			t.Errorf("the same inbox: status %d, %q", a.status, a.body)
		}
	})
	life(func(r *rig) {
		send(r, 2)
		if a := r.feedOf(name, cursor); a.status != http.StatusOK || a.header.Get(protocol.HeaderInbox) == name {
			t.Errorf("after a restart: status %d, %q, it calls itself %q", a.status, a.body, a.header.Get(protocol.HeaderInbox))
		}
	})
	if err := os.WriteFile(path, old, 0o600); err != nil {
		t.Fatal(err)
	}
	life(func(r *rig) {
		send(r, 9)
		if a := r.feedOf(name, cursor); a.status != http.StatusConflict {
			t.Errorf("restored from a copy: status %d, want 409", a.status)
		}
		again := r.feedOf(name, 0)
		if got := len(r.batches(again)); got != 12 {
			t.Errorf("%d batches from the beginning, want 12", got)
		}
		if a := r.feedOf(again.header.Get(protocol.HeaderInbox), cursor); a.status != http.StatusOK {
			t.Errorf("a cursor of the restored one: status %d, %q", a.status, a.body)
		}
	})
}

// feedOf asks for batches as a detector that has read up to a cursor in an inbox of a name.
func (r *rig) feedOf(name string, after uint64) answer {
	r.t.Helper()
	uri := "/v1/feed?after=" + strconv.FormatUint(after, 10)
	req := must(http.NewRequestWithContext(r.t.Context(), "GET", r.url+uri, nil))(r.t)
	req.Header.Set("Authorization", auth.SignFeed(r.feedKey, "c1", "GET", uri, time.Now()))
	req.Header.Set(protocol.HeaderInbox, name)
	return r.do(req)
}
