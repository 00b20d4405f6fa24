package collector_test

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/collector/sqliteinbox"
	"github.com/heliograph-net/heliograph/internal/protocol"
	"github.com/heliograph-net/heliograph/privacy/receipt"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// rawUpload opens a connection and sends the head of an upload and the first bytes of its body.
func (r *rig) rawUpload(id report.BatchID, length int, body string) net.Conn {
	r.t.Helper()
	c := must(net.Dial("tcp", strings.TrimPrefix(r.url, "http://")))(r.t)
	r.t.Cleanup(func() { c.Close() })
	fmt.Fprintf(c, "POST /v1/batches HTTP/1.1\r\nHost: c\r\nContent-Type: %s\r\n%s: %s\r\nContent-Length: %d\r\n\r\n%s",
		protocol.MediaTypeSegment, protocol.HeaderBatch, id, length, body)
	return c
}

func (r *rig) rawAnswer(c net.Conn) answer {
	r.t.Helper()
	resp := must(http.ReadResponse(bufio.NewReader(c), nil))(r.t)
	defer resp.Body.Close()
	return answer{resp.StatusCode, resp.Header, must(io.ReadAll(resp.Body))(r.t)}
}

// await waits until the collector has done something that only its metrics tell.
func (r *rig) await(what string, done func() bool) {
	r.t.Helper()
	for deadline := time.Now().Add(time.Minute); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			r.t.Fatalf("waited for 10 s: %s", what)
		}
	}
}

func TestOverloadShedsBeforeReadingTheBody(t *testing.T) {
	r := newRig(t, func(o *collector.Options, _ *sqliteinbox.Options) { o.MaxUploads = 1; o.SlowDown = 2 * time.Second })
	first := r.rawUpload(batchID(1), 2000, "HGS")
	r.await("an upload in flight", func() bool { return r.metric("uploads_in_flight") == 1 })

	a := r.rawAnswer(r.rawUpload(batchID(2), 200_000, "")) // not one byte of the body is ever sent
	s := r.statement(a)
	if a.status != 503 || s.Batch != batchID(2) || s.Body != [32]byte{} || s.Decision != receipt.SlowDown || s.Reason != receipt.ReasonOverload {
		t.Errorf("status %d, %+v; want a signed slow-down for the second batch", a.status, s)
	}
	if s.DelayMS < 2000 || s.DelayMS >= 4000 || (a.header.Get("Retry-After") != "2" && a.header.Get("Retry-After") != "3" && a.header.Get("Retry-After") != "4") {
		t.Errorf("delay %d ms, Retry-After %q; want 2 to 4 s", s.DelayMS, a.header.Get("Retry-After"))
	}

	first.Close() // the slot is free again
	r.await("no upload in flight", func() bool { return r.metric("uploads_in_flight") == 0 })
	if s, _ := r.send(batchID(3), r.segment(3)); s.Decision != receipt.Stored {
		t.Errorf("after the overload: %+v", s)
	}
	if n := r.metric("batches_total", "slow_down", "overload"); n != 1 {
		t.Errorf("the metrics count %v slow-downs", n)
	}
}

func TestSlowBodyIsCut(t *testing.T) {
	r := newRig(t, func(o *collector.Options, _ *sqliteinbox.Options) { o.UploadTimeout = 20 * time.Millisecond })
	c := r.rawUpload(batchID(1), 2000, "HGS")
	if a := r.rawAnswer(c); a.status != http.StatusRequestTimeout {
		t.Errorf("status %d, want 408", a.status)
	}
	if _, err := c.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the connection is still open: %v", err)
	}
	r.await("no upload in flight", func() bool { return r.metric("uploads_in_flight") == 0 })
}

func TestBrokenInboxNeverAcknowledges(t *testing.T) {
	r := newRig(t, nil)
	if err := r.inbox.Close(); err != nil {
		t.Fatal(err)
	}
	segment := r.segment(1)
	s, a := r.send(batchID(1), segment)
	if a.status != 503 || s.Decision != receipt.SlowDown || s.Reason != receipt.ReasonUnavailable || s.Body != sha(segment) {
		t.Errorf("status %d, %+v; want slow down, unavailable", a.status, s)
	}
	if err := r.Ready(t.Context()); err == nil {
		t.Error("Ready with a broken inbox")
	}
	r.send(batchID(2), r.segment(2))
	if n := strings.Count(r.log.String(), "inbox takes nothing"); n != 1 {
		t.Errorf("logged %d times, want once for all failures in a row:\n%s", n, r.log)
	}
}

func TestFullInboxTellsToComeLaterAndRecovers(t *testing.T) {
	r := newRig(t, func(o *collector.Options, io *sqliteinbox.Options) {
		o.SlowDownAt, io.MaxBytes = 1, sqliteinbox.MinBytes
	})
	large := func(n uint32) []byte {
		s := must(seal.NewSealer(r.openKey.SealKey(), batchID(n)))(t)
		b := bytes.Clone(s.Prefix())
		for range 3 {
			b = must(s.Seal(b, make([]byte, report.MaxRecord)))(t)
		}
		return seal.AppendEnd(b)
	}
	n := uint32(1)
	for ; n < 100; n++ {
		if s, _ := r.send(batchID(n), large(n)); s.Decision != receipt.Stored {
			if s.Decision != receipt.SlowDown || s.Reason != receipt.ReasonUnavailable {
				t.Fatalf("%+v", s)
			}
			break
		}
	}
	if got := r.stored(); n < 3 || len(got) != int(n-1) {
		t.Fatalf("%d batches were acknowledged, %d are stored", n-1, len(got))
	}
	if err := r.inbox.Ack(t.Context(), collector.ReaderName(r.feedKey.Public().(ed25519.PublicKey)), r.stored()[n-2].Seq); err != nil {
		t.Fatal(err)
	}
	if s, _ := r.send(batchID(n), large(n)); s.Decision != receipt.Stored {
		t.Errorf("after the detector took everything: %+v", s)
	}
	if !strings.Contains(r.log.String(), "inbox takes uploads again") {
		t.Error("the recovery is not in the log")
	}
}

func TestAfterRunAgentsAreSentElsewhere(t *testing.T) {
	r := newRig(t, nil)
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	if err := r.Run(t.Context()); err == nil {
		t.Error("Run can be called twice")
	}
	s, a := r.send(batchID(1), r.segment(1))
	if a.status != 503 || s.Batch != batchID(1) || s.Decision != receipt.SlowDown || s.Reason != receipt.ReasonUnavailable {
		t.Errorf("status %d, %+v", a.status, s)
	}
	if n := len(r.stored()); n != 0 {
		t.Errorf("%d batches are stored", n)
	}
	if err := r.Ready(t.Context()); err == nil {
		t.Error("Ready after Run")
	}
}

func TestDrainWaitsForUploadsInFlight(t *testing.T) {
	r := newRig(t, nil)
	segment := r.segment(1)
	body, feed := io.Pipe()
	req := r.upload(batchID(1), body)
	req.ContentLength = int64(len(segment))
	answered := make(chan receipt.Statement, 1)
	go func() { answered <- r.statement(r.do(req)) }()
	must(feed.Write(segment[:100]))(t)
	r.await("an upload in flight", func() bool { return r.metric("uploads_in_flight") == 1 })
	down := make(chan error, 1)
	go func() { down <- r.stop() }()
	r.await("a closed gate", func() bool { return r.Ready(t.Context()) != nil })
	select {
	case err := <-down:
		t.Fatalf("Run = %v with an upload in flight", err)
	default:
	}
	must(feed.Write(segment[100:]))(t)
	if s := <-answered; s.Decision != receipt.Stored {
		t.Errorf("the upload in flight: %+v", s)
	}
	if err := <-down; err != nil {
		t.Errorf("Run = %v", err)
	}
}

// behindProxy makes a request that a trusted proxy has got from an address.
func behindProxy(req *http.Request, from string) *http.Request {
	req.Header.Set("X-Forwarded-For", from)
	return req
}

func trustLoopback(o *collector.Options) {
	o.Settings.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
}

func TestOneNetworkCannotKeepOthersOut(t *testing.T) {
	r := newRig(t, func(o *collector.Options, _ *sqliteinbox.Options) {
		trustLoopback(o)
		o.Limits = collector.Limits{Requests: 0.3}
	})
	stored := 0
	for n := range uint32(6) {
		a := r.do(behindProxy(r.upload(batchID(n), bytes.NewReader(r.segment(n))), "192.0.2.7"))
		switch s := r.statement(a); {
		case s.Decision == receipt.Stored:
			stored++
		case s.Decision != receipt.SlowDown || s.Reason != receipt.ReasonOverload || s.DelayMS < 5000 || s.Body != [32]byte{}:
			t.Errorf("%+v", s)
		}
	}
	if stored != 3 {
		t.Errorf("%d of the loud network are stored, want 3", stored)
	}
	req := must(http.NewRequestWithContext(t.Context(), "POST", r.url+"/v1/reports", strings.NewReader("[]")))(t)
	req.Header.Set("Content-Type", "application/reports+json")
	if a := r.do(behindProxy(req, "192.0.2.8")); a.status != http.StatusNoContent || r.metric("dropped_reports_total", "overload") != 1 {
		t.Errorf("a browser of the loud network: status %d, %v drops; want 204 and a counted drop", a.status, r.metric("dropped_reports_total"))
	}
	if s := r.statement(r.do(behindProxy(r.upload(batchID(9), bytes.NewReader(r.segment(9))), "198.51.100.1"))); s.Decision != receipt.Stored {
		t.Errorf("another network: %+v", s)
	}
	if n := r.metric("shed_uploads_total", "network"); n != 4 {
		t.Errorf("%v uploads are counted as shed", n)
	}
}

func TestBodiesHaveAMemoryBudget(t *testing.T) {
	r := newRig(t, func(o *collector.Options, _ *sqliteinbox.Options) { o.MaxBodyBytes = 1 << 20 })
	var open []net.Conn
	for n := range uint32(5) { // each has read more than 128 KiB into a buffer of 256 KiB
		open = append(open, r.rawUpload(batchID(n), 200_000, "HGS"+strings.Repeat("x", 140_000)))
	}
	r.await("a refusal for want of memory", func() bool { return r.metric("shed_uploads_total", "memory") > 0 })
	if n := r.metric("body_bytes"); n > 1<<20 {
		t.Errorf("%v bytes are in use", n)
	}
	for _, c := range open {
		c.Close()
	}
	r.await("the memory to be free", func() bool { return r.metric("body_bytes") == 0 })
	if s, _ := r.send(batchID(9), r.segment(9)); s.Decision != receipt.Stored {
		t.Errorf("after that: %+v", s)
	}
}

// What browsers' reports become while they wait for the inbox counts as the bodies of uploads do.
func TestWaitingReportsOfBrowsersCountAsBodies(t *testing.T) {
	inbox := &hangingInbox{Inbox: must(sqliteinbox.Open(t.TempDir()+"/inbox.db", sqliteinbox.Options{}))(t), release: make(chan struct{})}
	r := newRig(t, func(o *collector.Options, _ *sqliteinbox.Options) {
		o.Inbox, o.MaxBodyBytes = inbox, 1<<20
	})
	free := sync.OnceFunc(func() { close(inbox.release) })
	defer free()
	reports := make([]string, 200)
	for i := range reports {
		reports[i] = nel("https://shop.example/cart?card=secret", "https://"+strings.Repeat(fmt.Sprintf("n%d.", i), 40)+"test/")
	}
	body := "[" + strings.Join(reports, ",") + "]"
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() { r.report(body) })
	}
	r.await("all uploads", func() bool { return r.metric("received_bytes_total", "reports") == float64(4*len(body)) })
	r.await("nothing but what waits after decoding", func() bool {
		waiting := r.metric("body_bytes")
		return waiting >= 4*20<<10 && waiting <= float64(4*len(body))
	})
	for range 60 {
		wg.Go(func() { r.report(body) })
	}
	r.await("a refusal for want of memory", func() bool { return r.metric("dropped_reports_total", "overload") > 0 })
	if n := r.metric("body_bytes"); n > 1<<20 {
		t.Errorf("%v bytes are in use", n)
	}
	free()
	wg.Wait()
	r.await("the memory to be free", func() bool { return r.metric("body_bytes") == 0 })
}
