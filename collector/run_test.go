package collector_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/collector/sqliteinbox"
	"github.com/heliograph-net/heliograph/privacy/receipt"
	"github.com/heliograph-net/heliograph/report"
)

// slowUpload is an upload on its way: finish sends the rest of its body and returns the answer.
type slowUpload struct {
	rig    *rig
	rest   []byte
	body   *io.PipeWriter
	answer chan answer
}

// begin starts an upload and waits until it is in flight.
func (r *rig) begin(n uint32) *slowUpload {
	r.t.Helper()
	segment := r.segment(n)
	before := r.metric("uploads_in_flight")
	body, feed := io.Pipe()
	u := &slowUpload{rig: r, rest: segment[100:], body: feed, answer: make(chan answer, 1)}
	req := r.upload(batchID(n), body)
	req.ContentLength = int64(len(segment))
	go func() { u.answer <- r.do(req) }()
	must(feed.Write(segment[:100]))(r.t)
	r.await("an upload in flight", func() bool { return r.metric("uploads_in_flight") == before+1 })
	return u
}

func (u *slowUpload) finish() answer {
	u.rig.t.Helper()
	must(u.body.Write(u.rest))(u.rig.t)
	return <-u.answer
}

// drained stops a collector and returns how long that took.
func (r *rig) drained() time.Duration {
	r.t.Helper()
	began := time.Now()
	if err := r.stop(); err != nil {
		r.t.Errorf("Run = %v", err)
	}
	return time.Since(began)
}

// A collector whose detector polls and that agents send to stops in time, on the listener that real
// collectors use: polls end, uploads in flight are stored, new ones are told to come later.
func TestDrainUnderPollsAndUploads(t *testing.T) {
	r := newServedRig(t, nil)
	polled := make(chan []report.Envelope, 3)
	for range cap(polled) {
		go func() { polled <- r.batches(r.feed("wait=30s")) }()
	}
	r.await("polls", func() bool { return r.feedsInFlight() == float64(cap(polled)) })
	u := r.begin(1)
	took := make(chan time.Duration, 1)
	go func() { took <- r.drained() }()
	for range cap(polled) {
		if got := <-polled; len(got) != 0 {
			t.Errorf("a poll gave %d batches", len(got))
		}
	}
	s, a := r.send(batchID(2), r.segment(2))
	if a.status != http.StatusServiceUnavailable || s.Decision != receipt.SlowDown || s.Reason != receipt.ReasonUnavailable || s.Batch != batchID(2) {
		t.Errorf("while it drains: status %d, %+v", a.status, s)
	}
	if s := r.statement(u.finish()); s.Decision != receipt.Stored {
		t.Errorf("the upload in flight: %+v", s)
	}
	if d := <-took; d > 2*time.Second {
		t.Errorf("it took %v though nothing was in the way", d)
	}
	if s, _ := r.send(batchID(3), r.segment(3)); s.Decision != receipt.SlowDown {
		t.Errorf("after Run: %+v", s)
	}
	if a := r.feed("wait=30s"); a.status != http.StatusServiceUnavailable {
		t.Errorf("a poll after Run: status %d", a.status)
	}
	if got := r.stored(); len(got) != 1 || got[0].Batch != batchID(1) {
		t.Errorf("%d batches are stored, want the one that was in flight", len(got))
	}
}

// An upload whose body does not arrive holds up nobody for long, and is still answered.
func TestDrainDoesNotWaitForSlowBodies(t *testing.T) {
	r := newRig(t, nil)
	u := r.begin(1)
	if d := r.drained(); d > 3*time.Second {
		t.Errorf("it took %v", d)
	}
	if s := r.statement(u.finish()); s.Decision != receipt.SlowDown {
		t.Errorf("when the body is there at last: %+v", s)
	}
}

// hangingInbox commits nothing until it is released.
type hangingInbox struct {
	*sqliteinbox.Inbox
	release chan struct{}
}

func (i *hangingInbox) Commit(ctx context.Context, entries []collector.Entry) ([]collector.Status, error) {
	<-i.release
	return i.Inbox.Commit(ctx, entries)
}

// With a disk that hangs, uploads that wait are told to come later before the listener goes.
func TestDrainWithAnInboxThatHangs(t *testing.T) {
	inbox := &hangingInbox{Inbox: must(sqliteinbox.Open(t.TempDir()+"/inbox.db", sqliteinbox.Options{}))(t), release: make(chan struct{})}
	r := newRig(t, func(o *collector.Options, _ *sqliteinbox.Options) { o.Inbox = inbox })
	u := r.begin(1)
	waiting := make(chan answer, 1)
	go func() { waiting <- u.finish() }()
	r.await("a commit", func() bool { return r.metric("body_bytes") > 0 })
	began := time.Now()
	if err := r.stop(); err == nil || time.Since(began) > 5*time.Second {
		t.Errorf("Run = %v after %v", err, time.Since(began))
	}
	if s := r.statement(<-waiting); s.Decision != receipt.SlowDown || s.Reason != receipt.ReasonUnavailable {
		t.Errorf("the upload that waited: %+v", s)
	}
	r.stop = func() error { return nil } // it was stopped, and has told so
	close(inbox.release)
}

// What is in flight when the receipt key is replaced is signed with the key of its time.
func TestReceiptKeyIsReplaced(t *testing.T) {
	r := newRig(t, nil)
	first, second := r.receiptKey, ed25519.NewKeyFromSeed(bytes.Repeat([]byte{8}, 32))
	u := r.begin(1)
	settings := r.settings()
	settings.ReceiptKey = second
	if err := r.Reload(settings); err != nil {
		t.Fatal(err)
	}
	signedBy := func(a answer, key ed25519.PrivateKey, want receipt.Decision) {
		t.Helper()
		s, err := receipt.Verify(key.Public().(ed25519.PublicKey), a.body)
		if err != nil || s.Decision != want {
			t.Errorf("status %d, %+v, %v; want %v", a.status, s, err, want)
		}
	}
	signedBy(r.do(r.upload(batchID(2), bytes.NewReader(r.segment(2)))), second, receipt.Stored)
	signedBy(r.do(r.upload(batchID(3), bytes.NewReader([]byte("garbage")))), second, receipt.Refused)
	signedBy(u.finish(), first, receipt.Stored)

	settings.ReceiptKey = nil
	if err := r.Reload(settings); err == nil {
		t.Error("settings without a receipt key are taken")
	}
	signedBy(r.do(r.upload(batchID(4), bytes.NewReader(r.segment(4)))), second, receipt.Stored)
}
