package httpx

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// rig is a service with one route.
type rig struct {
	routes Routes
	logged bytes.Buffer
}

func newRig() *rig {
	r := new(rig)
	r.routes = Routes{
		Requests:    prometheus.NewCounterVec(prometheus.CounterOpts{Name: "requests"}, []string{"route", "code"}),
		Duration:    prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "duration"}, []string{"route"}),
		Logger:      slog.New(slog.NewTextHandler(&r.logged, nil)),
		ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second,
	}
	return r
}

// answered returns how many answers with a status were counted.
func (r *rig) answered(t *testing.T, code int) (n float64) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(r.routes.Requests)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			for _, label := range m.GetLabel() {
				if label.GetName() == "code" && label.GetValue() == strconv.Itoa(code) {
					n += m.GetCounter().GetValue()
				}
			}
		}
	}
	return n
}

func TestHandlersAreAnsweredAndCounted(t *testing.T) {
	for name, c := range map[string]struct {
		handler Handler
		code    int
		body    string
		logged  string
	}{
		"nothing written": {func(http.ResponseWriter, *http.Request) error { return nil }, 200, "", ""},
		"a body alone":    {func(w http.ResponseWriter, _ *http.Request) error { _, err := w.Write([]byte("hi")); return err }, 200, "hi", ""},
		"a status":        {func(w http.ResponseWriter, _ *http.Request) error { w.WriteHeader(204); return nil }, 204, "", ""},
		"an early hint": {func(w http.ResponseWriter, _ *http.Request) error {
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(202)
			return nil
		}, 202, "", ""},
		"an error to read": {func(http.ResponseWriter, *http.Request) error { return NewError(415, "want text") }, 415, "want text\n", ""},
		"an error inside":  {func(http.ResponseWriter, *http.Request) error { return errors.New("the disk's secret") }, 500, "internal error\n", "the disk's secret"},
		"a panic":          {func(http.ResponseWriter, *http.Request) error { panic("boom") }, 500, "internal error\n", "boom"},
		"a late panic": {func(w http.ResponseWriter, _ *http.Request) error {
			w.WriteHeader(202)
			panic("boom")
		}, 202, "", "boom"},
		"a status without a place": {func(w http.ResponseWriter, _ *http.Request) error { w.WriteHeader(777); return nil }, 777, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig()
			srv := httptest.NewServer(r.routes.Handle("upload", c.handler))
			defer srv.Close()
			for range 2 {
				resp, err := http.Get(srv.URL)
				if err != nil {
					t.Fatal(err)
				}
				body, _ := io.ReadAll(resp.Body)
				resp.Body.Close()
				if resp.StatusCode != c.code || string(body) != c.body {
					t.Errorf("%d %q, want %d %q", resp.StatusCode, body, c.code, c.body)
				}
			}
			if n := r.answered(t, c.code); n != 2 {
				t.Errorf("%v counted, want 2", n)
			}
			if logged := r.logged.String(); (logged == "") != (c.logged == "") || !strings.Contains(logged, c.logged) || strings.Contains(logged, "127.0.0.1") {
				t.Errorf("logged %q, want %q and no address", logged, c.logged)
			}
		})
	}
}

func TestAbortingAHandlerCutsTheConnection(t *testing.T) {
	r := newRig()
	srv := httptest.NewServer(r.routes.Handle("upload", func(http.ResponseWriter, *http.Request) error { panic(http.ErrAbortHandler) }))
	defer srv.Close()
	if _, err := http.Get(srv.URL); err == nil {
		t.Error("it was answered")
	}
	if r.logged.Len() != 0 {
		t.Errorf("logged %q", &r.logged)
	}
}

// trickle is a body that stops before its end.
type trickle struct {
	first string
	end   error         // nil: it never comes
	until chan struct{} // closed: it ends
}

func (b *trickle) Read(p []byte) (int, error) {
	if b.first != "" {
		n := copy(p, b.first)
		b.first = b.first[n:]
		return n, nil
	}
	if b.end == nil {
		<-b.until
		return 0, io.ErrUnexpectedEOF
	}
	return 0, b.end
}

func TestReadBody(t *testing.T) {
	r := newRig()
	r.routes.ReadTimeout = 200 * time.Millisecond
	srv := httptest.NewServer(r.routes.Handle("upload", func(w http.ResponseWriter, req *http.Request) error {
		body, err := ReadBody(w, req, 100)
		if err == nil {
			_, err = w.Write(body)
		}
		return err
	}))
	defer srv.Close()
	until := make(chan struct{})
	defer close(until)
	for name, c := range map[string]struct {
		body   io.Reader
		length int64 // announced; -1: not
		code   int
		text   string
	}{
		"whole":             {strings.NewReader("hello"), 5, 200, "hello"},
		"empty":             {strings.NewReader(""), 0, 200, ""},
		"chunked":           {strings.NewReader("hello"), -1, 200, "hello"},
		"as long as may be": {strings.NewReader(strings.Repeat("x", 100)), 100, 200, strings.Repeat("x", 100)},
		"announced longer":  {strings.NewReader(strings.Repeat("x", 101)), 101, 413, "body is too large\n"},
		"longer":            {strings.NewReader(strings.Repeat("x", 101)), -1, 413, "body is too large\n"},
		"slow":              {&trickle{first: "he", until: until}, 5, 408, "body did not arrive in time\n"},
		"ended too soon":    {&trickle{first: "he", end: io.ErrUnexpectedEOF}, 5, 0, ""},
	} {
		req, err := http.NewRequest("POST", srv.URL, c.body)
		if err != nil {
			t.Fatal(err)
		}
		req.ContentLength = c.length
		resp, err := http.DefaultClient.Do(req)
		if c.code == 0 {
			if err == nil {
				t.Errorf("%s: %s", name, resp.Status)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		text, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != c.code || string(text) != c.text {
			t.Errorf("%s: %d %q, want %d %q", name, resp.StatusCode, text, c.code, c.text)
		}
	}
	if err := BodyError(io.ErrUnexpectedEOF); err != ErrBroken {
		t.Errorf("a body that breaks off: %v", err)
	}
}

func TestHasType(t *testing.T) {
	for have, want := range map[string]bool{
		"a/b": true, "c/d": true, "A/B": true, "a/b; charset=utf-8": true, "": false, "a/bc": false, "a/b;;;=": false,
	} {
		if got := HasType(http.Header{"Content-Type": {have}}, "a/b", "c/d"); got != want {
			t.Errorf("%q: %v", have, got)
		}
	}
}

func TestPeer(t *testing.T) {
	for from, want := range map[string]string{"192.0.2.1:80": "192.0.2.1", "[fe80::1%eth0]:1": "fe80::1", "@": "invalid IP"} {
		if got := Peer(&http.Request{RemoteAddr: from}).String(); got != want {
			t.Errorf("%q: %s, want %s", from, got, want)
		}
	}
}

func TestWriteJSON(t *testing.T) {
	w := httptest.NewRecorder()
	if err := WriteJSON(w, 503, map[string]int{"a": 1}); err != nil || w.Code != 503 || w.Body.String() != "{\"a\":1}\n" ||
		w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("%v, %d, %q, %v", err, w.Code, w.Body, w.Header())
	}
	w = httptest.NewRecorder()
	if err := WriteJSON(w, 200, func() {}); err == nil || w.Body.Len() != 0 || len(w.Header()) != 0 {
		t.Errorf("what cannot be encoded: %v, %q, %v", err, w.Body, w.Header())
	}
}
