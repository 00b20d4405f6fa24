package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/dashboards/api"
)

func TestMutesByScope(t *testing.T) {
	start := time.Date(2026, 12, 1, 21, 0, 0, 0, time.UTC)
	mute := api.ScopeMute{Number: 3, State: api.MutePlanned, Words: "server web-*\x1b[2J", Start: start, End: start.Add(2 * time.Hour), Who: "ada", Reason: "new\nswitches"}
	var got api.NewMute
	var ended api.EndMute
	read := func(r *http.Request, into any) {
		t.Helper()
		if err := json.NewDecoder(r.Body).Decode(into); err != nil || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%v, of type %s", err, r.Header.Get("Content-Type"))
		}
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Method + " " + r.URL.Path {
		case "POST /api/v1/mutes":
			got = api.NewMute{}
			read(r, &got)
			_ = json.NewEncoder(w).Encode(mute)
		case "POST /api/v1/mutes/3/end":
			read(r, &ended)
			over := mute
			over.State = api.MuteOver
			_ = json.NewEncoder(w).Encode(over)
		case "GET /api/v1/mutes":
			_ = json.NewEncoder(w).Encode([]api.ScopeMute{mute})
		default:
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"error":"mute must be the number of one that is not over","parameter":"mute"}`)
		}
	}))
	defer server.Close()
	code, stdout, stderr := invoke(t, "mute", "add", "--api", server.URL, "--who", "ada", "--server", "web-*", "--server", "east/db", "--target", "https://shop.example", "--asn", "64501",
		"--country", "DE", "--for", "2h", "--start", "2026-12-01T22:00:00+01:00", "new switches")
	want := api.NewMute{Servers: []string{"web-*", "east/db"}, Target: "https://shop.example", ASNs: []uint32{64501}, Countries: []string{"DE"}, For: "2h", Reason: "new switches", Who: "ada"}
	if at := got.Start; code != 0 || !at.Equal(start) {
		t.Errorf("exit %d: %s, begins %v", code, stderr, at)
	}
	if got.Start = (time.Time{}); !reflect.DeepEqual(got, want) {
		t.Errorf("sent %+v\nwant %+v", got, want)
	}
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	if len(lines) != 2 || !strings.Contains(lines[1], "planned") || !strings.Contains(lines[1], "2026-12-01 21:00:00") || !strings.Contains(lines[1], "new switches") || strings.Contains(stdout, "\x1b") {
		t.Errorf("%q", stdout)
	}
	if code, stdout, _ = invoke(t, "mute", "list", "--api", server.URL); code != 0 || !strings.Contains(stdout, "web-*") {
		t.Errorf("exit %d: %s", code, stdout)
	}
	var all []api.ScopeMute
	if code, stdout, _ = invoke(t, "mute", "list", "--json", "--api", server.URL); code != 0 || json.Unmarshal([]byte(stdout), &all) != nil || len(all) != 1 {
		t.Errorf("exit %d: %s", code, stdout)
	}
	if code, stdout, _ = invoke(t, "mute", "end", "--api", server.URL, "--who", "bob", "3"); code != 0 || ended.Who != "bob" || !strings.Contains(stdout, "over") {
		t.Errorf("exit %d: %s, sent %+v", code, stdout, ended)
	}
	for want, args := range map[string][]string{
		"say what is muted":                          {"mute", "add", "everything"},
		"is not a time such as":                      {"mute", "add", "--target", "x", "--start", "tonight", "y"},
		"mute must be the number of one that is not": {"mute", "end", "--api", server.URL, "9"},
	} {
		if code, _, stderr := invoke(t, args...); code == 0 || !strings.Contains(stderr, want) {
			t.Errorf("%q: exit %d, %s", args, code, stderr)
		}
	}
}
