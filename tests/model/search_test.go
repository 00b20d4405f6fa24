package model

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// run makes the search's program, in a directory of its own, and returns what it prints.
func (s search) run(t *testing.T) string {
	dir := t.TempDir()
	s.spin(t, dir, "-a")
	compile := []string{"-O2", "-w", "-DCOLLAPSE", "-DMEMLIM=1500", "-o", "pan", "pan.c"} // MiB
	arguments := []string{"-m2000000"}                                                    // steps
	if s.live() {
		// -DNFAIR is for as many processes as the model has, in words
		compile, arguments = append(compile, "-DNFAIR=3"), append(arguments, "-a", "-f")
	} else {
		compile = append(compile, "-DSAFETY")
	}
	command(t, dir, "cc", compile...)
	return command(t, dir, "./pan", arguments...)
}

func (s search) live() bool { return strings.Contains(s.defines, "LIVENESS") }

// spin runs SPIN on a copy of the model, for it leaves files behind.
func (s search) spin(t *testing.T, dir string, arguments ...string) string {
	files, err := filepath.Glob("*.pml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no model: %v", err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for d := range strings.FieldsSeq(s.defines) {
		arguments = append(arguments, "-D"+d)
	}
	return command(t, dir, "spin", append(arguments, "delivery.pml")...)
}

func command(t *testing.T, dir, name string, arguments ...string) string {
	cmd := exec.CommandContext(t.Context(), name, arguments...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(arguments, " "), err, out)
	}
	return string(out)
}

var (
	stored = regexp.MustCompile(`(\d+) states, stored`)
	memory = regexp.MustCompile(`([\d.]+)\s+total actual memory usage`)
	depth  = regexp.MustCompile(`depth reached (\d+)`)
)

// figures sums up what a search says of its size.
func figures(out string) string {
	first := func(r *regexp.Regexp) string {
		if m := r.FindStringSubmatch(out); m != nil {
			return m[1]
		}
		return "?"
	}
	return first(stored) + " states, depth " + first(depth) + ", " + first(memory) + " MiB"
}
