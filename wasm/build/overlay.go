package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// overlay writes the files for "go build -overlay" into dir and returns the name of the overlay
// file. It returns an error if Go's sources have changed since edits was written. The module can
// then be built without the overlay.
func overlay(dir string) (string, error) {
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return "", err
	}
	root := filepath.Join(strings.TrimSpace(string(out)), "src")
	replace := make(map[string]string) // a source file, and what is compiled in its place
	for i, e := range edits {
		original := filepath.Join(root, filepath.FromSlash(e.file))
		from, known := replace[original]
		if !known {
			from = original
		}
		text, err := os.ReadFile(from)
		if err != nil {
			return "", err
		}
		if !strings.Contains(string(text), e.old) {
			return "", fmt.Errorf("%s has no %q any longer", e.file, e.old)
		}
		to := filepath.Join(dir, fmt.Sprintf("%d-%s", i, filepath.Base(e.file)))
		if err := os.WriteFile(to, []byte(strings.ReplaceAll(string(text), e.old, e.new)), 0o600); err != nil {
			return "", err
		}
		replace[original] = to
	}
	b, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	name := filepath.Join(dir, "overlay.json")
	return name, os.WriteFile(name, b, 0o600)
}
