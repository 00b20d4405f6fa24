package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// small is a module of the Go linker's.
var small = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "heliograph-build")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	source, out := filepath.Join(dir, "main.go"), filepath.Join(dir, "main.wasm")
	if err := os.WriteFile(source, []byte("package main\n\nfunc main() { defer println(\"hello\"); panic(recover()) }\n"), 0o600); err != nil {
		return nil, err
	}
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", out, source)
	cmd.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm", "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=")
	if text, err := cmd.CombinedOutput(); err != nil {
		return text, err
	}
	return os.ReadFile(out)
})

func smallModule(t *testing.T) []byte {
	t.Helper()
	b, err := small()
	if err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	return b
}

func memory(t *testing.T, module []byte) (low int, image []byte) {
	t.Helper()
	_, begin, end, err := findData(module)
	if err != nil {
		t.Fatal(err)
	}
	if low, image, err = load(module[begin:end]); err != nil {
		t.Fatal(err)
	}
	return low, image
}

// TestShrink: the shrunk module starts with the same memory, but for zeros in the tables of lines
// and names, and the rest of it is the same.
func TestShrink(t *testing.T) {
	module := smallModule(t)
	shrunk, err := shrink(module)
	if err != nil {
		t.Fatal(err)
	}
	low, before := memory(t, module)
	lowAfter, after := memory(t, shrunk)
	if low != lowAfter || len(after) > len(before) {
		t.Fatalf("%d bytes at %#x became %d at %#x", len(before), low, len(after), lowAfter)
	}
	after = append(after, make([]byte, len(before)-len(after))...)
	tab, ok := findTables(before)
	if !ok {
		t.Fatal("the module has no tables")
	}
	for i := range before {
		inTables := tab.names <= i && i < tab.entries
		inFuncs := tab.entries+8*tab.funcs <= i
		if before[i] != after[i] && !inFuncs && (!inTables || after[i] != 0) {
			t.Fatalf("byte %d of %d changed from %#x to %#x", i, len(before), before[i], after[i])
		}
	}
	for _, name := range []string{"runtime.gopanic\x00", "runtime.bgsweep\x00"} {
		if !bytes.Contains(after, []byte(name)) {
			t.Errorf("the runtime's name %q is gone", name)
		}
	}
	for _, name := range []string{"main.main\x00", "runtime/panic.go"} {
		if !bytes.Contains(before, []byte(name)) || bytes.Contains(after, []byte(name)) {
			t.Errorf("%q was there %v, is there %v", name, bytes.Contains(before, []byte(name)), bytes.Contains(after, []byte(name)))
		}
	}
	head, _, end, _ := findData(module)
	_, beginAfter, endAfter, _ := findData(shrunk)
	if !bytes.Equal(module[end:], shrunk[endAfter:]) || !bytes.Equal(module[:head], shrunk[:head]) {
		t.Error("another section changed")
	}
	if endAfter-beginAfter <= len(before)/2 {
		t.Errorf("a data section of %d bytes", endAfter-beginAfter)
	}
}

// TestShrinkRefuses: what the linker does not write is refused, and never read beyond its end.
func TestShrinkRefuses(t *testing.T) {
	module := smallModule(t)
	_, begin, _, err := findData(module)
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{0, 4, headSize, headSize + 1, begin, begin + 1, begin + 1000, len(module) / 2} {
		if _, err := shrink(module[:size]); err == nil {
			t.Errorf("the first %d bytes of a module were taken for one", size)
		}
	}
	_, image := memory(t, module)
	at := bytes.Index(image, magic)
	for name, damage := range map[string]func(b []byte){
		"another version":      func(b []byte) { b[at]++ },
		"too many functions":   func(b []byte) { b[at+8+6] = 1 },
		"no order of tables":   func(b []byte) { b[at+5*8+2] = 0xff },
		"a table beyond":       func(b []byte) { b[at+8*8+7] = 0xff },
		"functions elsewhere":  func(b []byte) { tab, _ := findTables(b); b[tab.entries+7] = 0x7f },
		"another beginning":    func(b []byte) { tab, _ := findTables(b); b[tab.entries]++ },
		"a table of no length": func(b []byte) { tab, _ := findTables(b); clear(b[tab.entries-64 : tab.entries]); pointTo(b, tab, 63) },
	} {
		copied := bytes.Clone(image)
		damage(copied)
		if err := stripTraces(copied); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

// pointTo makes the first function's frame sizes the table that begins n bytes before the end.
func pointTo(b []byte, tab tables, n int) {
	f := tab.entries + int(b[tab.entries+4]) + int(b[tab.entries+5])<<8 + int(b[tab.entries+6])<<16
	at := tab.entries - n - tab.values
	for i := range 4 {
		b[f+16+i] = byte(at >> (8 * i))
	}
	for i := tab.entries - n; i < tab.entries; i++ {
		b[i] = 0x80 // a number that does not end
	}
}

// TestOverlay: all edits fit this version of Go.
func TestOverlay(t *testing.T) {
	if _, err := overlay(t.TempDir()); err != nil {
		t.Error(err)
	}
}
