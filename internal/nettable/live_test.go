package nettable

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// mmdb writes a MaxMind database of IPv4 prefixes (MaxMind DB file format 2.0): 24-bit records,
// each prefix with a map of its own.
func mmdb(records map[string]map[string]any) []byte {
	type node [2]int // 0: nothing, n > 0: node n, n < 0: data at -n-1
	nodes := []node{{}}
	var data []byte
	for prefix, record := range records {
		p := netip.MustParsePrefix(prefix)
		at, b := 0, p.Addr().As4()
		for bit := range p.Bits() {
			side := b[bit/8] >> (7 - bit%8) & 1
			if bit == p.Bits()-1 {
				nodes[at][side] = -len(data) - 1
				break
			}
			if nodes[at][side] == 0 {
				nodes = append(nodes, node{})
				nodes[at][side] = len(nodes) - 1
			}
			at = nodes[at][side]
		}
		data = append(data, mmdbValue(record)...)
	}
	var out []byte
	for _, n := range nodes {
		for _, r := range n {
			switch {
			case r == 0:
				r = len(nodes)
			case r < 0:
				r = len(nodes) + 16 - r - 1
			}
			out = append(out, byte(r>>16), byte(r>>8), byte(r))
		}
	}
	out = append(append(out, make([]byte, 16)...), data...)
	return append(append(out, "\xab\xcd\xefMaxMind.com"...), mmdbValue(map[string]any{
		"node_count": uint32(len(nodes)), "record_size": uint16(24), "ip_version": uint16(4), "database_type": "test",
		"binary_format_major_version": uint16(2), "binary_format_minor_version": uint16(0),
	})...)
}

func mmdbValue(v any) []byte {
	switch v := v.(type) {
	case string:
		if len(v) >= 29 {
			return append([]byte{2<<5 | 29, byte(len(v) - 29)}, v...)
		}
		return append([]byte{2<<5 | byte(len(v))}, v...)
	case uint16:
		return []byte{5<<5 | 2, byte(v >> 8), byte(v)}
	case uint32:
		return []byte{6<<5 | 4, byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)}
	case map[string]any:
		b := []byte{7<<5 | byte(len(v))}
		for key, value := range v {
			b = append(append(b, mmdbValue(key)...), mmdbValue(value)...)
		}
		return b
	}
	panic("unknown type")
}

var (
	systems = mmdb(map[string]map[string]any{
		"192.0.2.0/24":    {"autonomous_system_number": uint32(64501), "autonomous_system_organization": "Example One"},
		"198.51.100.0/25": {"autonomous_system_number": uint32(64502)},
	})
	countries = mmdb(map[string]map[string]any{"192.0.2.0/25": {"country": map[string]any{"iso_code": "SE"}}})
)

func lookups(t *testing.T, f interface {
	Lookup(netip.Addr) (uint32, string)
}, want map[string]network) {
	t.Helper()
	for addr, want := range want {
		a, _ := netip.ParseAddr(addr)
		if asn, country := f.Lookup(a); asn != want.asn || country != want.country {
			t.Errorf("%s: AS%d, %s; want AS%d, %s", addr, asn, country, want.asn, want.country)
		}
	}
}

func TestDatabase(t *testing.T) {
	d, err := readDatabase(bytes.NewReader(systems), Fields{})
	if err != nil {
		t.Fatal(err)
	}
	lookups(t, d, map[string]network{
		"192.0.2.1": {64501, "ZZ"}, "::ffff:192.0.2.1": {64501, "ZZ"}, "198.51.100.127": {64502, "ZZ"},
		"198.51.100.128": {0, "ZZ"}, "2001:db8::1": {0, "ZZ"}, "": {0, "ZZ"},
	})
	if d.Name(64501) != "Example One" || d.Name(64502) != "" {
		t.Errorf("names %q, %q", d.Name(64501), d.Name(64502))
	}
}

func TestDatabaseFieldsAreMapped(t *testing.T) {
	b := mmdb(map[string]map[string]any{"192.0.2.0/24": {"as": map[string]any{"id": "AS64501"}, "cc": "DE", "org": "One"}})
	d, err := readDatabase(bytes.NewReader(b), Fields{ASN: "as.id", Country: "cc", Name: "org"})
	if err != nil {
		t.Fatal(err)
	}
	lookups(t, d, map[string]network{"192.0.2.1": {64501, "DE"}})
	if d.Name(64501) != "One" {
		t.Errorf("name %q", d.Name(64501))
	}
	if _, err := readDatabase(bytes.NewReader(b), Fields{}); err == nil || !strings.Contains(err.Error(), "no record has the fields") {
		t.Errorf("wrong fields: %v", err)
	}
	odd := mmdb(map[string]map[string]any{"192.0.2.0/24": {"autonomous_system_number": "x"}})
	if _, err := readDatabase(bytes.NewReader(odd), Fields{}); err == nil || !strings.Contains(err.Error(), "192.0.2.0/24") {
		t.Errorf("an ASN that is none: %v", err)
	}
}

func TestTornDatabaseIsRefusedOrHarmless(t *testing.T) {
	for n := range len(systems) {
		d, err := readDatabase(bytes.NewReader(systems[:n]), Fields{})
		if err == nil {
			d.Lookup(netip.MustParseAddr("192.0.2.1"))
		}
	}
}

func TestLiveFollowsItsFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, b []byte) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := errors.Join(os.WriteFile(path+".new", b, 0o600), os.Rename(path+".new", path)); err != nil {
			t.Fatal(err)
		}
		return path
	}
	l, err := Open(Files{Networks: write("networks", []byte("192.0.2.0\t192.0.2.255\t64509\tDE\tNine\n")), Countries: write("countries", countries)})
	if err != nil {
		t.Fatal(err)
	}
	lookups(t, l, map[string]network{"192.0.2.1": {64509, "SE"}, "192.0.2.200": {64509, "DE"}})
	if l.Name(64509) != "Nine" {
		t.Errorf("name %q", l.Name(64509))
	}
	told := make(chan error)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.Watch(ctx, time.Millisecond, func(err error) { told <- err })
	}()
	write("networks", systems) // another kind of file
	if err := <-told; err != nil {
		t.Fatal(err)
	}
	lookups(t, l, map[string]network{"192.0.2.1": {64501, "SE"}, "192.0.2.200": {64501, "ZZ"}})
	for text, want := range map[string]string{
		"not a table\n":       "line 1",
		"":                    "was it emptied?",
		"# nothing is left\n": "was it emptied?",
	} {
		write("networks", []byte(text))
		if err := <-told; err == nil || !strings.Contains(err.Error(), filepath.Join(dir, "networks")) || !strings.Contains(err.Error(), want) {
			t.Errorf("a file with %q: %v, want %q", text, err, want)
		}
		lookups(t, l, map[string]network{"192.0.2.1": {64501, "SE"}})
	}
	cancel()
	<-done
	if _, err := Open(Files{Networks: write("empty", nil)}); err == nil {
		t.Error("an empty table is no error at the start")
	}
	if _, err := Open(Files{Networks: filepath.Join(dir, "missing")}); err == nil {
		t.Error("a missing file is no error")
	}
}

// A download that broke off is a valid table with fewer lines.
func TestMuchSmallerTablesTakeARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "networks")
	table := func(lines int) Files {
		t.Helper()
		var b bytes.Buffer
		for i := range lines {
			fmt.Fprintf(&b, "192.0.%d.0\t192.0.%[1]d.255\t%d\tDE\n", i, 64501+i)
		}
		if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		return Files{Networks: path}
	}
	l, err := Open(table(100))
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Load(table(9)); err == nil || !strings.Contains(err.Error(), "has 9 networks, the one in use has 100") {
		t.Errorf("9 of 100 networks: %v", err)
	}
	lookups(t, l, map[string]network{"192.0.99.1": {64600, "DE"}})
	if err := l.Load(table(10)); err != nil {
		t.Errorf("10 of 100 networks: %v", err)
	}
	if err := l.Load(Files{Networks: path, Countries: filepath.Join(t.TempDir(), "none")}); err == nil {
		t.Error("missing countries are no error")
	}
	if _, err := Open(table(1)); err != nil {
		t.Errorf("one network at the start: %v", err)
	}
}
