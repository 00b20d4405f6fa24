package detector

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/internal/protocol"
	"github.com/heliograph-net/heliograph/privacy/auth"
	"github.com/heliograph-net/heliograph/report"
)

var feedKey = ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))

// feedBody is what a collector answers with batches from..to.
func feedBody(t testing.TB, from, to uint64) (b []byte) {
	t.Helper()
	for seq := from; seq <= to; seq++ {
		e, err := report.AppendEnvelope(nil, &report.Envelope{Seq: seq, Batch: BatchNumber(seq), Received: received, Collector: "c1", Country: "ZZ",
			Segment: []byte{1, 2, 3}})
		if err != nil {
			t.Fatal(err)
		}
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(e))), e...)
	}
	return b
}

// serve starts a collector's feed on loopback with a certificate of its own, and a feed that
// trusts it.
func serve(t *testing.T, h http.HandlerFunc) *RemoteFeed {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	return remote(t, s.URL, roots)
}

func remote(t *testing.T, url string, roots *x509.CertPool) *RemoteFeed {
	t.Helper()
	f, err := NewRemoteFeed(FeedOptions{Collector: "c1", URL: url, Key: feedKey, RootCAs: roots, Wait: 3 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.CloseIdleConnections)
	return f
}

func answer(w http.ResponseWriter, body []byte) {
	w.Header().Set("Content-Type", protocol.MediaTypeFeed)
	_, _ = w.Write(body)
}

func TestFeedIsAskedWithCursorAndSignature(t *testing.T) {
	var uris []string
	f := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if _, err := auth.VerifyFeed(r.Header.Get("Authorization"), "c1", r.Method, r.RequestURI, time.Now(), time.Minute, feedKey.Public().(ed25519.PublicKey)); err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		uris = append(uris, r.RequestURI)
		after, _ := strconv.ParseUint(r.URL.Query().Get("after"), 10, 64)
		if after >= 5 {
			answer(w, nil)
			return
		}
		answer(w, feedBody(t, after+1, 5))
	})
	got, err := f.Read(t.Context(), 2, 10)
	if err != nil || len(got) != 3 || got[0].Seq != 3 || got[2].Seq != 5 || got[0].Batch != BatchNumber(3) {
		t.Fatalf("%+v %v", got, err)
	}
	if err := f.Ack(t.Context(), 5); err != nil {
		t.Fatal(err)
	}
	if got, err := f.Read(t.Context(), 5, 10); len(got) != 0 || err != nil {
		t.Fatalf("%+v %v", got, err)
	}
	if got, err := f.Read(t.Context(), 0, 2); len(got) != 2 || err != nil {
		t.Errorf("%d envelopes with a limit of 2, %v", len(got), err)
	}
	want := []string{"/v1/feed?after=2&limit=10&wait=0s", "/v1/feed?after=5&limit=10&wait=0s", "/v1/feed?after=0&limit=2&wait=3s"}
	if !slices.Equal(uris, want) {
		t.Errorf("asked %q, want %q", uris, want)
	}
}

func TestFeedAnswersThatAreNone(t *testing.T) {
	whole := feedBody(t, 1, 3)
	for name, c := range map[string]struct {
		h    http.HandlerFunc
		is   error
		text string
		n    int // envelopes, when there is no error
	}{
		"a cursor of another inbox": {h: func(w http.ResponseWriter, r *http.Request) { http.Error(w, "", http.StatusConflict) }, is: ErrCursor},
		"a key it does not know":    {h: func(w http.ResponseWriter, r *http.Request) { http.Error(w, "unknown key", http.StatusUnauthorized) }, text: `401: "unknown key"`},
		"an endless error": {h: func(w http.ResponseWriter, r *http.Request) {
			http.Error(w, strings.Repeat("x", 1<<20), http.StatusBadGateway)
		}, text: `502: "xxx`},
		"a portal":           {h: func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "<html>please log in") }, text: "no collector"},
		"a redirection":      {h: func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) }, text: "302"},
		"cut after two":      {h: func(w http.ResponseWriter, r *http.Request) { answer(w, whole[:len(whole)-1]) }, n: 2},
		"cut in the first":   {h: func(w http.ResponseWriter, r *http.Request) { answer(w, whole[:9]) }, text: "broke off"},
		"a length too large": {h: func(w http.ResponseWriter, r *http.Request) { answer(w, []byte{255, 255, 255, 255, 1}) }, text: "an envelope of 4294967295 bytes"},
		"a length of zero":   {h: func(w http.ResponseWriter, r *http.Request) { answer(w, []byte{0, 0, 0, 0}) }, text: "an envelope of 0 bytes"},
		"garbage":            {h: func(w http.ResponseWriter, r *http.Request) { answer(w, []byte{0, 0, 0, 1, 0xff}) }, text: "malformed"},
		"killed while it sends": {h: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", strconv.Itoa(len(whole)+100))
			answer(w, whole)
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}, n: 3},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := serve(t, c.h).Read(t.Context(), 0, 10)
			switch {
			case c.is != nil && !errors.Is(err, c.is):
				t.Errorf("%v, want %v", err, c.is)
			case c.text != "" && (err == nil || !strings.Contains(err.Error(), c.text) || len(err.Error()) > 2*maxFeedError):
				t.Errorf("%v, want %q in it", err, c.text)
			case c.is == nil && c.text == "" && (err != nil || len(got) != c.n):
				t.Errorf("%d envelopes, %v, want %d", len(got), err, c.n)
			}
		})
	}
}

func TestFeedOfAStrangerIsNotRead(t *testing.T) {
	asked := false
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { asked = true }))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	defer s.Close()
	_, err := remote(t, s.URL, x509.NewCertPool()).Read(t.Context(), 0, 1)
	if err == nil || asked || strings.Contains(err.Error(), s.URL) {
		t.Errorf("%v; asked: %v", err, asked)
	}
}

func TestFeedReadEndsWithItsContext(t *testing.T) {
	asked := make(chan struct{})
	f := serve(t, func(w http.ResponseWriter, r *http.Request) {
		close(asked)
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-asked
		cancel()
	}()
	if _, err := f.Read(ctx, 0, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestFeedOptions(t *testing.T) {
	good := FeedOptions{Collector: "c1", URL: "https://c1.example.net", Key: feedKey}
	for name, c := range map[string]struct {
		word  string
		spoil func(*FeedOptions)
	}{
		"no id":             {"Collector", func(o *FeedOptions) { o.Collector = "" }},
		"no URL":            {"URL", func(o *FeedOptions) { o.URL = "" }},
		"another scheme":    {"URL", func(o *FeedOptions) { o.URL = "ftp://c1.example.net" }},
		"a path":            {"URL", func(o *FeedOptions) { o.URL = "https://c1.example.net/feed" }},
		"in the clear":      {"https", func(o *FeedOptions) { o.URL = "http://c1.example.net" }},
		"no key":            {"Key", func(o *FeedOptions) { o.Key = nil }},
		"waiting for years": {"Wait", func(o *FeedOptions) { o.Wait = time.Hour }},
	} {
		o := good
		c.spoil(&o)
		if _, err := NewRemoteFeed(o); err == nil || !strings.Contains(err.Error(), c.word) {
			t.Errorf("%s: %v, want %s named", name, err, c.word)
		}
	}
	for _, url := range []string{"https://c1.example.net/", "http://127.0.0.1:8417", "http://[::1]:8417", "http://localhost:1"} {
		o := good
		o.URL = url
		if _, err := NewRemoteFeed(o); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
}

// A collector refuses what is signed for a time far from its own. When only a clock is wrong, the
// feed goes by the collector's.
func TestFeedIsSignedByTheCollectorsClock(t *testing.T) {
	for _, ahead := range []time.Duration{50 * time.Minute, -40 * 24 * time.Hour, 0} {
		t.Run(fmt.Sprint(ahead), func(t *testing.T) {
			var names []string
			f := serve(t, func(w http.ResponseWriter, r *http.Request) {
				now := time.Now().Add(ahead)
				w.Header().Set("Date", now.UTC().Format(http.TimeFormat))
				if _, err := auth.VerifyFeed(r.Header.Get("Authorization"), "c1", r.Method, r.RequestURI, now, 5*time.Minute, feedKey.Public().(ed25519.PublicKey)); err != nil {
					http.Error(w, err.Error(), http.StatusUnauthorized)
					return
				}
				names = append(names, r.Header.Get(protocol.HeaderInbox))
				w.Header().Set(protocol.HeaderInbox, "first")
				answer(w, nil)
			})
			if _, known := f.ClockSkew(); known {
				t.Error("it knows the collector's clock before it has asked")
			}
			if _, err := f.Read(t.Context(), 0, 10); (err == nil) != (ahead == 0) || err != nil && !errors.Is(err, ErrRefused) {
				t.Errorf("the first time: %v", err)
			}
			for range 2 {
				if _, err := f.Read(t.Context(), 0, 10); err != nil {
					t.Errorf("the next time: %v", err)
				}
			}
			if skew, known := f.ClockSkew(); !known || (skew-ahead).Abs() > 5*time.Second {
				t.Errorf("the collector's clock is %v ahead, want %v", skew, ahead)
			}
			if names[0] != "" || names[len(names)-1] != "first" {
				t.Errorf("it has told the collector the names %q of its inbox", names)
			}
		})
	}
}
