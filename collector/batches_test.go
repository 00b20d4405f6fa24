package collector_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"net/http"
	"reflect"
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

func TestUploadWithoutDeliveryHeaderIsTaken(t *testing.T) {
	r := newRig(t, nil)
	segment := r.segment(1)
	req := r.upload(batchID(1), bytes.NewReader(segment))
	req.Header.Del(protocol.HeaderDelivery)
	if a := r.do(req); a.status != http.StatusAccepted {
		t.Errorf("status %d, want 202: a report with a doubtful age is better than none", a.status)
	}
	if got := r.stored(); len(got) != 1 || got[0].Delivery.Age != 0 {
		t.Errorf("stored %+v", got)
	}
}

func TestBatchIsStoredAndReceipted(t *testing.T) {
	r := newRig(t, nil)
	before := time.Now().UnixMilli()
	segment := r.segment(1)
	s, a := r.send(batchID(1), segment)
	if want := (receipt.Statement{Batch: batchID(1), Body: sha(segment), Decision: receipt.Stored}); s != want || a.status != http.StatusAccepted {
		t.Errorf("status %d, statement %+v, want 202 and %+v", a.status, s, want)
	}
	got := r.stored()
	if len(got) != 1 {
		t.Fatalf("%d batches are stored", len(got))
	}
	e := got[0]
	if e.Received < before || e.Received > time.Now().UnixMilli() {
		t.Errorf("received at %d", e.Received)
	}
	want := report.Envelope{Seq: e.Seq, Batch: batchID(1), Received: e.Received, Collector: "c1", ASN: 64501, Country: "DE", Delivery: testDelivery, Segment: segment}
	if !reflect.DeepEqual(e, want) {
		t.Errorf("stored %+v, want %+v", e, want)
	}
}

func TestReplayIsADuplicate(t *testing.T) {
	r := newRig(t, nil)
	segment := r.segment(1)
	r.send(batchID(1), segment)
	s, a := r.send(batchID(1), segment)
	if s.Decision != receipt.Stored || s.Reason != receipt.ReasonDuplicate || s.Body != sha(segment) || a.status != http.StatusAccepted {
		t.Errorf("status %d, %+v; want 202, stored, duplicate", a.status, s)
	}
	if n := len(r.stored()); n != 1 {
		t.Errorf("%d batches are stored, want 1", n)
	}
}

func TestConcurrentReplaysAreStoredOnce(t *testing.T) {
	r := newRig(t, nil)
	segments := [][]byte{r.segment(0), r.segment(1), r.segment(2)}
	var wg sync.WaitGroup
	var mu sync.Mutex
	fresh := 0
	for n := range 30 {
		wg.Go(func() {
			s, _ := r.send(batchID(uint32(n%3)), segments[n%3])
			if s.Decision != receipt.Stored {
				t.Errorf("%+v", s)
			}
			mu.Lock()
			defer mu.Unlock()
			if s.Reason == "" {
				fresh++
			}
		})
	}
	wg.Wait()
	if fresh != 3 || len(r.stored()) != 3 {
		t.Errorf("%d answers said new, %d are stored; want 3 and 3", fresh, len(r.stored()))
	}
}

// Every refusal is named, signed, and changes nothing.
func TestRefusals(t *testing.T) {
	r := newRig(t, nil)
	good := r.segment(1)
	r.send(batchID(1), good)
	alter := func(change func(b []byte) []byte) []byte { return change(bytes.Clone(r.segment(2))) }
	header := func(name, value string) func(*http.Request) {
		return func(req *http.Request) { req.Header.Set(name, value) }
	}
	unannounced := func(req *http.Request) { req.Body, req.ContentLength = io.NopCloser(req.Body), -1 }
	huge := bytes.Repeat([]byte{0}, seal.MaxSegment+1)
	for name, c := range map[string]struct {
		body    []byte
		change  func(*http.Request)
		status  int
		reason  string
		unread  bool // the receipt names no body
		batchID report.BatchID
	}{
		"garbage":              {body: []byte("hello, world"), status: 400, reason: receipt.ReasonMalformed},
		"bytes after the end":  {body: alter(func(b []byte) []byte { return append(b, 0) }), status: 400, reason: receipt.ReasonMalformed},
		"empty":                {body: nil, status: 400, reason: receipt.ReasonTruncated},
		"cut":                  {body: good[:len(good)-5], status: 400, reason: receipt.ReasonTruncated},
		"no end mark":          {body: alter(func(b []byte) []byte { return b[:len(b)-4] }), status: 400, reason: receipt.ReasonTruncated},
		"newer version":        {body: alter(func(b []byte) []byte { b[3] = 2; return b }), status: 400, reason: receipt.ReasonVersion},
		"zero id":              {body: sealed(t, r.openKey.SealKey(), report.BatchID{}), change: header(protocol.HeaderBatch, ""), status: 400, reason: receipt.ReasonMalformed, batchID: report.BatchID{1: 1}},
		"announced too large":  {body: huge, status: 413, reason: receipt.ReasonTooLarge, unread: true},
		"turns out too large":  {body: huge, change: unannounced, status: 413, reason: receipt.ReasonTooLarge, unread: true},
		"largest, but garbage": {body: huge[:seal.MaxSegment], status: 400, reason: receipt.ReasonMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			req := r.upload(batchID(2), bytes.NewReader(c.body))
			if c.change != nil {
				c.change(req)
			}
			a := r.do(req)
			s := r.statement(a)
			if a.status != c.status || s.Decision != receipt.Refused || s.Reason != c.reason {
				t.Errorf("status %d, %v %q; want %d, refused %q", a.status, s.Decision, s.Reason, c.status, c.reason)
			}
			want := sha(c.body)
			if c.unread {
				want = [32]byte{}
			}
			if s.Body != want {
				t.Errorf("the receipt is for another body")
			}
			if c.batchID == (report.BatchID{}) {
				c.batchID = batchID(2)
			}
			if s.Batch != c.batchID && name != "zero id" {
				t.Errorf("the receipt is for batch %v, want %v", s.Batch, c.batchID)
			}
		})
	}
	if got := r.stored(); len(got) != 1 || !bytes.Equal(got[0].Segment, good) {
		t.Errorf("%d batches are stored; want the first alone", len(got))
	}
}

// What another collector, or this one with other settings, might take is not refused for good.
func TestDeclinedBatchesStayWithTheAgent(t *testing.T) {
	r := newRig(t, nil)
	whole := r.segment(1)
	r.send(batchID(1), whole[:len(whole):len(whole)])
	for name, c := range map[string]struct {
		id     report.BatchID
		body   []byte
		status int
		reason string
	}{
		"key of a stranger": {batchID(2), sealed(t, must(seal.GenerateOpenKey())(t).SealKey(), batchID(2)), 400, receipt.ReasonUnknownKey},
	} {
		s, a := r.send(c.id, c.body)
		if a.status != c.status || s.Decision != receipt.SlowDown || s.Reason != c.reason || s.Final() || !s.Declines() || s.Batch != c.id || s.Body != sha(c.body) {
			t.Errorf("%s: status %d, %+v; want %d, slow down, %s", name, a.status, s, c.status, c.reason)
		}
	}
	if got := r.stored(); len(got) != 1 {
		t.Errorf("%d batches are stored, want the first alone", len(got))
	}
}

// Whoever has seen an id can plant something of their own under it, or the batch cut, and keeps
// nothing out with that: each body is stored, once, and receipted.
func TestPlantedBodiesKeepNothingOut(t *testing.T) {
	r := newRig(t, nil)
	whole := r.segment(1)
	cut := seal.AppendEnd(bytes.Clone(whole[:1148+4+int(binary.BigEndian.Uint32(whole[1148:]))]))
	for n, body := range [][]byte{r.segment(1), cut, whole, whole, r.segment(1)} {
		s, a := r.send(batchID(1), body)
		reason := ""
		if n == 3 {
			reason = receipt.ReasonDuplicate
		}
		if a.status != 202 || s.Decision != receipt.Stored || s.Reason != reason || s.Body != sha(body) {
			t.Errorf("body %d: status %d, %+v", n, a.status, s)
		}
	}
	if got := r.stored(); len(got) != 4 {
		t.Errorf("%d batches are stored, want each body once", len(got))
	}
}

// No receipt covers the headers, so that a proxy that mangles one must not cost the batch.
func TestMangledHeadersCostNoBatch(t *testing.T) {
	r := newRig(t, nil)
	n := uint32(0)
	for name, change := range map[string]func(http.Header){
		"delivery not base64": func(h http.Header) { h.Set(protocol.HeaderDelivery, "!") },
		"delivery not CBOR":   func(h http.Header) { h.Set(protocol.HeaderDelivery, "____") },
		"delivery cut":        func(h http.Header) { h.Set(protocol.HeaderDelivery, h.Get(protocol.HeaderDelivery)[:4]) },
		"delivery in capitals": func(h http.Header) {
			h.Set(protocol.HeaderDelivery, strings.ToUpper(h.Get(protocol.HeaderDelivery)))
		},
		"delivery twice in one": func(h http.Header) {
			h.Set(protocol.HeaderDelivery, h.Get(protocol.HeaderDelivery)+", "+h.Get(protocol.HeaderDelivery))
		},
		"delivery too long":     func(h http.Header) { h.Set(protocol.HeaderDelivery, strings.Repeat("A", 16<<10)) },
		"delivery in two lines": func(h http.Header) { h.Add(protocol.HeaderDelivery, "x") },
		"delivery in quotes":    func(h http.Header) { h.Set(protocol.HeaderDelivery, `"`+h.Get(protocol.HeaderDelivery)+`"`) },
		"delivery of others":    func(h http.Header) { h.Set(protocol.HeaderDelivery, "\xff\xfe") },
		"delivery empty":        func(h http.Header) { h.Set(protocol.HeaderDelivery, "") },
		"id in two lines":       func(h http.Header) { h.Add(protocol.HeaderBatch, batchID(98).String()) },
		"id in capitals":        func(h http.Header) { h.Set(protocol.HeaderBatch, strings.ToUpper(h.Get(protocol.HeaderBatch))) },
		"a coding of nothing":   func(h http.Header) { h.Set("Content-Encoding", "identity") },
		"a type with more":      func(h http.Header) { h.Set("Content-Type", protocol.MediaTypeSegment+";charset=utf-8") },
		"id not hex":            func(h http.Header) { h.Set(protocol.HeaderBatch, "x") },
		"id cut":                func(h http.Header) { h.Set(protocol.HeaderBatch, h.Get(protocol.HeaderBatch)[:8]) },
		"another batch's id":    func(h http.Header) { h.Set(protocol.HeaderBatch, batchID(99).String()) },
		"both missing":          func(h http.Header) { h.Del(protocol.HeaderBatch); h.Del(protocol.HeaderDelivery) },
	} {
		n++
		req := r.upload(batchID(n), bytes.NewReader(r.segment(n)))
		change(req.Header)
		a := r.do(req)
		if s := r.statement(a); a.status != 202 || s.Decision != receipt.Stored || s.Batch != batchID(n) {
			t.Errorf("%s: status %d, %+v; want stored, by the segment's id", name, a.status, s)
		}
	}
	if got := r.stored(); len(got) != int(n) {
		t.Errorf("%d batches are stored, want %d", len(got), n)
	}
}

func TestBatchIDHeaderMayBeMissing(t *testing.T) {
	r := newRig(t, nil)
	req := r.upload(batchID(1), bytes.NewReader(r.segment(1)))
	req.Header.Del(protocol.HeaderBatch)
	if s := r.statement(r.do(req)); s.Decision != receipt.Stored || s.Batch != batchID(1) {
		t.Errorf("%+v", s)
	}
}

func TestAnyKeyIsTakenWithoutAList(t *testing.T) {
	r := newRig(t, func(o *collector.Options, _ *sqliteinbox.Options) { o.Settings.Keys = nil })
	stranger := must(seal.GenerateOpenKey())(t)
	if s, _ := r.send(batchID(1), sealed(t, stranger.SealKey(), batchID(1))); s.Decision != receipt.Stored {
		t.Errorf("%+v", s)
	}
}

func TestWrongContentTypeIsNoUpload(t *testing.T) {
	r := newRig(t, nil)
	for _, contentType := range []string{"", "application/octet-stream", "multipart/form-data; boundary=", protocol.MediaTypeReceipt} {
		req := r.upload(batchID(1), bytes.NewReader(r.segment(1)))
		req.Header.Set("Content-Type", contentType)
		if a := r.do(req); a.status != http.StatusUnsupportedMediaType {
			t.Errorf("%q: status %d, want 415", contentType, a.status)
		}
	}
	req := r.upload(batchID(1), bytes.NewReader(r.segment(1)))
	req.Header.Set("Content-Type", strings.ToUpper(protocol.MediaTypeSegment)+"; charset=x")
	if s := r.statement(r.do(req)); s.Decision != receipt.Stored {
		t.Errorf("parameters and case: %+v", s)
	}
}
