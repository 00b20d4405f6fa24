package cbor_test

import (
	"encoding/hex"
	"math"
	"strings"
	"testing"

	"github.com/heliograph-net/heliograph/report/cbor"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatalf("hex of the test itself: %v", err)
	}
	return b
}

// examples are the values of RFC 8949, appendix A, that lie in the subset, with how this package
// writes and reads them.
var examples = []struct {
	hex    string
	append func(dst []byte) []byte
	same   func(d *cbor.Decoder) bool
}{
	{"00", appendUint(0), isUint(0)},
	{"01", appendUint(1), isUint(1)},
	{"0a", appendUint(10), isUint(10)},
	{"17", appendUint(23), isUint(23)},
	{"1818", appendUint(24), isUint(24)},
	{"1819", appendUint(25), isUint(25)},
	{"1864", appendUint(100), isUint(100)},
	{"18ff", appendUint(255), isUint(255)},
	{"190100", appendUint(256), isUint(256)},
	{"1903e8", appendUint(1000), isUint(1000)},
	{"19ffff", appendUint(65535), isUint(65535)},
	{"1a00010000", appendUint(65536), isUint(65536)},
	{"1a000f4240", appendUint(1000000), isUint(1000000)},
	{"1affffffff", appendUint(math.MaxUint32), isUint(math.MaxUint32)},
	{"1b0000000100000000", appendUint(1 << 32), isUint(1 << 32)},
	{"1b000000e8d4a51000", appendUint(1000000000000), isUint(1000000000000)},
	{"1bffffffffffffffff", appendUint(math.MaxUint64), isUint(math.MaxUint64)},
	{"0a", appendInt(10), isInt(10)},
	{"20", appendInt(-1), isInt(-1)},
	{"29", appendInt(-10), isInt(-10)},
	{"3863", appendInt(-100), isInt(-100)},
	{"3903e7", appendInt(-1000), isInt(-1000)},
	{"1b7fffffffffffffff", appendInt(math.MaxInt64), isInt(math.MaxInt64)},
	{"3b7fffffffffffffff", appendInt(math.MinInt64), isInt(math.MinInt64)},
	{"f4", appendBool(false), isBool(false)},
	{"f5", appendBool(true), isBool(true)},
	{"40", appendBytes(""), isBytes("")},
	{"4401020304", appendBytes("\x01\x02\x03\x04"), isBytes("\x01\x02\x03\x04")},
	{"60", appendText(""), isText("")},
	{"6161", appendText("a"), isText("a")},
	{"6449455446", appendText("IETF"), isText("IETF")},
	{"62225c", appendText("\"\\"), isText("\"\\")},
	{"62c3bc", appendText("ü"), isText("ü")},
	{"63e6b0b4", appendText("水"), isText("水")},
	{"64f0908591", appendText("\U00010151"), isText("\U00010151")},
	{"80", appendArray(), isArray()},
	{"83010203", appendArray(1, 2, 3), isArray(1, 2, 3)},
	{"98190102030405060708090a0b0c0d0e0f101112131415161718181819", appendArray(oneTo25...), isArray(oneTo25...)},
	{"a0", appendMap(), isMap()},
	{"a201020304", appendMap(1, 2, 3, 4), isMap(1, 2, 3, 4)},
}

var oneTo25 = []uint64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25}

func appendUint(v uint64) func([]byte) []byte {
	return func(b []byte) []byte { return cbor.AppendUint(b, v) }
}
func appendInt(v int64) func([]byte) []byte {
	return func(b []byte) []byte { return cbor.AppendInt(b, v) }
}
func appendBool(v bool) func([]byte) []byte {
	return func(b []byte) []byte { return cbor.AppendBool(b, v) }
}
func appendBytes(v string) func([]byte) []byte {
	return func(b []byte) []byte { return cbor.AppendBytes(b, []byte(v)) }
}
func appendText(v string) func([]byte) []byte {
	return func(b []byte) []byte { return cbor.AppendText(b, v) }
}
func appendArray(v ...uint64) func([]byte) []byte {
	return func(b []byte) []byte { return appendAll(cbor.AppendArray(b, len(v)), v) }
}
func appendMap(pairs ...uint64) func([]byte) []byte {
	return func(b []byte) []byte { return appendAll(cbor.AppendMap(b, len(pairs)/2), pairs) }
}

func appendAll(b []byte, v []uint64) []byte {
	for _, n := range v {
		b = cbor.AppendUint(b, n)
	}
	return b
}

func isUint(v uint64) func(*cbor.Decoder) bool {
	return func(d *cbor.Decoder) bool { return d.Uint() == v }
}
func isInt(v int64) func(*cbor.Decoder) bool {
	return func(d *cbor.Decoder) bool { return d.Int() == v }
}
func isBool(v bool) func(*cbor.Decoder) bool {
	return func(d *cbor.Decoder) bool { return d.Bool() == v }
}
func isBytes(v string) func(*cbor.Decoder) bool {
	return func(d *cbor.Decoder) bool { return string(d.Bytes(len(v))) == v }
}
func isText(v string) func(*cbor.Decoder) bool {
	return func(d *cbor.Decoder) bool { return d.Text(len(v)) == v }
}
func isArray(v ...uint64) func(*cbor.Decoder) bool {
	return func(d *cbor.Decoder) bool {
		same := d.Array(len(v)) == len(v)
		for _, n := range v {
			same = d.Uint() == n && same
		}
		return same
	}
}
func isMap(pairs ...uint64) func(*cbor.Decoder) bool {
	return func(d *cbor.Decoder) bool {
		same := d.Map(len(pairs)/2) == len(pairs)/2
		var key uint64
		for i := 0; i < len(pairs); i += 2 {
			key = d.Key(key)
			same = key == pairs[i] && d.Uint() == pairs[i+1] && same
		}
		return same
	}
}

func TestExamplesOfRFC8949(t *testing.T) {
	for _, e := range examples {
		want := unhex(t, e.hex)
		if got := e.append([]byte("x")); string(got) != "x"+string(want) {
			t.Errorf("append gave %x, want %x after what was there", got, want)
		}
		d := cbor.New(want)
		if !e.same(d) || d.Done() != nil {
			t.Errorf("%s: read another value, or error %v", e.hex, d.Err())
		}
		d = cbor.New(want)
		if d.Skip(); d.Done() != nil {
			t.Errorf("skip %s: %v", e.hex, d.Err())
		}
	}
}

// refused are byte strings that are no item of the subset, each with the reason that a
// reader is given.
var refused = []struct{ name, hex, reason string }{
	{"nothing", "", "input ends too early"},
	{"argument cut", "1901", "input ends too early"},
	{"argument missing", "1b", "input ends too early"},
	{"uint 0 in two bytes", "1800", "not the shortest form"},
	{"uint 23 in two bytes", "1817", "not the shortest form"},
	{"uint 255 in three bytes", "1900ff", "not the shortest form"},
	{"uint 65535 in five bytes", "1a0000ffff", "not the shortest form"},
	{"uint 2^32-1 in nine bytes", "1b00000000ffffffff", "not the shortest form"},
	{"negative in a long form", "3800", "not the shortest form"},
	{"negative below int64", "3b8000000000000000", "integer outside of 64 bits"},
	{"length in a long form", "580100", "not the shortest form"},
	{"bytes cut", "4201", "longer than the input"},
	{"text cut", "6261", "longer than the input"},
	{"length of 2^64-1", "5bffffffffffffffff", "longer than the input"},
	{"array longer than the input", "9affffffff", "longer than the input"},
	{"map longer than the input", "a20102", "longer than the input"},
	{"array cut", "8201", "longer than the input"},
	{"text that is not utf-8", "61ff", "text is not valid utf-8"},
	{"text with a surrogate", "63eda080", "text is not valid utf-8"},
	{"text with an overlong slash", "62c0af", "text is not valid utf-8"},
	{"indefinite bytes", "5f4100ff", "indefinite length, float or reserved form"},
	{"indefinite array", "9f00ff", "indefinite length, float or reserved form"},
	{"indefinite map", "bf0101ff", "indefinite length, float or reserved form"},
	{"reserved information", "1c", "indefinite length, float or reserved form"},
	{"tag", "c001", "tag"},
	{"half float", "f93c00", "float, null or another simple value"},
	{"double", "fb3ff199999999999a", "float, null or another simple value"},
	{"null", "f6", "float, null or another simple value"},
	{"undefined", "f7", "float, null or another simple value"},
	{"simple value in two bytes", "f8ff", "float, null or another simple value"},
	{"break", "ff", "float, null or another simple value"},
	{"map key zero", "a10001", "map key out of order"},
	{"map keys falling", "a202000100", "map key out of order"},
	{"map key twice", "a201000100", "map key out of order"},
	{"map key of text", "a1616101", "want an unsigned integer"},
	{"map key negative", "a12001", "want an unsigned integer"},
	{"bytes after the end", "0000", "bytes after the end"},
	{"nine arrays in each other", "818181818181818180", "nested too deeply"},
}

func TestRefused(t *testing.T) {
	for _, e := range refused {
		t.Run(e.name, func(t *testing.T) {
			d := cbor.New(unhex(t, e.hex))
			d.Skip()
			err := d.Done()
			if err == nil || !strings.HasSuffix(err.Error(), ": "+e.reason) {
				t.Fatalf("error %v, want %q", err, e.reason)
			}
		})
	}
}

func TestMaxDepthIsAccepted(t *testing.T) {
	d := cbor.New(unhex(t, strings.Repeat("81", cbor.MaxDepth-1)+"80"))
	if d.Skip(); d.Done() != nil {
		t.Fatalf("%d arrays in each other: %v", cbor.MaxDepth, d.Err())
	}
}

// Every method refuses an item of every other type, and leaves zero values.
func TestWrongType(t *testing.T) {
	methods := map[string]func(d *cbor.Decoder) (zero bool){
		"0":  func(d *cbor.Decoder) bool { return d.Uint() == 0 },
		"01": func(d *cbor.Decoder) bool { return d.Int() == 0 },
		"2":  func(d *cbor.Decoder) bool { return d.Bytes(9) == nil },
		"3":  func(d *cbor.Decoder) bool { return d.Text(9) == "" },
		"4":  func(d *cbor.Decoder) bool { return d.Array(9) == 0 },
		"5":  func(d *cbor.Decoder) bool { return d.Map(9) == 0 },
		"7":  func(d *cbor.Decoder) bool { return !d.Bool() },
	}
	items := map[string]string{"0": "01", "1": "20", "2": "4101", "3": "6161", "4": "8101", "5": "a10101", "7": "f5"}
	for takes, method := range methods {
		for major, item := range items {
			d := cbor.New(unhex(t, item))
			zero := method(d)
			if strings.Contains(takes, major) {
				if zero || d.Err() != nil {
					t.Errorf("method of %s refuses %s: %v", takes, item, d.Err())
				}
				continue
			}
			if !zero || d.Err() == nil {
				t.Errorf("method of %s takes %s", takes, item)
			}
		}
	}
}

// A caller's limit is checked although the input is long enough.
func TestCallersLimit(t *testing.T) {
	for name, read := range map[string]func(d *cbor.Decoder, max int) int{
		"420000":   func(d *cbor.Decoder, max int) int { return len(d.Bytes(max)) },
		"626161":   func(d *cbor.Decoder, max int) int { return len(d.Text(max)) },
		"820000":   func(d *cbor.Decoder, max int) int { return d.Array(max) },
		"a2010002": func(d *cbor.Decoder, max int) int { return d.Map(max) },
	} {
		b := unhex(t, name+"00")
		if d := cbor.New(b); read(d, 2) != 2 || d.Err() != nil {
			t.Errorf("%s is refused at its limit: %v", name, d.Err())
		}
		for _, max := range []int{1, 0, -1} {
			if d := cbor.New(b); read(d, max) != 0 || d.Err() == nil {
				t.Errorf("%s is taken with a limit of %d", name, max)
			}
		}
	}
}

func TestFirstErrorStays(t *testing.T) {
	d := cbor.New(unhex(t, "00 1800 f5"))
	d.Uint()
	d.Uint()
	first := d.Err()
	if d.Bool() || d.Uint() != 0 || d.Int() != 0 || d.Text(9) != "" || d.Bytes(9) != nil || d.Array(9) != 0 || d.Map(9) != 0 || d.Key(0) != 0 {
		t.Error("a value after an error")
	}
	d.Skip()
	d.Fail("another reason")
	if d.Done() != first || first.Error() != "at byte 1: not the shortest form" {
		t.Errorf("error %q became %q", first, d.Done())
	}
}

func TestFailRefuses(t *testing.T) {
	d := cbor.New(unhex(t, "00"))
	d.Uint()
	d.Fail("unknown key")
	if err := d.Done(); err == nil || err.Error() != "at byte 1: unknown key" {
		t.Errorf("error %v", err)
	}
}

// What Bytes returns cannot be appended to over the rest of the input.
func TestBytesAreClipped(t *testing.T) {
	b := unhex(t, "4101 02")
	d := cbor.New(b)
	_ = append(d.Bytes(1), 0xff)
	if d.Uint() != 2 {
		t.Error("append to the result changed the input")
	}
}

func TestLengthsAreCheckedBeforeAllocation(t *testing.T) {
	huge := [][]byte{unhex(t, "5b7fffffffffffffff"), unhex(t, "7b7fffffffffffffff"), unhex(t, "9b7fffffffffffffff"), unhex(t, "bb7fffffffffffffff")}
	got := testing.AllocsPerRun(100, func() {
		for _, b := range huge {
			d := cbor.New(b)
			d.Skip()
		}
	})
	if got > float64(len(huge)) { // one Error each
		t.Errorf("%v allocations for %d refused items", got, len(huge))
	}
}
