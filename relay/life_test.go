package relay_test

import (
	"bytes"
	"crypto/ed25519"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/internal/protocol"
	"github.com/heliograph-net/heliograph/privacy/auth"
	"github.com/heliograph-net/heliograph/privacy/ohttp"
	"github.com/heliograph-net/heliograph/relay"
)

// A relay that is told to end finishes the requests that the collector answers in time, tells the
// other clients to try later, and ends within three seconds.
func TestRunDrains(t *testing.T) {
	asked := make(chan string, 2)
	release := make(chan struct{})
	var r *rig
	r = newRig(t, func(w http.ResponseWriter, req *http.Request) {
		if req.Method == http.MethodGet { // sent by Ready
			w.WriteHeader(http.StatusNotFound)
			return
		}
		last := r.all()[len(r.all())-1]
		asked <- string(last.body)
		if string(last.body) == "stuck" {
			<-req.Context().Done()
			return
		}
		<-release
		encapsulated(w, req)
	}, nil)
	var wg sync.WaitGroup
	for body, want := range map[string]int{"slow": http.StatusOK, "stuck": http.StatusServiceUnavailable} {
		wg.Go(func() {
			if a := r.post(body); a.status != want || (a.header.Get("Retry-After") == "") != (want == http.StatusOK) {
				t.Errorf("%s: %d %q, want %d", body, a.status, a.body, want)
			}
		})
		<-asked
	}
	began := time.Now()
	ended := make(chan error, 1)
	go func() { ended <- r.stop() }()
	for r.relay.Ready(t.Context()) == nil || !strings.Contains(r.relay.Ready(t.Context()).Error(), "stopping") {
		time.Sleep(time.Millisecond)
	}
	if a := r.post("late"); a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" || a.header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("while it drains: %d, %v", a.status, a.header)
	}
	close(release)
	wg.Wait()
	if err := <-ended; err != nil || time.Since(began) > 5*time.Second {
		t.Errorf("%v after %v", err, time.Since(began))
	}
	if a := r.post("later"); a.status != http.StatusServiceUnavailable {
		t.Errorf("after its end: %d", a.status)
	}
	for _, s := range r.all() {
		if strings.HasPrefix(string(s.body), "late") {
			t.Error("a request that came too late was forwarded")
		}
	}
}

func TestReloadReplacesCollectorKeyAndLimits(t *testing.T) {
	r := newRig(t, func(w http.ResponseWriter, req *http.Request) {
		if req.Method == http.MethodGet {
			w.Header().Set("Content-Type", ohttp.MediaTypeKeys)
			_, _ = w.Write([]byte("old list"))
			return
		}
		encapsulated(w, req)
	}, nil)
	list := func() string {
		return r.from("127.0.0.1", r.request("GET", protocol.PathObliviousKeys, "")).body
	}
	if got := list(); got != "old list" {
		t.Fatalf("%q", got)
	}
	next := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{2}, 32))
	var mu sync.Mutex
	var header http.Header
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.Method == http.MethodGet {
			w.Header().Set("Content-Type", ohttp.MediaTypeKeys)
			_, _ = w.Write([]byte("new list"))
			return
		}
		mu.Lock()
		header = req.Header.Clone()
		mu.Unlock()
		encapsulated(w, req)
	}))
	defer other.Close()

	for name, bad := range map[string]relay.Settings{
		"no collector": {},
		"plain HTTP":   {Gateway: "http://collector.example"},
		"no id":        {Gateway: other.URL, Key: next},
	} {
		if err := r.relay.Reload(bad); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if a := r.post("x"); a.status != 200 || len(r.all()) != 2 || list() != "old list" {
		t.Errorf("after a reload that failed: %d, %d requests", a.status, len(r.all()))
	}
	before := len(r.all())
	if err := r.relay.Reload(relay.Settings{Gateway: other.URL, Collector: "c2", Key: next, Networks: table{}, MaxRequests: 1}); err != nil {
		t.Fatal(err)
	}
	if a := r.post("x"); a.status != 200 || len(r.all()) != before || list() != "new list" {
		t.Errorf("after the reload: %d, %d requests to the old collector", a.status, len(r.all())-before)
	}
	mu.Lock()
	defer mu.Unlock()
	_, err := auth.VerifyRelay(header.Get("Authorization"), "c2", header.Get(protocol.HeaderNetwork), time.Now(), time.Minute, next.Public().(ed25519.PublicKey))
	if err != nil {
		t.Errorf("signature: %v", err)
	}
}

// New limits apply at once after a reload, to requests in flight too.
func TestReloadChangesPlaces(t *testing.T) {
	release := make(chan struct{})
	r := newRig(t, func(w http.ResponseWriter, req *http.Request) { <-release; encapsulated(w, req) }, nil)
	var wg sync.WaitGroup
	wg.Go(func() {
		if a := r.post("x"); a.status != 200 {
			t.Errorf("in flight: %d", a.status)
		}
	})
	for len(r.all()) < 1 {
		time.Sleep(time.Millisecond)
	}
	if err := r.relay.Reload(relay.Settings{Gateway: r.gateway.URL, MaxRequests: 1}); err != nil {
		t.Fatal(err)
	}
	if a := r.post("x"); a.status != 503 {
		t.Errorf("a second of 1: %d", a.status)
	}
	close(release)
	wg.Wait()
	if a := r.post("x"); a.status != 200 {
		t.Errorf("afterwards: %d", a.status)
	}
}
