package client

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Growth is the size of a program.
type Growth struct {
	Name  string // of the directory below size
	Bytes int64
}

// BinaryGrowth builds the programs below size, stripped, and returns their sizes; the first is what
// the others grow from. The working directory must be this module's.
func BinaryGrowth(ctx context.Context) ([]Growth, error) {
	dir, err := os.MkdirTemp("", "heliograph-size-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	var all []Growth
	for _, name := range []string{"nethttp", "heliograph", "sentry", "otel"} {
		out := filepath.Join(dir, name)
		build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", out, "./size/"+name)
		if text, err := build.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("building size/%s: %w: %s", name, err, text)
		}
		info, err := os.Stat(out)
		if err != nil {
			return nil, err
		}
		all = append(all, Growth{name, info.Size()})
	}
	return all, nil
}
