package discover_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/heliograph-net/heliograph/prober/discover"
)

func Example() {
	dir, err := os.MkdirTemp("", "discover")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "web.json")
	text := `[{"targets": ["web-1.example:443"], "labels": {"rack": "r17", "env": "prod"}}]`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		fmt.Println(err)
		return
	}
	finder, err := discover.New([]discover.Source{{
		Files: []string{filepath.Join(dir, "*.json")},
		Relabel: []discover.Relabel{
			{SourceLabels: []string{"env"}, Regex: "prod", Action: "keep"},
			{SourceLabels: []string{"rack"}, TargetLabel: "row"},
		},
	}}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	finder.Look(context.Background(), 0)
	for _, t := range finder.All() {
		fmt.Println(t.Name(), "in row", t.Labels["row"])
	}
	// Output: web-1.example:443 in row r17
}
