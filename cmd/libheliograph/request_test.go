//go:build cgo

package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/agent/agenttest"
	"github.com/heliograph-net/heliograph/report"
)

func TestOrigin(t *testing.T) {
	for _, e := range []struct{ url, scheme, host string }{
		{"https://shop.example/cart?id=1#x", "https", "shop.example"},
		{"HTTP://shop.example:8080", "HTTP", "shop.example:8080"},
		{"wss://[2001:db8::1]:443/", "wss", "[2001:db8::1]:443"},
		{"ws://user:p@ss@shop.example?q=a@b", "ws", "shop.example"},
		{`https://shop.example\@evil.example/`, "https", "shop.example"},
		{"https://shop.example#@x", "https", "shop.example"},
		{"https:///x", "https", ""},
		{"https://user@", "https", ""},
		{"https:/shop.example", "", ""},
		{"ftp://shop.example/", "", ""},
		{"shop.example", "", ""},
		{"", "", ""},
	} {
		if scheme, host := origin(e.url); scheme != e.scheme || host != e.host {
			t.Errorf("%q: %q, %q", e.url, scheme, host)
		}
	}
}

// A URL that was cut could end in half a token, which cannot be recognised.
func TestCutURLIsNotKept(t *testing.T) {
	url := "https://shop.example/" + strings.Repeat("x", maxURL)
	if whole(url[:maxURL]) != url[:maxURL] || whole(url[:maxURL+1]) != "" {
		t.Error("the limit is not where it should be")
	}
}

func TestOutcome(t *testing.T) {
	refused := int32(syscall.ECONNREFUSED)
	for _, e := range []struct {
		r    request
		want report.Outcome
	}{
		{request{}, report.OK},
		{request{status: 399}, report.OK},
		{request{status: 400}, report.HTTPError},
		{request{status: 500, osError: int32(syscall.ECONNRESET)}, report.TCPReset},
		{request{osError: refused}, report.TCPRefused},
		{request{osError: int32(syscall.ETIMEDOUT)}, report.TCPTimedOut},
		{request{osError: int32(syscall.EHOSTUNREACH)}, report.TCPAddressUnreachable},
		{request{osError: 12345}, report.TCPFailed},
		{request{osError: -1}, report.TCPFailed},
		{request{osError: refused, status: 500, outcome: "tls.failed"}, report.TLSFailed},
		{request{osError: refused, outcome: "ok"}, report.OK},
	} {
		if got := outcome(&e.r); got != e.want {
			t.Errorf("%+v: %q, not %q", e.r, got, e.want)
		}
	}
}

// A request that succeeds takes until the head of its response, if the caller says when that came,
// and others until they end.
func TestDurations(t *testing.T) {
	operator := agenttest.For(t)
	a := operator.Start(t, report.Counts)
	const url, origin = "https://shop.example/cart", "https://shop.example"
	for _, r := range []request{
		{url: url, elapsedMS: 9000, headMS: 100}, {url: url, elapsedMS: 100}, {url: url}, {url: url, headMS: 100},
		{url: url, elapsedMS: 9000, headMS: 100, outcome: "tcp.reset"},
	} {
		if code := observe(a, &r); code != resultOK {
			t.Fatalf("%+v: %d", r, code)
		}
	}
	if err := a.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	seen := operator.Seen()
	for outcome, want := range map[report.Outcome]report.HistogramBucket{
		report.OK:       {Index: report.HistogramIndex(100 * time.Millisecond), Count: 3},
		report.TCPReset: {Index: report.HistogramIndex(9 * time.Second), Count: 1},
	} {
		if got := seen.Durations(origin, outcome); len(got) != 1 || got[0] != want {
			t.Errorf("%s: %v, want %v", outcome, got, want)
		}
	}
}

// TestPanicsStayHere: every exported function turns a panic into a result.
func TestPanicsStayHere(t *testing.T) {
	if got := protect(func() int32 { panic("a fault") }); got != resultInternal {
		t.Errorf("a panic becomes %d", got)
	}
	file, err := parser.ParseFile(token.NewFileSet(), "exports.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	exports := 0
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Doc == nil || !strings.Contains(f.Doc.List[len(f.Doc.List)-1].Text, "//export ") {
			continue
		}
		exports++
		if len(f.Body.List) != 1 || !returnsProtected(f.Body.List[0]) {
			t.Errorf("%s is more than return C.int32_t(protect(…))", f.Name)
		}
	}
	if exports != 8 {
		t.Errorf("found %d exported functions", exports)
	}
}

func returnsProtected(s ast.Stmt) bool {
	r, ok := s.(*ast.ReturnStmt)
	if !ok || len(r.Results) != 1 {
		return false
	}
	conversion, ok := r.Results[0].(*ast.CallExpr)
	if !ok || len(conversion.Args) != 1 {
		return false
	}
	call, ok := conversion.Args[0].(*ast.CallExpr)
	if !ok {
		return false
	}
	name, ok := call.Fun.(*ast.Ident)
	return ok && name.Name == "protect"
}
