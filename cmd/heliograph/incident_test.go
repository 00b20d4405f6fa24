package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/heliograph-net/heliograph/dashboards/api"
)

func TestIncidentIsAcknowledgedAndNoted(t *testing.T) {
	var got api.NewNote
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.URL.Path != "/api/v1/incidents/7/notes" || r.Header.Get("Content-Type") != "application/json" {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"error":"incident must exist","parameter":"incident"}`)
			return
		}
		got = api.NewNote{}
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
			t.Error(err)
		}
		_ = json.NewEncoder(w).Encode(api.Note{Number: 3, Kind: got.Kind, Who: got.Who, Text: got.Text})
	}))
	defer server.Close()
	code, stdout, stderr := invoke(t, "incident", "ack", "--api", server.URL, "--who", "ada", "7")
	if code != 0 || stdout != "incident 7: ack 3 by ada\n" || got != (api.NewNote{Kind: api.NoteAck, Who: "ada"}) {
		t.Errorf("exit %d: %s%s, sent %+v", code, stdout, stderr, got)
	}
	code, stdout, stderr = invoke(t, "incident", "note", "--api", server.URL, "7", "it is the transit")
	if code != 0 || got.Kind != api.NoteText || got.Text != "it is the transit" || got.Who == "" {
		t.Errorf("exit %d: %s%s, sent %+v", code, stdout, stderr, got)
	}
	code, stdout, _ = invoke(t, "incident", "tell", "--api", server.URL, "7", "Some of you cannot pay.")
	if code != 0 || got.Kind != api.NotePublic || got.Text != "Some of you cannot pay." || !strings.HasPrefix(stdout, "incident 7: public 3") {
		t.Errorf("exit %d: %s, sent %+v", code, stdout, got)
	}
	if code, _, _ = invoke(t, "incident", "withdraw", "--api", server.URL, "7"); code != 0 || got.Kind != api.NotePrivate {
		t.Errorf("exit %d, sent %+v", code, got)
	}
	code, _, stderr = invoke(t, "incident", "mute", "--api", server.URL, "--for", "2h", "7", "maintenance")
	if code != 0 || got.Kind != api.NoteMute || got.For != "2h" || got.Text != "maintenance" {
		t.Errorf("exit %d: %s, sent %+v", code, stderr, got)
	}
	if code, _, _ = invoke(t, "incident", "unmute", "--api", server.URL, "7"); code != 0 || got.Kind != api.NoteUnmute {
		t.Errorf("exit %d, sent %+v", code, got)
	}
	if code, _, _ = invoke(t, "incident", "resolve", "--api", server.URL, "7", "All is well."); code != 0 || got.Kind != api.NoteResolved || got.Text != "All is well." {
		t.Errorf("exit %d, sent %+v", code, got)
	}
	if code, _, stderr := invoke(t, "incident", "note", "--api", server.URL, "8", "x"); code != 1 || !strings.Contains(stderr, "incident must exist") {
		t.Errorf("of no incident: exit %d, %s", code, stderr)
	}
}
