package nettable

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

const small = "# a comment\n" +
	"2001:db8::\t2001:db8:ffff:ffff:ffff:ffff:ffff:ffff\t64503\tSE\tExample Six\r\n" +
	"\n" +
	"192.0.2.0\t192.0.2.127\t64501\tDE\tExample One\n" +
	"10.0.0.0\t10.255.255.255\t0\tNone\tNot routed\n" + // not sorted
	"192.0.2.128\t192.0.2.255\t64502\tFR\n" +
	"198.51.100.7\t198.51.100.7\t64501\tAT\tA second name\n"

func load(t *testing.T, s string) *Table {
	t.Helper()
	table, err := Load(strings.NewReader(s))
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func TestLookup(t *testing.T) {
	table := load(t, small)
	for addr, want := range map[string]string{
		"192.0.2.0":                              "64501 DE",
		"192.0.2.127":                            "64501 DE",
		"192.0.2.128":                            "64502 FR",
		"192.0.2.255":                            "64502 FR",
		"192.0.3.0":                              "0 ZZ",
		"192.0.1.255":                            "0 ZZ",
		"198.51.100.6":                           "0 ZZ",
		"198.51.100.7":                           "64501 AT",
		"198.51.100.8":                           "0 ZZ",
		"10.1.2.3":                               "0 ZZ",
		"0.0.0.0":                                "0 ZZ",
		"255.255.255.255":                        "0 ZZ",
		"::ffff:192.0.2.1":                       "64501 DE",
		"2001:db8::":                             "64503 SE",
		"2001:db8::1%eth0":                       "64503 SE",
		"2001:db8:ffff:ffff:ffff:ffff:ffff:ffff": "64503 SE",
		"2001:db9::":                             "0 ZZ",
		"2001:db7:ffff:ffff:ffff:ffff:ffff:ffff": "0 ZZ",
		"::":                                     "0 ZZ",
	} {
		asn, country := table.Lookup(netip.MustParseAddr(addr))
		if got := fmt.Sprint(asn, " ", country); got != want {
			t.Errorf("Lookup(%s) = %s, want %s", addr, got, want)
		}
	}
	if table.Len() != 5 {
		t.Errorf("Len = %d, want 5", table.Len())
	}
}

func TestNames(t *testing.T) {
	table := load(t, small)
	for asn, want := range map[uint32]string{64501: "Example One", 64502: "", 64503: "Example Six", 0: "", 1: ""} {
		if got := table.Name(asn); got != want {
			t.Errorf("Name(%d) = %q, want %q", asn, got, want)
		}
	}
}

func TestNilTableAndZeroAddressAreUnknown(t *testing.T) {
	var none *Table
	for _, table := range []*Table{none, load(t, ""), load(t, small)} {
		if asn, country := table.Lookup(netip.Addr{}); asn != 0 || country != unknownCountry {
			t.Errorf("Lookup(zero) = %d %s", asn, country)
		}
	}
	if asn, country := none.Lookup(netip.MustParseAddr("192.0.2.1")); asn != 0 || country != "ZZ" || none.Name(1) != "" || none.Len() != 0 {
		t.Error("a nil table knows something")
	}
}

// The reference is a plain search through all ranges.
func TestLookupAgreesWithLinearSearch(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	type row struct {
		start, end netip.Addr
		asn        uint32
	}
	var rows []row
	addr4, addr6 := netip.MustParseAddr("1.0.0.0"), netip.MustParseAddr("2001:db8::")
	step := func(a netip.Addr) netip.Addr {
		for range rng.IntN(5) {
			a = a.Next()
		}
		return a
	}
	for i := range uint32(300) {
		start := step(addr4.Next())
		end := step(start)
		rows, addr4 = append(rows, row{start, end, 2*i + 1}), end
		start = step(addr6.Next())
		end = step(start)
		rows, addr6 = append(rows, row{start, end, 2*i + 2}), end
	}
	rng.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	var file strings.Builder
	for _, r := range rows {
		fmt.Fprintf(&file, "%s\t%s\t%d\tNL\n", r.start, r.end, r.asn)
	}
	table := load(t, file.String())
	for _, first := range []string{"1.0.0.0", "2001:db8::"} {
		for a, n := netip.MustParseAddr(first), 0; n < 2500; a, n = a.Next(), n+1 {
			var want uint32
			if i := slices.IndexFunc(rows, func(r row) bool {
				return r.start.BitLen() == a.BitLen() && !a.Less(r.start) && !r.end.Less(a)
			}); i >= 0 {
				want = rows[i].asn
			}
			if got, _ := table.Lookup(a); got != want {
				t.Fatalf("Lookup(%s) = %d, want %d", a, got, want)
			}
		}
	}
}

func TestLoadNamesTheLineAtFault(t *testing.T) {
	const good = "192.0.2.0\t192.0.2.9\t1\tDE\tx\n"
	for name, c := range map[string]struct{ file, want string }{
		"fields":           {good + "192.0.2.0 192.0.2.1 1 DE\n", "line 2: want 4 or 5 fields"},
		"start":            {"x\t192.0.2.1\t1\tDE\n", "line 1: start"},
		"end":              {"192.0.2.1\t192.0.2\t1\tDE\n", "line 1: end"},
		"zone":             {"fe80::1%a\tfe80::2\t1\tDE\n", "line 1: start: want a plain"},
		"mapped":           {"::ffff:1.2.3.4\t::ffff:1.2.3.5\t1\tDE\n", "line 1: start: want a plain"},
		"families":         {"192.0.2.1\t2001:db8::\t1\tDE\n", "one address family"},
		"backwards":        {"192.0.2.1\t192.0.2.0\t1\tDE\n", "end lies before start"},
		"asn":              {"192.0.2.1\t192.0.2.2\tAS1\tDE\n", "line 1: asn"},
		"asn above 32 bit": {"192.0.2.1\t192.0.2.2\t4294967296\tDE\n", "line 1: asn"},
		"country":          {"192.0.2.1\t192.0.2.2\t1\tde\n", "line 1: country"},
		"overlap":          {good + "\n192.0.2.9\t192.0.2.11\t2\tDE\n", "line 3: its range overlaps that of line 1"},
		"overlap unsorted": {"192.0.2.9\t192.0.2.11\t2\tDE\n" + good, "line 2: its range overlaps that of line 1"},
		"same start":       {good + good, "line 2: its range overlaps that of line 1"},
		"overlap v6":       {"2001:db8::\t2001:db8::9\t2\tDE\n2001:db8::3\t2001:db8::4\t2\tDE\n", "line 2: its range overlaps that of line 1"},
		"long name":        {"192.0.2.1\t192.0.2.2\t1\tDE\t" + strings.Repeat("n", maxName+1) + "\n", "line 1: name: longer"},
		"long line":        {good + "# " + strings.Repeat("n", 2*maxLine) + "\n", "line 2: longer than 1024 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Load(strings.NewReader(c.file)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("err = %v, want one with %q", err, c.want)
			}
		})
	}
}

func TestLoadPassesOnReadErrors(t *testing.T) {
	boom := errors.New("boom")
	if _, err := Load(io.MultiReader(strings.NewReader(small), iotest.ErrReader(boom))); !errors.Is(err, boom) {
		t.Errorf("err = %v, want boom", err)
	}
}

func TestLookupDoesNotAllocate(t *testing.T) {
	table := load(t, small)
	a4, a6 := netip.MustParseAddr("192.0.2.200"), netip.MustParseAddr("2001:db8::5")
	if n := testing.AllocsPerRun(100, func() { table.Lookup(a4); table.Lookup(a6) }); n != 0 {
		t.Errorf("%v allocations per two look-ups", n)
	}
}

// Every table that loads contains exactly the ranges of its lines.
func FuzzLoad(f *testing.F) {
	f.Add([]byte(small))
	f.Add([]byte("0.0.0.0\t255.255.255.255\t1\tDE\n::\tffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff\t2\t\tn"))
	f.Fuzz(func(t *testing.T, b []byte) {
		table, err := Load(bytes.NewReader(b))
		if err != nil {
			return
		}
		for line := range strings.Lines(string(b)) {
			fields := strings.Split(strings.TrimRight(line, "\r\n"), "\t")
			if len(fields) < 4 || line[0] == '#' {
				continue
			}
			for _, end := range fields[:2] {
				asn, country := table.Lookup(netip.MustParseAddr(end))
				if fmt.Sprint(asn) != strings.TrimLeft(fields[2], "0") && asn != 0 || len(country) != 2 {
					t.Errorf("Lookup(%s) = %d %s for line %q", end, asn, country, line)
				}
			}
		}
	})
}

func BenchmarkLookup(b *testing.B) {
	var file bytes.Buffer
	for i := range 500_000 {
		a := netip.AddrFrom4([4]byte{byte(i >> 16), byte(i >> 8), byte(i), 0})
		fmt.Fprintf(&file, "%s\t%s\t%d\tNL\n", a, a.Next(), i)
	}
	table, err := Load(&file)
	if err != nil {
		b.Fatal(err)
	}
	addr := netip.MustParseAddr("3.141.59.0")
	for b.Loop() {
		table.Lookup(addr)
	}
}
