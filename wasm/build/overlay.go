package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// edits removes code from the standard library that no agent calls but the linker keeps: 180 KB
// when compressed. The only cipher suite of the agent is ML-KEM-768 with X25519. But the
// initialisation of package hpke refers to the NIST curves and thus to all of their arithmetic.
// Package ecdh prepares a self-test of P-256, and package nistec refers to a table for P-256 of
// 88 KB. Package godebug has metrics and a bisecting tool for $GODEBUG, which browsers do not have.
// The runtime can print fractions in traces that nobody sees. The rest of these packages
// is unchanged.
var edits = []edit{
	{"crypto/hpke/kem.go", "ecdh.P256()", "ecdh.Curve(nil)"},
	{"crypto/hpke/kem.go", "ecdh.P384()", "ecdh.Curve(nil)"},
	{"crypto/hpke/kem.go", "ecdh.P521()", "ecdh.Curve(nil)"},
	{"crypto/hpke/pq.go", "ecdh.P256()", "ecdh.Curve(nil)"},
	{"crypto/hpke/pq.go", "ecdh.P384()", "ecdh.Curve(nil)"},
	{"crypto/internal/fips140/nistec/p256.go", "func init() {\n\tp256GeneratorTablesPtr :=",
		"var p256TablesOnce sync.Once\n\nfunc p256InitTables() {\n\tp256GeneratorTablesPtr :="},
	{"crypto/internal/fips140/nistec/p256.go", "\tindex := 251\n", "\tp256TablesOnce.Do(p256InitTables)\n\tindex := 251\n"},
	{"crypto/internal/fips140/ecdh/cast.go", "var fipsSelfTest = sync.OnceFunc(func() {",
		"var fipsSelfTestOnce sync.Once\n\nfunc fipsSelfTest() { fipsSelfTestOnce.Do(func() {"},
	{"crypto/internal/fips140/ecdh/cast.go", "\n\t})\n})\n", "\n\t})\n})}\n"},
	{"runtime/print.go", "gwrite(strconv.AppendFloat(buf[:0], v, 'g', -1, 64))", "_, _ = buf, strconv.ParseInt\n\tprintint(int64(v))"},
	{"runtime/print.go", "gwrite(strconv.AppendFloat(buf[:0], float64(v), 'g', -1, 32))", "_ = buf\n\tprintint(int64(v))"},
	{"runtime/print.go", "gwrite(strconv.AppendComplex(buf[:0], c, 'g', -1, 128))", "_ = buf\n\tprintint(int64(real(c)))"},
	{"runtime/print.go", "gwrite(strconv.AppendComplex(buf[:0], complex128(c), 'g', -1, 64))", "_ = buf\n\tprintint(int64(real(c)))"},
	{"internal/godebug/godebug.go", "registerMetric(\"/godebug/non-default-behavior/\"+s.Name()+\":events\", s.nonDefault.Load)", ""},
	{"internal/godebug/godebug.go", "if v.bisect != nil && !v.bisect.Stack(&stderr) {", "if v.bisect != nil {"},
	{"internal/godebug/godebug.go", "v.bisect, _ = bisect.New(arg[j+1:])", "v.bisect = new(bisect.Matcher)"},
}

// edit replaces old by new everywhere in a file of the standard library.
type edit struct{ file, old, new string }

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
