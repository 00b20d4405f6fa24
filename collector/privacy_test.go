package collector_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime/pprof"
	"strings"
	"testing"

	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/collector/sqliteinbox"
	"github.com/heliograph-net/heliograph/internal/protocol"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// Everything that clients do comes from one marked address; then that address, and what else must
// go nowhere, is looked for in the inbox's files, in the log (net/http's among it), in the metrics,
// in the profiles and in what a detector gets.
func TestClientAddressGoesNowhere(t *testing.T) {
	t.Run("direct", func(t *testing.T) {
		addressGoesNowhere(t, newRig(t, nil), "127.77.66.55", "127.77.66.55", "X-Forwarded-For")
	})
	for _, header := range []string{"X-Forwarded-For", "Forwarded"} {
		t.Run("behind a proxy, "+header, func(t *testing.T) {
			r := newRig(t, func(o *collector.Options, _ *sqliteinbox.Options) {
				trustLoopback(o)
				o.Settings.ForwardedHeader = header
			})
			addressGoesNowhere(t, r, "203.0.113.55", "127.0.0.1", header)
		})
	}
}

// addressGoesNowhere sends from an address; a header names the marked one, which is the same or is
// behind it.
func addressGoesNowhere(t *testing.T, r *rig, marked, from, header string) {
	client := &http.Client{Transport: &http.Transport{DialContext: dialFrom(from)}}
	forwarded := marked
	if header == "Forwarded" {
		forwarded = "for=" + marked
	}
	send := func(req *http.Request) {
		t.Helper()
		req.Header.Set("User-Agent", "MarkedAgent/1.0 (Windows)")
		req.Header.Set("Referer", "https://marked-referrer.example/")
		req.Header.Set(header, forwarded)
		resp := must(client.Do(req))(t)
		resp.Body.Close()
	}
	segment := r.segment(1)
	for range 2 { // stored, duplicate
		send(r.upload(batchID(1), bytes.NewReader(segment)))
	}
	send(r.upload(batchID(1), bytes.NewReader(r.segment(1)))) // another body
	send(r.upload(batchID(2), strings.NewReader("garbage")))
	send(r.upload(batchID(2), bytes.NewReader(make([]byte, seal.MaxSegment+1))))
	for _, body := range []string{"[" + nel("Mozilla/5.0", "MarkedAgent/1.0", "https://shop.example/\"", "https://marked-referrer.example/\"") + "]", "garbage"} {
		req := must(http.NewRequestWithContext(t.Context(), "POST", r.url+"/v1/reports", strings.NewReader(body)))(t)
		req.Header.Set("Content-Type", "application/reports+json")
		send(req)
	}
	for _, path := range []string{"/v1/policy", "/v1/feed?after=1&" + marked, "/nowhere/" + marked} {
		send(must(http.NewRequestWithContext(t.Context(), "GET", r.url+path, nil))(t))
	}
	r.brokenConnection(from)
	r.panicUnderHandler(marked)
	metrics := r.exposition()
	feed := r.feed("")
	opened := feed.body
	for _, e := range r.batches(feed) {
		if e.ASN != 64502 || e.Country != "SE" { // it was the marked address that was looked up
			t.Errorf("batch of AS%d, %s", e.ASN, e.Country)
		}
		for _, rec := range r.records(e.Segment) {
			opened = append(opened, must(report.AppendRecord(nil, rec))(t)...)
		}
	}
	if len(r.stored()) != 3 {
		t.Errorf("%d batches are stored, want two of an agent and one of a browser", len(r.stored()))
	}
	if err := r.inbox.Close(); err != nil { // what Ready then says is logged too
		t.Fatal(err)
	}
	send(r.upload(batchID(3), bytes.NewReader(r.segment(3))))

	places := map[string][]byte{"log": []byte(r.log.String()), "metrics": metrics, "feed": opened}
	for _, p := range pprof.Profiles() {
		var b bytes.Buffer
		if err := p.WriteTo(&b, 1); err != nil {
			t.Fatal(err)
		}
		places["profile "+p.Name()] = b.Bytes()
	}
	must(0, filepath.WalkDir(r.dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			places[d.Name()], err = os.ReadFile(path)
		}
		return err
	}))(t)
	if len(places) < 4 || len(places["inbox.db"]) == 0 || len(places["log"]) == 0 || !bytes.Contains(metrics, []byte("requests_total")) {
		t.Fatalf("nothing to look at: %d places", len(places))
	}
	for where, b := range places {
		for _, secret := range []string{marked, hex.EncodeToString(net.ParseIP(marked).To4()), "MarkedAgent", "marked-referrer", "secret"} {
			if at := bytes.Index(b, []byte(secret)); at >= 0 {
				t.Errorf("%q is in %s: %q", secret, where, b[max(0, at-80):min(len(b), at+80)])
			}
		}
	}
}

func dialFrom(address string) func(context.Context, string, string) (net.Conn, error) {
	return (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}).DialContext
}

// brokenConnection breaks off in the middle of a body.
func (r *rig) brokenConnection(from string) {
	r.t.Helper()
	c := must(dialFrom(from)(r.t.Context(), "tcp", strings.TrimPrefix(r.url, "http://")))(r.t)
	must(c.Write([]byte("POST /v1/batches HTTP/1.1\r\nHost: c\r\nContent-Type: " + protocol.MediaTypeSegment + "\r\nContent-Length: 999\r\n\r\nHGS")))(r.t)
	c.Close()
	r.await("the broken upload", func() bool { return r.metric("requests_total", "batches", "400") >= 2 })
}

// panicUnderHandler makes a handler panic: what net/http would log then has the peer's address.
func (r *rig) panicUnderHandler(from string) {
	r.t.Helper()
	req := httptest.NewRequest("POST", "/v1/batches", panicking{})
	req.RemoteAddr = from + ":1234"
	req.Header.Set("Content-Type", protocol.MediaTypeSegment)
	if a := serve(r.Handler(), req); a.status != http.StatusInternalServerError || !strings.Contains(r.log.String(), "panic in a handler") {
		r.t.Errorf("status %d after a panic", a.status)
	}
}

type panicking struct{}

func (panicking) Read([]byte) (int, error) { panic("reading") }
func (panicking) Close() error             { return nil }
