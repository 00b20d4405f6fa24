package httpprobe_test

import (
	"compress/flate"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/prober/probe/conn"
	"github.com/heliograph-net/heliograph/prober/probe/httpprobe"
	"github.com/heliograph-net/heliograph/prober/probe/probetest"
	"github.com/heliograph-net/heliograph/report"
)

func TestRulesForAnswers(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header()["X-State"] = []string{"fine", "busy"}
		if r.URL.Path == "/404" {
			w.WriteHeader(http.StatusNotFound)
		}
		_, _ = io.WriteString(w, "state: fine")
	}))
	defer server.Close()
	header := func(name, re string, missing bool) []httpprobe.HeaderRule {
		return []httpprobe.HeaderRule{{Header: name, Regexp: re, AllowMissing: missing}}
	}
	const bad = report.HTTPAnswerUnexpected
	for _, c := range []struct {
		name    string
		options httpprobe.Options
		want    report.Outcome
	}{
		{"codes", httpprobe.Options{ValidCodes: []int{204, 200}}, report.OK},
		{"other codes", httpprobe.Options{ValidCodes: []int{204}}, report.HTTPFailed},
		{"404 wanted", httpprobe.Options{URL: "/404", ValidCodes: []int{404}}, report.OK},
		{"404", httpprobe.Options{URL: "/404", FailIfBodyMatches: []string{"fine"}}, report.HTTPError},
		{"version", httpprobe.Options{ValidVersions: []string{"HTTP/1.1", "HTTP/2.0"}}, report.OK},
		{"other version", httpprobe.Options{ValidVersions: []string{"HTTP/2.0"}}, bad},
		{"plain", httpprobe.Options{FailIfTLS: true}, report.OK},
		{"not plain", httpprobe.Options{FailIfNotTLS: true}, bad},
		{"body matches", httpprobe.Options{FailIfBodyMatches: []string{"x", "fi.e$"}}, bad},
		{"body does not", httpprobe.Options{FailIfBodyMatches: []string{"broken"}}, report.OK},
		{"body must", httpprobe.Options{FailIfBodyNotMatches: []string{"^state", "fine"}}, report.OK},
		{"body must, and does not", httpprobe.Options{FailIfBodyNotMatches: []string{"^state", "broken"}}, bad},
		{"header matches", httpprobe.Options{FailIfHeaderMatches: header("x-state", "busy", false)}, bad},
		{"header does not", httpprobe.Options{FailIfHeaderMatches: header("x-state", "broken", false)}, report.OK},
		{"header is missing", httpprobe.Options{FailIfHeaderMatches: header("x-none", "broken", false)}, bad},
		{"header may be missing", httpprobe.Options{FailIfHeaderMatches: header("x-none", "broken", true)}, report.OK},
		{"header must", httpprobe.Options{FailIfHeaderNotMatches: header("x-state", "^busy$", false)}, report.OK},
		{"header must, and does not", httpprobe.Options{FailIfHeaderNotMatches: header("x-state", "broken", false)}, bad},
		{"header must, and is missing", httpprobe.Options{FailIfHeaderNotMatches: header("x-none", "", false)}, bad},
		{"header must if it is there", httpprobe.Options{FailIfHeaderNotMatches: header("x-none", "", true)}, report.OK},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.options.URL = server.URL + c.options.URL
			r, err := probetest.Once(t, &c.options, probe.Env{}, probetest.Limit)
			if err != nil || r.Outcome != c.want || r.Ended() != httpprobe.StepBody {
				t.Errorf("%+v, %v; want %s", r, err, c.want)
			}
		})
	}
}

func TestProbeSpeaksHTTP2(t *testing.T) {
	abort := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	half := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "10")
		_, _ = io.WriteString(w, "half")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	stall := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	good := func(protocol string) []string { return []string{"(?m)^proto=" + protocol + "$", "(?m)^body=x$"} }
	for _, c := range []struct {
		name    string
		server  http.HandlerFunc
		h2      bool
		options httpprobe.Options
		want    report.Outcome
		spoken  string
	}{
		{"good", echo, true, httpprobe.Options{HTTP2: true, Method: "POST", Body: "x", FailIfBodyNotMatches: good("HTTP/2.0")}, report.OK, "h2"},
		{"not offered", echo, true, httpprobe.Options{Method: "POST", Body: "x", FailIfBodyNotMatches: good("HTTP/1.1")}, report.OK, "http/1.1"},
		{"not spoken", echo, false, httpprobe.Options{HTTP2: true, Method: "POST", Body: "x", FailIfBodyNotMatches: good("HTTP/1.1")}, report.OK, "http/1.1"},
		{"not spoken, but wanted", echo, false, httpprobe.Options{HTTP2: true, ValidVersions: []string{"HTTP/2.0"}}, report.HTTPAnswerUnexpected, "http/1.1"},
		{"breaks off", abort, true, httpprobe.Options{HTTP2: true}, report.H2ProtocolError, ""},
		{"half a body", half, true, httpprobe.Options{HTTP2: true}, report.H2ProtocolError, "h2"},
		{"stalls", stall, true, httpprobe.Options{HTTP2: true}, report.TCPTimedOut, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := httptest.NewUnstartedServer(c.server)
			server.EnableHTTP2 = c.h2
			server.StartTLS()
			defer server.Close()
			c.options.URL = server.URL
			timeout := probetest.Limit
			if c.want == report.TCPTimedOut {
				timeout = time.Second
			}
			roots := server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
			r, err := probetest.Once(t, &c.options, probe.Env{RootCAs: roots}, timeout)
			if err != nil || r.Outcome != c.want || r.Protocol != c.spoken || r.CertificateEnds.IsZero() {
				t.Errorf("%+v, %v; want %s by %q", r, err, c.want, c.spoken)
			}
		})
	}
}

func TestProbePresentsItsCertificate(t *testing.T) {
	ours := probetest.NewAuthority(t)
	config := ours.Server(t)
	config.ClientAuth, config.ClientCAs = 4, ours.Pool() // RequireAndVerifyClientCert
	server := httptest.NewUnstartedServer(http.HandlerFunc(echo))
	server.TLS = config
	server.StartTLS()
	defer server.Close()
	dir := ours.Files(t, ours.Certificate(t, time.Hour))
	o := &httpprobe.Options{
		URL: "https://shop.example/", Connect: server.Listener.Addr().String(),
		TLS:                  conn.TLSOptions{CAFile: "ca.pem", CertFile: "cert.pem", KeyFile: "key.pem"},
		FailIfBodyNotMatches: []string{"certificate=shop.example"},
	}
	if r, err := probetest.Once(t, o, probe.Env{Dir: dir}, probetest.Limit); err != nil || r.Outcome != report.OK {
		t.Errorf("%+v, %v", r, err)
	}
}

// What the server says of the time shows whether this machine's clock is right.
func TestResultHasTheServersTime(t *testing.T) {
	at := time.Date(2026, time.November, 29, 18, 0, 0, 0, time.UTC)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", at.Format(http.TimeFormat))
	}))
	defer server.Close()
	f, err := (&httpprobe.Options{URL: server.URL}).Probe(probe.Env{})
	if err != nil {
		t.Fatal(err)
	}
	if r, err := f(t.Context()); err != nil || !r.Date.Equal(at) {
		t.Errorf("%v, %v", r.Date, err)
	}
}

func TestCompressedAnswers(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Header.Get("Accept-Encoding") {
		case "gzip":
			z := gzip.NewWriter(w)
			_, _ = io.WriteString(z, strings.Repeat("state: fine ", 1000))
			_ = z.Close()
		case "deflate":
			z, _ := flate.NewWriter(w, 1)
			_, _ = io.WriteString(z, "state: fine")
			_ = z.Close()
		default:
			_, _ = io.WriteString(w, "state: fine")
		}
	}))
	defer server.Close()
	for _, c := range []struct {
		compression string
		headers     map[string]string
		want        report.Outcome
	}{
		{"gzip", nil, report.OK},
		{"deflate", nil, report.OK},
		{"identity", nil, report.OK},
		{"", nil, report.OK},
		{"gzip", map[string]string{"Accept-Encoding": "identity"}, report.HTTPResponseInvalid},
	} {
		o := &httpprobe.Options{URL: server.URL, Compression: c.compression, Headers: c.headers, FailIfBodyNotMatches: []string{"^state: fine"}}
		if r, err := probetest.Once(t, o, probe.Env{}, probetest.Limit); err != nil || r.Outcome != c.want {
			t.Errorf("%+v: %+v, %v", c, r, err)
		}
	}
	if _, err := (&httpprobe.Options{URL: server.URL, Compression: "br"}).Probe(probe.Env{}); err == nil || !strings.Contains(err.Error(), "compression") {
		t.Error(err)
	}
}
