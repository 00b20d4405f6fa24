package httpprobe_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/prober/probe/conn"
	"github.com/heliograph-net/heliograph/prober/probe/httpprobe"
	"github.com/heliograph-net/heliograph/prober/probe/probetest"
	"github.com/heliograph-net/heliograph/report"
)

// The name of another host, which secrets must not reach, is that of the same loopback server.
func TestRedirectsAreFollowed(t *testing.T) {
	secure := httptest.NewTLSServer(http.HandlerFunc(echo))
	defer secure.Close()
	mux := http.NewServeMux()
	mux.HandleFunc("/", echo)
	mux.HandleFunc("/loop", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/loop", http.StatusFound) })
	mux.HandleFunc("/to/{code}/{where...}", func(w http.ResponseWriter, r *http.Request) {
		code := map[string]int{"301": 301, "303": 303, "307": 307}[r.PathValue("code")]
		w.Header().Set("Location", strings.ReplaceAll(r.PathValue("where"), "!", "/"))
		w.WriteHeader(code)
	})
	plain := httptest.NewServer(mux)
	defer plain.Close()
	away := strings.ReplaceAll(strings.ReplaceAll(plain.URL, "127.0.0.1", "127.0.0.2"), "/", "!")
	other, err := http.NewRequest(http.MethodGet, secure.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	auth := &httpprobe.Authorization{Credentials: "abc"}
	for _, c := range []struct {
		name    string
		path    string
		options httpprobe.Options
		want    report.Outcome
		expect  []string
	}{
		{"same host", "/to/301/!there", httpprobe.Options{Authorization: auth}, report.OK, []string{"method=GET", "auth=Bearer abc"}},
		{"POST becomes GET", "/to/301/!there", httpprobe.Options{Method: "POST", Body: "x"}, report.OK, []string{"method=GET", "body="}},
		{"see other", "/to/303/!there", httpprobe.Options{Method: "PUT", Body: "x"}, report.OK, []string{"method=GET", "body="}},
		{"POST stays", "/to/307/!there", httpprobe.Options{Method: "POST", Body: "x"}, report.OK, []string{"method=POST", "body=x"}},
		{"to TLS", "/to/301/" + strings.ReplaceAll(other.URL.String(), "/", "!"), httpprobe.Options{FailIfNotTLS: true, Authorization: auth}, report.OK, []string{"auth="}},
		{"loop", "/loop", httpprobe.Options{}, report.HTTPRedirectLoop, nil},
		{"another scheme", "/to/301/ftp:!!a.example!", httpprobe.Options{}, report.HTTPFailed, nil},
		{"nowhere", "/to/301/http:!!127.0.0.1:1!", httpprobe.Options{}, report.TCPRefused, nil},
		{"another address", "/to/301/" + away, httpprobe.Options{}, report.TCPRefused, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.options.URL, c.options.FollowRedirects = plain.URL+c.path, true
			for _, line := range c.expect {
				c.options.FailIfBodyNotMatches = append(c.options.FailIfBodyNotMatches, "(?m)^"+line+"$")
			}
			roots := secure.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
			r, err := probetest.Once(t, &c.options, probe.Env{RootCAs: roots}, probetest.Limit)
			if err != nil || r.Outcome != c.want {
				t.Fatalf("%+v, %v; want %s", r, err, c.want)
			}
			if c.want == report.HTTPFailed {
				return // it ended where the redirect was read
			}
			if r.Steps[0].Name != httpprobe.StepRedirect || len(r.Steps) > 5 || r.Step(conn.StepConnect) <= 0 && c.want == report.OK {
				t.Errorf("steps %+v", r.Steps)
			}
		})
	}
}
