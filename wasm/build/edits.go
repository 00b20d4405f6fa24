package main

// edits removes code from the standard library that the agent never calls but the linker keeps. It
// changes no cryptography: what remains of these packages is as Go has it.
var edits = []edit{
	// The agent's only cipher suites are ML-KEM-768 with X25519, and X25519. But the initialisation
	// of package hpke refers to the NIST curves and thus to all of their arithmetic; package ecdh
	// prepares a self-test of P-256, and package nistec refers to a table for P-256 of 88 KB.
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
	// Self-tests and the generator of random numbers that only the FIPS 140-3 mode runs, which
	// $GODEBUG turns on and browsers do not have.
	{"crypto/internal/fips140/aes/cast.go", "func init() {", selfTest},
	{"crypto/internal/fips140/aes/gcm/cast.go", "func init() {", selfTest},
	{"crypto/internal/fips140/drbg/cast.go", "func init() {", selfTest},
	{"crypto/internal/fips140/hkdf/cast.go", "func init() {", selfTest},
	{"crypto/internal/fips140/hmac/cast.go", "func init() {", selfTest},
	{"crypto/internal/fips140/sha256/cast.go", "func init() {", selfTest},
	{"crypto/internal/fips140/sha3/cast.go", "func init() {", selfTest},
	{"crypto/internal/fips140/sha512/cast.go", "func init() {", selfTest},
	{"crypto/internal/fips140/drbg/rand.go", "\tif !fips140.Enabled {\n\t\tsysrand.Read(b)\n\t\treturn\n\t}\n", "\tsysrand.Read(b)\n}\n\nfunc readApproved(b []byte) {\n"},
	// GCM over ciphers other than AES.
	{"crypto/cipher/gcm.go", "return newGCMFallback(cipher, nonceSize, tagSize)", `return nil, errors.New("crypto/cipher: GCM is for AES only")`},
	// $GODEBUG: settings, metrics and a bisecting tool.
	{"internal/godebug/godebug.go", "func (s *Setting) Value() string {\n", "func (s *Setting) Value() string { return \"\" }\n\nfunc (s *Setting) valueOfEnvironment() string {\n"},
	{"internal/godebug/godebug.go", "func (s *Setting) IncNonDefault() {\n", "func (s *Setting) IncNonDefault() {}\n\nfunc (s *Setting) countNonDefault() {\n"},
	{"internal/godebug/godebug.go", "\tsetUpdate(update)\n\tsetNewIncNonDefault(newIncNonDefault)\n", ""},
	// Files: package os opens standard input and output at its start. A browser's runtime prints
	// without them.
	{"os/file.go", `NewFile(uintptr(syscall.Stdin), "/dev/stdin")`, "(*File)(nil)"},
	{"os/file.go", `NewFile(uintptr(syscall.Stdout), "/dev/stdout")`, "(*File)(nil)"},
	{"os/file.go", `NewFile(uintptr(syscall.Stderr), "/dev/stderr")`, "(*File)(nil)"},
	// Canonical values that nobody needs any longer are collected. The agent has one for each zone
	// of an IPv6 address, and a plain map does. There is one thread, and no goroutine is
	// stopped within.
	{"unique/handle.go", "func Make[T comparable](value T) Handle[T] {\n", `var canonical = make(map[any]any)

func Make[T comparable](value T) Handle[T] {
	known, ok := canonical[value].(*T)
	if !ok {
		known = &value
		canonical[value] = known
	}
	return Handle[T]{known}
}

func makeCollected[T comparable](value T) Handle[T] {
`},
	// Texts for debuggers: of times and contexts, and what the runtime prints of its scheduler and
	// of fractions when it breaks down.
	{"time/format.go", "func (t Time) String() string {\n", "func (t Time) String() string { return \"time\" }\n\nfunc (t Time) stringOf() string {\n"},
	{"context/context.go", "c.deadline.String() + \" [\" +\n\t\ttime.Until(c.deadline).String() + \"])\"", `")"`},
	{"runtime/panic.go", "schedtrace(true)", ""},
	{"runtime/print.go", "gwrite(strconv.AppendFloat(buf[:0], v, 'g', -1, 64))", "_, _ = buf, strconv.ParseInt\n\tprintint(int64(v))"},
	{"runtime/print.go", "gwrite(strconv.AppendFloat(buf[:0], float64(v), 'g', -1, 32))", "_ = buf\n\tprintint(int64(v))"},
	{"runtime/print.go", "gwrite(strconv.AppendComplex(buf[:0], c, 'g', -1, 128))", "_ = buf\n\tprintint(int64(real(c)))"},
	{"runtime/print.go", "gwrite(strconv.AppendComplex(buf[:0], complex128(c), 'g', -1, 64))", "_ = buf\n\tprintint(int64(real(c)))"},
}

// selfTest takes the place of the beginning of an init function.
const selfTest = "func selfTest() {"

// edit replaces old by new everywhere in a file of the standard library.
type edit struct{ file, old, new string }
