package dashboards

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image/png"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/dashboards/api"
	"github.com/heliograph-net/heliograph/heatmap"
	"github.com/heliograph-net/heliograph/heatmap/history"
)

// pastOf returns a history of two minutes: server 3 was down at first, and server 5 later. The map
// has other servers now.
func pastOf(t *testing.T, m *heatmap.Map, noon time.Time) *history.Log {
	t.Helper()
	past, err := history.Open(history.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = past.Close() })
	for minute, down := range []int{3, 5} {
		for i := range m.Topology().Len() {
			m.Set(i, heatmap.Up, noon)
		}
		m.Set(down, heatmap.Down, noon)
		if err := past.Append(noon.Add(time.Duration(minute)*time.Minute), m.Snapshot()); err != nil {
			t.Fatal(err)
		}
	}
	m.Replace(fleet(t, 9).Topology())
	return past
}

func TestServersOfThePast(t *testing.T) {
	m, noon := fleet(t, 20), time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	reader := &fakeReader{}
	_, url := serve(t, Options{Reader: reader, Servers: m, Past: pastOf(t, m, noon)})
	for minute, down := range []int{3, 5} {
		at := noon.Add(time.Duration(minute)*time.Minute + 30*time.Second).Format(time.RFC3339)
		resp, body := fetch(t, url+"/api/v1/servers.bits?state=down&at="+at)
		want := make([]byte, 3)
		want[0] = 1 << down
		if !bytes.Equal(body, want) || resp.Header.Get("ETag") == "" {
			t.Errorf("minute %d: %s %x, want %x", minute, resp.Status, body, want)
		}
		before := reader.count()
		resp, body = fetch(t, url+"/api/v1/servers?state=down&at="+at)
		if !bytes.Contains(body, fmt.Appendf(nil, `"servers":[{"index":%d,`, down)) || !bytes.Contains(body, []byte(`"count":20,`)) || reader.count() != before {
			t.Errorf("minute %d: %s %s", minute, resp.Status, body)
		}
	}
	if _, body := fetch(t, url+"/api/v1/servers?limit=0"); !bytes.Contains(body, []byte(`"kept_since":"2026-11-22T12:00:00Z"`)) {
		t.Errorf("the present does not say since when the past is kept: %.300s", body)
	}
	for _, query := range []string{"at=2026-11-22T12:00:30Z", "at=2026-11-22T12:01:30Z&from=2026-11-22T12:00:30Z", "order=hilbert", "group=fra/c1", "at=2026-11-22T12:00:30Z&group=fra"} {
		resp, body := fetch(t, url+"/api/v1/servers.png?"+query)
		if _, err := png.Decode(bytes.NewReader(body)); err != nil {
			t.Errorf("%s: %s: %v", query, resp.Status, err)
		}
	}
	if resp, body := fetch(t, url+"/api/v1/servers.svg?group=fra"); resp.Header.Get("Content-Type") != "image/svg+xml" || !bytes.Contains(body, []byte("web-")) {
		t.Errorf("SVG: %s %.200s", resp.Status, body)
	}
	resp, body := fetch(t, url+"/api/v1/servers.bits?group=fra/c1/r2")
	all, whole := fetch(t, url+"/api/v1/servers.bits")
	if len(body) == 0 || len(body) >= len(whole) || resp.Header.Get("ETag") == all.Header.Get("ETag") {
		t.Errorf("bits of a group: %s %x; of all %x", resp.Status, body, whole)
	}
	for query, want := range map[string]string{
		"servers.bits?group=nowhere":            "is not a group",
		"servers.bits?at=2026-11-22T11:59:59Z":  "before the first frame",
		"servers.bits?at=yesterday":             "must be a time such as",
		"servers.png?group=nowhere":             "is not a group",
		"servers.png?from=2026-11-22T11:59:59Z": "before the first frame",
		"servers.png?order=spiral":              "must be one of",
	} {
		if resp, body := fetch(t, url+"/api/v1/"+query); resp.StatusCode != http.StatusBadRequest || !strings.Contains(string(body), want) {
			t.Errorf("%s: %s %s", query, resp.Status, body)
		}
	}
}

// Groups are sent once for each topology, of the past or not.
func TestKnownGroupsAreNotSentAgain(t *testing.T) {
	m, noon := fleet(t, 20), time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	kept := m.Topology()
	_, url := serve(t, Options{Reader: &fakeReader{}, Servers: m, Past: pastOf(t, m, noon)})
	ask := func(query string) (s api.Servers) {
		t.Helper()
		resp, body := fetch(t, url+"/api/v1/servers?limit=0&"+query)
		if err := json.Unmarshal(body, &s); err != nil || s.Topology == "" {
			t.Fatalf("%s: %s %v", query, resp.Status, err)
		}
		return s
	}
	now, first := ask(""), ask("at=2026-11-22T12:00:30Z")
	if now.Topology == first.Topology || len(first.DataCentres) == 0 || first.Up != 19 {
		t.Fatalf("now %+v, first %+v", now, first)
	}
	for query, groups := range map[string]int{
		"at=2026-11-22T12:01:30Z&topology=" + first.Topology: 0,
		"at=2026-11-22T12:01:30Z&topology=" + now.Topology:   len(first.DataCentres),
		"topology=" + now.Topology:                           0,
		"topology=*":                                         0,
		"topology=" + first.Topology:                         len(now.DataCentres),
	} {
		if s := ask(query); len(s.DataCentres) != groups || s.Count == 0 {
			t.Errorf("%s: %d groups, want %d: %+v", query, len(s.DataCentres), groups, s.ServersSummary)
		}
	}
	m.Replace(kept) // as if it had never been another
	back := ask("")
	if s := ask("at=2026-11-22T12:01:30Z&topology=" + back.Topology); s.Topology != back.Topology || len(s.DataCentres) != 0 {
		t.Errorf("the present topology is another in the past: %+v, %+v", back.ServersSummary, s.ServersSummary)
	}
}

func TestNoHistoryIsKept(t *testing.T) {
	_, url := serve(t, Options{Reader: &fakeReader{}, Servers: fleet(t, 20)})
	if resp, body := fetch(t, url+"/api/v1/servers?at=5m"); resp.StatusCode != http.StatusBadRequest || !strings.Contains(string(body), "no history") {
		t.Errorf("%s %s", resp.Status, body)
	}
}
