package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// edits leave out of the module what no agent ever calls and the linker keeps all the same: 180 KB
// when compressed. The agent's one cipher suite is ML-KEM-768 with X25519. But package hpke, when
// it is initialised, looks at the NIST curves, and with them comes all of their arithmetic; package
// ecdh makes a self-test of P-256 ready; and package nistec points to a table for P-256, 88 KB of
// random numbers, before anybody asks for it. Package godebug brings metrics and a bisecting tool
// for $GODEBUG, which no browser has; and the runtime can print fractions, in traces that nobody
// sees. What remains of these packages is as Go has it.
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

// edit replaces old, wherever it is in a file of the standard library, by new.
type edit struct{ file, old, new string }

// overlay writes what `go build -overlay` needs into dir and returns its name. The error says that
// Go's sources are not what they were when edits was written: the module can be built without.
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
