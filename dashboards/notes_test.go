package dashboards

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/dashboards/api"
	"github.com/heliograph-net/heliograph/model"
)

// journal is a Journal of incident 7.
type journal struct {
	mu    sync.Mutex
	notes []model.Note

	milestones []model.Milestone
}

func (j *journal) AddNote(_ context.Context, n model.Note) (model.Note, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if n.Incident != 7 {
		return n, fmt.Errorf("%w: no such incident", model.ErrQuery)
	}
	n.Number = int64(len(j.notes) + 1)
	j.notes = append(j.notes, n)
	return n, nil
}

func (j *journal) Milestones(_ context.Context, incident int64) ([]model.Milestone, error) {
	return slices.DeleteFunc(slices.Clone(j.milestones), func(m model.Milestone) bool { return m.Incident != incident }), nil
}

func (j *journal) Journals(_ context.Context, ids []int64) ([]model.Journal, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	all := make([]model.Journal, len(ids))
	for i, id := range ids {
		if all[i].Incident = id; id == 7 {
			all[i].Notes, all[i].Earlier = j.notes, []int64{4, 1}
		}
	}
	return all, nil
}

// send posts a body and returns the status and the answer.
func send(t *testing.T, url, kind, body string, header ...string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", kind)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer strings.Builder
	if err := resp.Write(&answer); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, answer.String()
}

// What people write is with the incident, and says who as far as that is known.
func TestNotesOnIncidents(t *testing.T) {
	j := &journal{}
	reader := &fakeReader{incidents: []model.Incident{{ID: 7, Since: time.Now()}, {ID: 8, Since: time.Now()}}}
	_, url := serve(t, Options{Reader: reader, Journal: j})
	client, err := api.NewClient(url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := client.AddNote(t.Context(), 7, api.NewNote{Kind: api.NoteText, Who: "ada", Text: " it is the transit "}); err != nil || n.Number != 1 || n.Text != "it is the transit" || n.Who != "ada" || n.Known {
		t.Fatalf("%+v, %v", n, err)
	}
	if _, err := client.AddNote(t.Context(), 7, api.NewNote{Kind: api.NoteAck, Who: "bob"}); err != nil {
		t.Fatal(err)
	}
	all, err := client.Incidents(t.Context(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if i := all[0]; !i.Acknowledged || len(i.Notes) != 2 || i.Notes[1].Kind != api.NoteAck || i.Notes[1].Who != "bob" || len(i.Earlier) != 2 || i.Earlier[0] != 4 {
		t.Errorf("%+v", i)
	}
	if i := all[1]; i.Acknowledged || len(i.Notes) != 0 || len(i.Earlier) != 0 {
		t.Errorf("of another incident: %+v", i)
	}
}

// Only what belongs to notes is taken, and nothing from other sites.
func TestNotesAreChecked(t *testing.T) {
	j := &journal{}
	_, url := serve(t, Options{Reader: &fakeReader{}, Journal: j})
	notes := url + "/api/v1/incidents/7/notes"
	long, _ := json.Marshal(strings.Repeat("x", model.MaxNoteText+1))
	for name, c := range map[string]struct {
		url, kind, body string
		header          []string
		want            int
	}{
		"a form":               {notes, "application/x-www-form-urlencoded", "kind=ack", nil, 400},
		"no JSON":              {notes, "application/json", "ack", nil, 400},
		"an unknown member":    {notes, "application/json", `{"kind":"ack","known":true}`, nil, 400},
		"an unknown kind":      {notes, "application/json", `{"kind":"close"}`, nil, 400},
		"a note without text":  {notes, "application/json", `{"kind":"note","text":"  "}`, nil, 400},
		"a long text":          {notes, "application/json", `{"kind":"note","text":` + string(long) + `}`, nil, 400},
		"a long body":          {notes, "application/json", `{"kind":"note","text":"` + strings.Repeat("x", 1<<20) + `"}`, nil, 400},
		"no such incident":     {url + "/api/v1/incidents/9/notes", "application/json", `{"kind":"ack"}`, nil, 400},
		"another site":         {notes, "application/json", `{"kind":"ack"}`, []string{"Sec-Fetch-Site", "cross-site"}, 403},
		"another origin":       {notes, "application/json", `{"kind":"ack"}`, []string{"Origin", "https://evil.example"}, 403},
		"a path without notes": {url + "/api/v1/incidents", "application/json", `{"kind":"ack"}`, nil, 405},
	} {
		if code, answer := send(t, c.url, c.kind, c.body, c.header...); code != c.want {
			t.Errorf("%s: %d, want %d: %s", name, code, c.want, answer)
		}
	}
	if len(j.notes) != 0 {
		t.Errorf("stored: %+v", j.notes)
	}
	if resp, _ := fetch(t, notes); resp.StatusCode == http.StatusOK {
		t.Errorf("GET of notes: %s", resp.Status)
	}
}

// A mute lasts as long as was asked for, with a reason, and is seen until it ends.
func TestMute(t *testing.T) {
	j := &journal{}
	reader := &fakeReader{incidents: []model.Incident{{ID: 7, Since: time.Now()}}}
	_, url := serve(t, Options{Reader: reader, Journal: j})
	notes := url + "/api/v1/incidents/7/notes"
	for body, why := range map[string]string{
		`{"kind":"mute","who":"ada"}`:                               "no reason",
		`{"kind":"mute","text":"x","for":"8d"}`:                     "too long",
		`{"kind":"mute","text":"x","for":"1s"}`:                     "too short",
		`{"kind":"mute","text":"x","for":"soon"}`:                   "no span",
		`{"kind":"ack","for":"1h"}`:                                 "not a mute",
		`{"kind":"mute","text":"x","until":"2099-01-01T00:00:00Z"}`: "an unknown member",
	} {
		if code, answer := send(t, notes, "application/json", body); code != 400 {
			t.Errorf("%s: %d %s", why, code, answer)
		}
	}
	client, err := api.NewClient(url, nil)
	if err != nil {
		t.Fatal(err)
	}
	muted := func() *api.Mute {
		t.Helper()
		all, err := client.Incidents(t.Context(), time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		return all[0].Muted
	}
	for length, want := range map[string]time.Duration{"": time.Hour, "7d": 7 * 24 * time.Hour} {
		n, err := client.AddNote(t.Context(), 7, api.NewNote{Kind: api.NoteMute, Who: "ada", Text: "maintenance", For: length})
		if err != nil || n.Until.Sub(n.At).Round(time.Second) != want {
			t.Errorf("%q: %+v, %v", length, n, err)
		}
		if m := muted(); m == nil || !m.Until.Equal(n.Until) || m.Who != "ada" || m.Reason != "maintenance" {
			t.Errorf("%+v", m)
		}
	}
	if _, err := client.AddNote(t.Context(), 7, api.NewNote{Kind: api.NoteUnmute, Who: "bob"}); err != nil || muted() != nil {
		t.Errorf("unmuted: %+v, %v", muted(), err)
	}
	j.notes = []model.Note{{Kind: model.NoteMute, Text: "x", At: time.Now().Add(-2 * time.Hour), Until: time.Now().Add(-time.Hour)}}
	if m := muted(); m != nil {
		t.Errorf("after its end: %+v", m)
	}
}
