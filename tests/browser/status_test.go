package browser

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"golang.org/x/net/html"

	"github.com/heliograph-net/heliograph/dashboards/status"
	"github.com/heliograph-net/heliograph/model"
)

// statusFiles are the files of a status page on which hostile words, an incident that goes on and a
// past one are.
func statusFiles(t *testing.T) map[string][]byte {
	t.Helper()
	now := time.Now()
	s := status.Settings{Title: "Example status", URL: "https://status.example", Automatic: true,
		Services: []status.Service{{Name: "Shop", Targets: []string{"https://shop.example"}}, {Name: hostile[0] + hostile[4][:200], Targets: []string{"https://search.example"}}}}
	incidents := []model.Incident{{ID: 7, Target: "https://shop.example", Verdict: model.ServiceDown, Since: now.Add(-20 * time.Minute)},
		{ID: 5, Target: "https://search.example", Verdict: model.Certificate, Since: now.AddDate(0, 0, -9), Until: now.AddDate(0, 0, -9).Add(42 * time.Minute)},
		{ID: 4, Target: "https://shop.example", Verdict: model.DNS, Since: now.AddDate(0, 0, -40), Until: now.AddDate(0, 0, -40).Add(3 * time.Hour)}}
	told := model.Journal{Notes: []model.Note{{Number: 1, At: now.Add(-15 * time.Minute), Kind: model.NotePublic, Text: "The shop cannot be reached. We are on it."},
		{Number: 2, At: now.Add(-5 * time.Minute), Kind: model.NotePublic, Text: strings.Join(hostile, " ")[:1900]}}}
	p := status.New(s, now, incidents, []model.Journal{told, {}, {}}, false)
	files, err := p.Files()
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestStatusPage: the status page as files works without scripts, keeps its own content security
// policy, and passes what the dashboard's views pass. With SCREENSHOTS it writes pictures.
func TestStatusPage(t *testing.T) {
	files := statusFiles(t)
	types := map[string]string{"index.html": "text/html; charset=utf-8", "style.css": "text/css", "feed.xml": "application/rss+xml"}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(r.URL.Path, "/")
		if name == "" {
			name = "index.html"
		}
		w.Header().Set("Content-Type", types[name])
		_, _ = w.Write(files[name])
	}))
	t.Cleanup(server.Close)
	balanced(t, string(files["index.html"]))
	ctx := viewsBrowser(t)
	source := axe(t)
	for i, width := range widths {
		scheme := []string{"light", "dark"}[i%2]
		open(t, ctx, server.URL, width, 900, scheme)
		becomes(t, ctx, `document.querySelectorAll(".days span").length === 180 && getComputedStyle(document.querySelector(".days")).display === "flex"`)
		becomes(t, ctx, `document.scripts.length === 0 && document.querySelector("img, svg, [onload], [onerror]") === null && window.owned === undefined`)
		fits(t, ctx, "status", width)
		picture(t, ctx, fmt.Sprintf("status-%d-%s", width, scheme))
		if i < 2 {
			serious(t, ctx, "status", scheme, source)
			walk(t, ctx, "status")
		}
	}
	loaded, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](`performance.getEntriesByType("resource").map((e) => e.name)`))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range loaded {
		if !strings.HasPrefix(name, server.URL) {
			t.Errorf("the page loads %s", name)
		}
	}
}

// balanced checks that every element that is opened is closed in its turn, and that no id is there
// twice.
func balanced(t *testing.T, text string) {
	t.Helper()
	empty := map[string]bool{"meta": true, "link": true}
	ids := map[string]bool{}
	var open []string
	for z := html.NewTokenizer(strings.NewReader(text)); z.Next() != html.ErrorToken; {
		switch token := z.Token(); token.Type {
		case html.StartTagToken:
			if !empty[token.Data] {
				open = append(open, token.Data)
			}
			for _, a := range token.Attr {
				if a.Key == "id" && ids[a.Val] {
					t.Errorf("the id %s is there twice", a.Val)
				}
				ids[a.Val] = ids[a.Val] || a.Key == "id"
			}
		case html.EndTagToken:
			if len(open) == 0 || open[len(open)-1] != token.Data {
				t.Fatalf("%s is closed within %q", token.Data, open)
			}
			open = open[:len(open)-1]
		}
	}
	if len(open) > 0 {
		t.Errorf("%q is never closed", open)
	}
}
