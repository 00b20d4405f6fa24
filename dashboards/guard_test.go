package dashboards

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

func TestEveryAnswerHasTheSecurityHeaders(t *testing.T) {
	_, url := serve(t, Options{Reader: &fakeReader{}})
	for _, path := range []string{"/", "/app.js", "/api/v1/incidents", "/api/v1/totals?by=colour", "/nothing"} {
		resp, _ := fetch(t, url+path)
		for header, want := range map[string]string{
			"Content-Security-Policy":      "default-src 'none'",
			"X-Content-Type-Options":       "nosniff",
			"Referrer-Policy":              "no-referrer",
			"Cross-Origin-Resource-Policy": "same-origin",
			"Cache-Control":                "no-cache",
		} {
			if got := resp.Header.Get(header); !strings.HasPrefix(got, want) {
				t.Errorf("%s: %s is %q, want %q", path, header, got, want)
			}
		}
		if got := resp.Header.Get("Access-Control-Allow-Origin"); got != "" {
			t.Errorf("%s lets %q read it", path, got)
		}
	}
	policy := contentSecurityPolicy
	if strings.Contains(policy, "unsafe") || strings.Contains(policy, "http:") || strings.Contains(policy, "*") {
		t.Errorf("policy is not strict: %s", policy)
	}
}

func TestOnlyGetAndHead(t *testing.T) {
	_, url := serve(t, Options{Reader: &fakeReader{}})
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions} {
		req, err := http.NewRequest(method, url+"/api/v1/incidents", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusMethodNotAllowed || resp.Header.Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: %s, Allow %q", method, resp.Status, resp.Header.Get("Allow"))
		}
	}
	resp, err := http.Head(url + "/api/v1/stream") // ends at once, having no body
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("HEAD of the stream: %v, %v", resp, err)
	}
}

func TestForeignPagesAreRefused(t *testing.T) {
	d, err := New(Options{Reader: &fakeReader{}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		site, mode string
		status     int
	}{
		{"cross-site", "cors", http.StatusForbidden},
		{"cross-site", "no-cors", http.StatusForbidden},
		{"cross-site", "navigate", http.StatusOK},
		{"same-origin", "cors", http.StatusOK},
		{"none", "navigate", http.StatusOK},
		{"", "", http.StatusOK}, // not a browser
	} {
		req := httptest.NewRequest(http.MethodGet, "http://localhost/api/v1/incidents", nil)
		req.Header.Set("Sec-Fetch-Site", c.site)
		req.Header.Set("Sec-Fetch-Mode", c.mode)
		w := httptest.NewRecorder()
		d.ServeHTTP(w, req)
		if w.Code != c.status {
			t.Errorf("%s %s: %d, want %d", c.site, c.mode, w.Code, c.status)
		}
	}
}

func TestHostNamesAreChecked(t *testing.T) {
	loopback := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8418}
	public := &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 8418}
	for _, c := range []struct {
		host    string
		hosts   []string
		local   net.Addr
		allowed bool
	}{
		{"127.0.0.1:8418", nil, loopback, true},
		{"[::1]:8418", nil, loopback, true},
		{"[::1]", nil, loopback, true},
		{"localhost", nil, loopback, true},
		{"demo.localhost:8418", nil, loopback, true},
		{"evil.example", nil, loopback, false},
		{"evil.example:8418", nil, nil, false}, // an address that cannot be told counts as loopback
		{"127.0.0.1.evil.example", nil, loopback, false},
		{"localhost.evil.example", nil, loopback, false},
		{"", nil, loopback, false},
		{"Status.Example.:8418", []string{"status.example"}, loopback, true},
		{"evil.example", []string{"status.example"}, loopback, false},
		{"ops.example", nil, public, true},
		{"ops.example", []string{"status.example"}, public, false},
		{"192.0.2.1", []string{"status.example"}, public, true},
	} {
		d, err := New(Options{Reader: &fakeReader{}, Hosts: c.hosts})
		if err != nil {
			t.Fatal(err)
		}
		req := httptest.NewRequest(http.MethodGet, "/api/v1/incidents", nil)
		req.Host = c.host
		req = req.WithContext(context.WithValue(req.Context(), http.LocalAddrContextKey, c.local))
		w := httptest.NewRecorder()
		d.ServeHTTP(w, req)
		if got := w.Code == http.StatusOK; got != c.allowed || (!got && w.Code != http.StatusMisdirectedRequest) {
			t.Errorf("host %q, hosts %v, on %v: %d, want allowed %t", c.host, c.hosts, c.local, w.Code, c.allowed)
		}
	}
}

func TestPageIsCompleteAndAsksNobodyElse(t *testing.T) {
	_, url := serve(t, Options{Reader: &fakeReader{}})
	_, index := fetch(t, url+"/")
	links := regexp.MustCompile(`(?:src|href)="([^"]+)"`).FindAllStringSubmatch(string(index), -1)
	if len(links) == 0 {
		t.Fatal("the page links nothing")
	}
	for _, link := range links {
		if resp, body := fetch(t, url+link[1]); resp.StatusCode != http.StatusOK || len(body) == 0 {
			t.Errorf("%s: %s, %d bytes", link[1], resp.Status, len(body))
		}
	}
	foreign := regexp.MustCompile(`(?i)(?:https?:)?//[a-z0-9-]+\.[a-z]+[^"'\s)]*|@import|url\([^#]`) // #: of the page itself
	files, err := readPage()
	if err != nil {
		t.Fatal(err)
	}
	for path, file := range files {
		if path == "/licenses.txt" {
			continue
		}
		for _, found := range foreign.FindAllString(string(file.content), -1) {
			// names of vocabularies, never fetched
			if !strings.HasPrefix(found, "http://www.w3.org/") {
				t.Errorf("%s names %s", path, found)
			}
		}
		if strings.Contains(string(file.content), "<script>") || strings.Contains(string(file.content), " style=") {
			t.Errorf("%s has inline script or style, which the policy forbids", path)
		}
	}
}

func TestPageFilesAreKeptWhileUnchanged(t *testing.T) {
	_, url := serve(t, Options{Reader: &fakeReader{}})
	resp, _ := fetch(t, url+"/app.js")
	req, err := http.NewRequest(http.MethodGet, url+"/app.js", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("If-None-Match", resp.Header.Get("ETag"))
	again, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	again.Body.Close()
	if again.StatusCode != http.StatusNotModified {
		t.Errorf("%s, want 304", again.Status)
	}
}

func TestHostsCanChange(t *testing.T) {
	d, url := serve(t, Options{Reader: &fakeReader{}, Hosts: []string{"status.example"}})
	status := func(host string) int {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = host
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	if err := d.SetHosts([]string{"https://status.example"}); err == nil || status("status.example") != http.StatusOK {
		t.Errorf("a name that is none: %v, the name from before answers %d", err, status("status.example"))
	}
	if err := d.SetHosts([]string{"now.example"}); err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]int{"status.example": http.StatusMisdirectedRequest, "now.example": http.StatusOK} {
		if got := status(host); got != want {
			t.Errorf("%s: %d, want %d", host, got, want)
		}
	}
}
