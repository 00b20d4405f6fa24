package main

import (
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/heliograph-net/heliograph/dashboards/internal/schema"
)

var update = flag.Bool("update", false, "write the dashboards")

// TestFiles: the committed JSON is what the code builds.
func TestFiles(t *testing.T) {
	for _, b := range boards() {
		want, err := b.json()
		if err != nil {
			t.Fatal(err)
		}
		name := b.UID + ".json"
		if *update {
			if err := os.WriteFile(name, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if have, err := os.ReadFile(name); err != nil || !bytes.Equal(have, want) {
			t.Errorf("%s is not what the code builds (%v); run go run . in dashboards/grafana", name, err)
		}
	}
}

// TestPanels: panels have ids and places of their own within the grid, say what they show, and have
// data from the source that their dashboard lets one choose.
func TestPanels(t *testing.T) {
	for _, b := range boards() {
		taken := map[[2]int]string{}
		for i, p := range b.Panels {
			if p.ID != i+1 || p.Title == "" {
				t.Errorf("%s: panel %d has the id %d and the title %q", b.UID, i, p.ID, p.Title)
			}
			for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
				for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
					if other := taken[[2]int{x, y}]; other != "" || x >= gridWidth {
						t.Fatalf("%s: %s lies over %q or outside", b.UID, p.Title, other)
					}
					taken[[2]int{x, y}] = p.Title
				}
			}
			if p.Type == "row" {
				continue
			}
			if p.Description == "" || len(p.Targets) == 0 || p.Datasource.UID != "${"+b.Templating.List[0].Name+"}" || p.Datasource.Type != b.Templating.List[0].Query {
				t.Errorf("%s: %s has no description, no query or another data source", b.UID, p.Title)
			}
		}
	}
}

// TestPathsOfTheAPI: every path is one of the API, and every column a member of its answer.
func TestPathsOfTheAPI(t *testing.T) {
	types, err := schema.Parse("../api")
	if err != nil {
		t.Fatal(err)
	}
	answers := map[string]string{"/api/v1/now": "Now", "/api/v1/incidents": "Incident", "/api/v1/totals": "Total", "/api/v1/probes": "Probed",
		"/api/v1/applications": "ApplicationSent", "/api/v1/parts": "Part"}
	document, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range service().Panels {
		for _, q := range p.Targets {
			path, _, _ := strings.Cut(q.URL, "?")
			if answers[path] == "" || !bytes.Contains(document, []byte("GET "+path)) {
				t.Errorf("%s asks for %s, which is not in docs/api.md", p.Title, path)
			}
			for _, c := range q.Columns {
				if !hasField(types, answers[path], c.Selector) {
					t.Errorf("%s: %s has no %s", p.Title, answers[path], c.Selector)
				}
			}
		}
	}
}

func hasField(types []schema.Type, name, field string) bool {
	for _, t := range types {
		if t.Name != name {
			continue
		}
		for _, f := range t.Fields {
			if f.Name == field {
				return true
			}
		}
		for _, embedded := range t.Embeds {
			if hasField(types, embedded, field) {
				return true
			}
		}
	}
	return false
}
