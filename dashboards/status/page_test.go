package status

import (
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/model"
)

var at = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// shop is a service with a target.
var shop = Settings{Title: "Example status", URL: "https://status.example", Services: []Service{{"Shop", []string{"https://shop.example"}}, {"Search", []string{"https://search.example"}}}}

func down(id int64, since, until time.Time) model.Incident {
	return model.Incident{ID: id, Target: "https://shop.example", Verdict: model.NetworkPath, Since: since, Until: until,
		Title: "tcp.timed_out for https://shop.example from AS64501: 41 of 45 requests fail, 31 clients", Scope: model.Scope{ASNs: []uint32{64501}, Servers: []string{"192.0.2.7:443"}},
		Evidence: []model.Signal{{Text: "secret evidence"}}}
}

// TestApproval: an incident appears when an operator tells the public about it, with these words
// only, and goes when that is withdrawn.
func TestApproval(t *testing.T) {
	incidents := []model.Incident{down(7, at.Add(-30*time.Minute), time.Time{})}
	journal := model.Journal{Notes: []model.Note{{Number: 1, At: at.Add(-20 * time.Minute), Kind: model.NoteText, Text: "internal"}}}
	if p := New(shop, at, incidents, []model.Journal{journal}, false); len(p.Incidents) != 0 || p.Services[0].Disturbed {
		t.Errorf("without approval: %+v", p.Incidents)
	}
	journal.Notes = append(journal.Notes, model.Note{Number: 2, At: at.Add(-10 * time.Minute), Kind: model.NotePublic, Text: "Some of you cannot pay."},
		model.Note{Number: 3, At: at.Add(-5 * time.Minute), Kind: model.NotePublic, Text: "We are changing the route."})
	p := New(shop, at, incidents, []model.Journal{journal}, false)
	if len(p.Incidents) != 1 || len(p.Incidents[0].Updates) != 2 || p.Incidents[0].Updates[0].Text != "We are changing the route." || !p.Services[0].Disturbed || p.Services[1].Disturbed {
		t.Fatalf("%+v", p)
	}
	if d := p.Services[0].Days; len(d) != Days || d[Days-1] != (Day{"2026-11-30", 30}) || d[Days-2].Minutes != 0 {
		t.Errorf("%+v", d[Days-2:])
	}
	for name, text := range files(t, &p) {
		for _, secret := range []string{"AS64501", "64501", "192.0.2.7", "secret", "internal", "31 clients", "shop.example"} {
			if strings.Contains(text, secret) {
				t.Errorf("%s has %q", name, secret)
			}
		}
	}
	journal.Notes = append(journal.Notes, model.Note{Number: 4, Kind: model.NotePrivate})
	automatic := shop
	automatic.Automatic = true
	for _, s := range []Settings{shop, automatic} {
		if p := New(s, at, incidents, []model.Journal{journal}, false); len(p.Incidents) != 0 {
			t.Errorf("withdrawn: %+v", p.Incidents)
		}
	}
}

// TestResolved: what an operator calls over is over for the public, though the detector still sees
// it, until the operator says more.
func TestResolved(t *testing.T) {
	incidents := []model.Incident{down(7, at.Add(-30*time.Minute), time.Time{})}
	notes := []model.Note{{Number: 1, At: at.Add(-20 * time.Minute), Kind: model.NotePublic, Text: "Some of you cannot pay."},
		{Number: 2, At: at.Add(-10 * time.Minute), Kind: model.NoteResolved, Text: "Everybody can pay again."}}
	p := New(shop, at, incidents, []model.Journal{{Notes: notes}}, false)
	if i := p.Incidents[0]; !i.Until.Equal(at.Add(-10*time.Minute)) || !i.Updates[0].Resolved || i.Updates[0].Text != "Everybody can pay again." || p.Services[0].Disturbed {
		t.Errorf("%+v", p)
	}
	text := files(t, &p)
	if n := strings.Count(text["feed.xml"], "<title>Resolved: Everybody can pay again.</title>"); n != 1 || strings.Count(text["feed.xml"], "<item>") != 2 {
		t.Errorf("%d items say so:\n%s", n, text["feed.xml"])
	}
	if !strings.Contains(text["index.html"], "Shop: resolved") {
		t.Error(text["index.html"])
	}
	again := append(notes, model.Note{Number: 3, At: at, Kind: model.NotePublic, Text: "It is back."})
	if p := New(shop, at, incidents, []model.Journal{{Notes: again}}, false); !p.Incidents[0].Open() || len(p.Incidents[0].Updates) != 3 || !p.Services[0].Disturbed {
		t.Errorf("it is back: %+v", p)
	}
	incidents[0].Until = at.Add(-15 * time.Minute) // before the operator said so
	notes[1].Text = ""
	if p := New(shop, at, incidents, []model.Journal{{Notes: notes}}, false); !p.Incidents[0].Until.Equal(incidents[0].Until) || p.Incidents[0].Updates[0].Text != "This is over." {
		t.Errorf("over before: %+v", p.Incidents)
	}
}

// TestAutomatic: with the setting, sure incidents of the service appear once they have lasted five
// minutes, in words that name no network unless that is allowed.
func TestAutomatic(t *testing.T) {
	s := shop
	s.Automatic, s.NetworkName = true, func(uint32) string { return "Ridge Mobile" }
	thin, late, brief := down(2, at.Add(-time.Hour), time.Time{}), down(3, at.Add(-time.Hour), time.Time{}), down(4, at.Add(-time.Minute), time.Time{})
	thin.Verdict, late.Late = model.TooThin, true
	incidents := []model.Incident{down(1, at.Add(-time.Hour), time.Time{}), thin, late, brief, down(5, at.AddDate(0, 0, -3), at.AddDate(0, 0, -3).Add(90*time.Minute))}
	p := New(s, at, incidents, make([]model.Journal, len(incidents)), false)
	if len(p.Incidents) != 2 || p.Incidents[0].Updates[0].Text != "Shop cannot be reached from some networks." || p.Incidents[1].Updates[0].Text != "Shop could not be reached from some networks." {
		t.Errorf("%+v", p.Incidents)
	}
	if d := p.Services[0].Days; d[Days-4].Minutes != 90 || d[Days-1].Minutes != 60 {
		t.Errorf("%+v", d[Days-4:])
	}
	s.Networks = true
	if p := New(s, at, incidents, make([]model.Journal, len(incidents)), false); p.Incidents[0].Updates[0].Text != "Shop cannot be reached from Ridge Mobile." {
		t.Errorf("%+v", p.Incidents[0])
	}
	for _, v := range []model.Verdict{model.ServiceDown, model.ServerGroup, model.NetworkPath, model.DNS, model.Certificate, model.Release, model.Protocol} {
		open, over := down(1, at.Add(-time.Hour), time.Time{}), down(1, at.Add(-time.Hour), at)
		open.Verdict, over.Verdict = v, v
		if now, then := shop.words(&open), shop.words(&over); now == then || !strings.HasPrefix(now, "Shop ") {
			t.Errorf("%s: %q while it goes on, %q afterwards", v, now, then)
		}
	}
}

// TestDays: incidents that overlap count once, and each day has its part.
func TestDays(t *testing.T) {
	midnight := time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)
	s := shop
	s.Automatic = true
	incidents := []model.Incident{down(1, midnight.Add(-20*time.Minute), midnight.Add(10*time.Minute)), down(2, midnight.Add(-10*time.Minute), midnight.Add(30*time.Minute))}
	p := New(s, at, incidents, make([]model.Journal, 2), false)
	if d := p.Services[0].Days; d[Days-2].Minutes != 20 || d[Days-1].Minutes != 30 {
		t.Errorf("%+v", d[Days-2:])
	}
}

// TestFeed: the feed has what RSS 2.0 asks for, and texts cannot end its elements.
func TestFeed(t *testing.T) {
	const hostile = `</description><script>alert(1)</script> & "quotes"`
	journal := model.Journal{Notes: []model.Note{{Number: 2, At: at, Kind: model.NotePublic, Text: hostile}}}
	p := New(shop, at, []model.Incident{down(7, at.Add(-time.Hour), at)}, []model.Journal{journal}, false)
	text := files(t, &p)
	var feed rss
	dec := xml.NewDecoder(strings.NewReader(text["feed.xml"]))
	dec.Strict = true
	if err := dec.Decode(&feed); err != nil {
		t.Fatal(err)
	}
	c := feed.Channel
	if feed.Version != "2.0" || c.Title == "" || !strings.HasPrefix(c.Link, "https://") || c.Description == "" || len(c.Items) != 2 {
		t.Errorf("%+v", feed)
	}
	known := map[string]bool{}
	for _, i := range c.Items {
		if _, err := time.Parse(time.RFC1123Z, i.Published); err != nil || known[i.GUID.Text] || i.GUID.Permanent || i.Title == "" || !strings.HasPrefix(i.Link, "https://status.example/#incident-7") {
			t.Errorf("%+v: %v", i, err)
		}
		known[i.GUID.Text] = true
		if strings.Contains(i.Description, "<script") { // readers show descriptions as HTML
			t.Errorf("description %q", i.Description)
		}
	}
	if html := text["index.html"]; strings.Contains(html, "<script") || !strings.Contains(html, "&lt;script&gt;") {
		t.Error("the page does not escape what an operator wrote")
	}
}

// TestBlind: while the detector sees nothing, the page does not say that services work.
func TestBlind(t *testing.T) {
	p := New(shop, at, nil, nil, true)
	if html := files(t, &p)["index.html"]; strings.Contains(html, "Works") || !strings.Contains(html, "cannot say") {
		t.Error(html)
	}
}

// TestWrite: files replace those before, and nothing else is left.
func TestWrite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "status")
	for _, title := range []string{"one", "two"} {
		p := New(Settings{Title: title, URL: "https://status.example"}, at, nil, nil, false)
		f, err := p.Files()
		if err != nil {
			t.Fatal(err)
		}
		if err := Write(dir, f); err != nil {
			t.Fatal(err)
		}
	}
	entries, err := os.ReadDir(dir)
	html, _ := os.ReadFile(filepath.Join(dir, "index.html"))
	if err != nil || len(entries) != 4 || !strings.Contains(string(html), "<h1>two</h1>") {
		t.Errorf("%v, %v", entries, err)
	}
}

func files(t *testing.T, p *Page) map[string]string {
	t.Helper()
	f, err := p.Files()
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	for name, content := range f {
		texts[name] = string(content)
	}
	return texts
}

// The page says what operators told the public.
func ExampleNew() {
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	s := Settings{Title: "Example", URL: "https://status.example", Services: []Service{{Name: "Shop", Targets: []string{"https://shop.example"}}}}
	incidents := []model.Incident{{ID: 7, Target: "https://shop.example", Since: now.Add(-time.Hour)}}
	journals := []model.Journal{{Notes: []model.Note{{Number: 1, At: now, Kind: model.NotePublic, Text: "Some of you cannot pay."}}}}
	p := New(s, now, incidents, journals, false)
	fmt.Println(p.Services[0].Name, p.Services[0].Disturbed)
	fmt.Println(p.Incidents[0].Updates[0].Text)
	// Output:
	// Shop true
	// Some of you cannot pay.
}
