package discover

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/prober/probe/probetest"
)

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func finder(t *testing.T, sources ...Source) *Finder {
	t.Helper()
	f, err := New(sources, nil)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// names are those of all targets.
func names(f *Finder) string {
	var all []string
	for _, t := range f.All() {
		all = append(all, t.Name())
	}
	return strings.Join(all, " ")
}

func TestTargetsAppearAndVanish(t *testing.T) {
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a.json"), filepath.Join(dir, "b.json")
	f := finder(t, Source{Files: []string{filepath.Join(dir, "*.json")}})
	write(t, b, `[{"targets": ["b:1", "a:1"]}]`)
	if !f.Look(t.Context(), 0) || names(f) != "a:1 b:1" {
		t.Errorf("%s", names(f))
	}
	if f.Look(t.Context(), 0) {
		t.Error("the same targets are news")
	}
	write(t, a, `[{"targets": ["c:1"], "labels": {"name": "aa"}}]`)
	if !f.Look(t.Context(), 0) || names(f) != "a:1 aa b:1" {
		t.Errorf("%s", names(f))
	}
	write(t, b, `[{"targets": [`)
	if f.Look(t.Context(), 0) || names(f) != "a:1 aa b:1" || f.Wrong() == nil || !strings.Contains(f.Wrong().Error(), "b.json") {
		t.Errorf("%s, %v", names(f), f.Wrong())
	}
	write(t, b, `[]`)
	if !f.Look(t.Context(), 0) || names(f) != "aa" || f.Wrong() != nil {
		t.Errorf("%s, %v", names(f), f.Wrong())
	}
	missing := finder(t, Source{Files: []string{filepath.Join(dir, "none.json")}})
	if missing.Look(t.Context(), 0) || !errors.Is(missing.Wrong(), os.ErrNotExist) {
		t.Error(missing.Wrong())
	}
}

func TestHTTPServiceDiscovery(t *testing.T) {
	var body atomic.Value
	body.Store(`[{"targets": ["web-1:443"], "labels": {"__meta_rack": "r1"}}]`)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Prometheus-Refresh-Interval-Seconds") != "30" {
			t.Errorf("header %v", r.Header)
		}
		if text, _ := body.Load().(string); text != "" {
			_, _ = io.WriteString(w, text)
			return
		}
		w.WriteHeader(http.StatusInternalServerError)
	}))
	defer server.Close()
	f := finder(t, Source{URL: server.URL, Relabel: []Relabel{{SourceLabels: []string{"__meta_rack"}, TargetLabel: "row"}}})
	if !f.Look(t.Context(), 0) || names(f) != "web-1:443" || fmt.Sprint(f.All()[0].Labels) != "map[row:r1]" {
		t.Errorf("%+v", f.All())
	}
	body.Store("")
	if f.Look(t.Context(), 0) || names(f) != "web-1:443" || !strings.Contains(fmt.Sprint(f.Wrong()), "500") {
		t.Errorf("%s, %v", names(f), f.Wrong())
	}
}

func TestDNS(t *testing.T) {
	server := probetest.Names(t, "_web._tcp.example. SRV 0 0 8080 web-2.example.", "_web._tcp.example. SRV 0 0 8443 web-1.example.",
		"web.example. A 192.0.2.2", "web.example. A 192.0.2.1")
	resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", server)
	}}
	f := finder(t, Source{Names: []string{"_web._tcp.example."}, resolver: resolver}, Source{Names: []string{"web.example."}, Type: "A", Port: 80, resolver: resolver},
		Source{Names: []string{"nobody.example."}, resolver: resolver})
	for i := range 3 {
		f.Look(t.Context(), i)
	}
	if got := names(f); got != "192.0.2.1:80 192.0.2.2:80 web-1.example:8443 web-2.example:8080" {
		t.Error(got)
	}
	if f.Wrong() == nil || !strings.Contains(f.Wrong().Error(), "discover[2]") {
		t.Error(f.Wrong())
	}
}

func TestRelabelling(t *testing.T) {
	dot, empty, both := ".", "", "$2-$1"
	for _, c := range []struct {
		rule Relabel
		want string // of the labels; "": dropped
	}{
		{Relabel{SourceLabels: []string{"a"}, TargetLabel: "c"}, "map[a:1 b:x2 c:1]"},
		{Relabel{SourceLabels: []string{"a", "b"}, TargetLabel: "c"}, "map[a:1 b:x2 c:1;x2]"},
		{Relabel{SourceLabels: []string{"a", "b"}, Separator: &dot, Regex: `(\d)\.x(\d)`, Replacement: &both, TargetLabel: "c"}, "map[a:1 b:x2 c:2-1]"},
		// the whole value must match
		{Relabel{SourceLabels: []string{"b"}, Regex: "2", TargetLabel: "c"}, "map[a:1 b:x2]"},
		{Relabel{SourceLabels: []string{"b"}, Replacement: &empty, TargetLabel: "a"}, "map[b:x2]"},
		{Relabel{SourceLabels: []string{"b"}, Regex: "x.", Action: "keep"}, "map[a:1 b:x2]"},
		{Relabel{SourceLabels: []string{"b"}, Regex: "x.", Action: "drop"}, ""},
		{Relabel{SourceLabels: []string{"b"}, Regex: "y.", Action: "keep"}, ""},
		{Relabel{Regex: "a", Replacement: &dot, Action: "labelmap"}, "map[.:1 a:1 b:x2]"},
		{Relabel{Regex: "a", Action: "labeldrop"}, "map[b:x2]"},
		{Relabel{Regex: "a", Action: "labelkeep"}, "map[a:1]"},
		{Relabel{SourceLabels: []string{"b"}, TargetLabel: "b", Action: "uppercase"}, "map[a:1 b:X2]"},
	} {
		if err := c.rule.Compile(); err != nil {
			t.Fatal(err)
		}
		labels, got := map[string]string{"a": "1", "b": "x2"}, ""
		if c.rule.apply(labels) {
			got = fmt.Sprint(labels)
		}
		if got != c.want {
			t.Errorf("%+v: %s, want %s", c.rule, got, c.want)
		}
	}
}

func TestRunTellsOfChanges(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.json")
	write(t, file, `[{"targets": ["a:1"]}]`)
	f := finder(t, Source{Files: []string{file}, Refresh: time.Millisecond})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	heard, ended := make(chan int), make(chan error, 1)
	go func() {
		ended <- f.Run(ctx, func(all []Target) {
			select {
			case heard <- len(all):
			case <-ctx.Done():
			}
		})
	}()
	if n := <-heard; n != 1 {
		t.Errorf("%d targets", n)
	}
	next := file + ".next"
	write(t, next, `[{"targets": ["a:1", "b:1"]}]`)
	if err := os.Rename(next, file); err != nil {
		t.Fatal(err)
	}
	if n := <-heard; n != 2 {
		t.Errorf("%d targets", n)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestFaultySourcesAreNamed(t *testing.T) {
	for want, s := range map[string]Source{
		"give either":       {},
		"give either files": {Files: []string{"a"}, URL: "b"},
		"port: want":        {Names: []string{"a"}, Type: "A"},
		"type: want":        {Names: []string{"a"}, Type: "MX"},
		"regex":             {URL: "a", Relabel: []Relabel{{Regex: "(", TargetLabel: "b"}}},
		"target_label":      {URL: "a", Relabel: []Relabel{{}}},
		"action: want":      {URL: "a", Relabel: []Relabel{{Action: "hashmod"}}},
		"refresh":           {URL: "a", Refresh: -1},
	} {
		if _, err := New([]Source{s}, nil); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "discover[0]") {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func TestSourcesAreBounded(t *testing.T) {
	if _, err := decode(strings.NewReader(strings.Repeat(" ", MaxBytes+1))); err == nil {
		t.Error("too many bytes were read")
	}
	s := Source{}
	if _, err := s.targets(0, []group{{Targets: make([]string, MaxTargets+1)}}); err != nil {
		t.Error(err) // without addresses there are none
	}
	many := make([]string, MaxTargets+1)
	for i := range many {
		many[i] = fmt.Sprint(i)
	}
	if _, err := s.targets(0, []group{{Targets: many}}); err == nil {
		t.Error("too many targets were taken")
	}
}
