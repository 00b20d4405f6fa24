package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The types of the page must be those of the API.
func TestGeneratedTypesAreUpToDate(t *testing.T) {
	if err := run("../../api", "../../web/src/api.gen.ts", true); err != nil {
		t.Error(err)
	}
}

func TestRun(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "api.gen.ts")
	if err := run(dir, out, false); err == nil {
		t.Error("no types are no error")
	}
	source := "package api\n\n// A is a thing.\ntype A struct {\n\tN int `json:\"n\"`\n}\n"
	if err := os.WriteFile(filepath.Join(dir, "a.go"), []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run(dir, out, false); err != nil {
		t.Fatal(err)
	}
	if err := run(dir, out, true); err != nil {
		t.Error(err)
	}
	changed := strings.Replace(source, "int", "string", 1)
	if err := os.WriteFile(filepath.Join(dir, "a.go"), []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run(dir, out, true); err == nil || !strings.Contains(err.Error(), "go generate") {
		t.Errorf("a change is not seen: %v", err)
	}
	if err := run(dir, "", true); err == nil {
		t.Error("no file is no error")
	}
}
