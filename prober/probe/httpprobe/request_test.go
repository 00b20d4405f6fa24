package httpprobe_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/prober/probe/httpprobe"
	"github.com/heliograph-net/heliograph/prober/probe/probetest"
	"github.com/heliograph-net/heliograph/report"
)

// echo answers with what it was asked, line by line.
func echo(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	user, password, _ := r.BasicAuth()
	fmt.Fprintf(w, "method=%s\nhost=%s\nbody=%s\nlength=%d\nx=%s\nagent=%s\nauth=%s\nbasic=%s:%s\nproto=%s\n", r.Method, r.Host, body, r.ContentLength,
		r.Header.Get("X-Deep"), r.UserAgent(), r.Header.Get("Authorization"), user, password, r.Proto)
	if r.TLS != nil && len(r.TLS.PeerCertificates) > 0 {
		fmt.Fprintf(w, "certificate=%s\n", r.TLS.PeerCertificates[0].DNSNames[0])
	}
}

func TestRequestIsWhatOptionsSay(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(echo))
	defer server.Close()
	dir := t.TempDir()
	for name, text := range map[string]string{"password": "s3cret\n", "token": "t0ken\r\n", "body": "from a file"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name    string
		options httpprobe.Options
		want    []string
	}{
		{"nothing", httpprobe.Options{}, []string{"method=GET", "agent=heliograph-prober", "body=", "length=0", "auth="}},
		{"method and body", httpprobe.Options{Method: "post", Body: "deep?"}, []string{"method=POST", `body=deep\?`, "length=5"}},
		{"body of a file", httpprobe.Options{Method: "PUT", BodyFile: "body"}, []string{"method=PUT", "body=from a file"}},
		{"headers", httpprobe.Options{Headers: map[string]string{"x-deep": "1", "Host": "shop.example", "User-Agent": "me"}}, []string{"x=1", "host=shop.example", "agent=me"}},
		{"more headers", httpprobe.Options{MoreHeaders: map[string]httpprobe.HeaderValues{"x-deep": {Files: []string{"token"}}}}, []string{"x=t0ken"}},
		{"a header of several lines", httpprobe.Options{MoreHeaders: map[string]httpprobe.HeaderValues{"x-deep": {Values: []string{"1"}, Secrets: []string{"2"}}}}, []string{"x=1"}},
		{"basic", httpprobe.Options{BasicAuth: &httpprobe.BasicAuth{Username: "u", Password: "p"}}, []string{"basic=u:p"}},
		{"basic of a file", httpprobe.Options{BasicAuth: &httpprobe.BasicAuth{Username: "u", PasswordFile: "password"}}, []string{"basic=u:s3cret"}},
		{"bearer", httpprobe.Options{Authorization: &httpprobe.Authorization{Credentials: "abc"}}, []string{"auth=Bearer abc"}},
		{"token of a file", httpprobe.Options{Authorization: &httpprobe.Authorization{Type: "Token", CredentialsFile: "token"}}, []string{"auth=Token t0ken"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.options.URL = server.URL
			for _, line := range c.want {
				c.options.FailIfBodyNotMatches = append(c.options.FailIfBodyNotMatches, "(?m)^"+line+"$")
			}
			r, err := probetest.Once(t, &c.options, probe.Env{Dir: dir}, probetest.Limit)
			if err != nil || r.Outcome != report.OK {
				t.Errorf("%+v, %v", r, err)
			}
		})
	}
}

func TestRequestOptionsNameTheirFault(t *testing.T) {
	const secret = "s3cret\n"
	basic, bearer := &httpprobe.BasicAuth{Password: secret, PasswordFile: "x"}, &httpprobe.Authorization{Credentials: secret}
	for want, o := range map[string]httpprobe.Options{
		"method":                             {Method: "NO SUCH"},
		"headers":                            {Headers: map[string]string{"X": "a\nb"}},
		"basic_auth: give either":            {BasicAuth: basic, Authorization: bearer},
		"basic_auth.password: give either":   {BasicAuth: basic},
		"credentials_file":                   {Authorization: &httpprobe.Authorization{CredentialsFile: "/nowhere/token"}},
		"authorization: contains characters": {Authorization: bearer},
		"body: give either":                  {Body: "a", BodyFile: "b"},
		"body_file":                          {BodyFile: "/nowhere/body"},
		"body: longer":                       {Body: strings.Repeat("x", 1<<17)},
		"valid_status_codes[1]":              {ValidCodes: []int{200, 2000}},
		"valid_status_codes: leave out":      {ValidCodes: []int{200}, StatusMin: 200},
		"valid_http_versions[0]":             {ValidVersions: []string{"2"}},
		"fail_if_ssl":                        {FailIfTLS: true, FailIfNotTLS: true},
		"fail_if_body_matches_regexp[0]":     {FailIfBodyMatches: []string{"("}},
		"fail_if_header_matches[0].header":   {FailIfHeaderMatches: []httpprobe.HeaderRule{{Regexp: "x"}}},
		"fail_if_header_not_matches[0]: err": {FailIfHeaderNotMatches: []httpprobe.HeaderRule{{Header: "x", Regexp: "("}}},
	} {
		o.URL = "http://a.example/"
		_, err := o.Probe(probe.Env{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		} else if strings.Contains(err.Error(), "s3cret") {
			t.Errorf("the error repeats a secret: %v", err)
		}
	}
}
