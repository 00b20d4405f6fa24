package wire

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/heliograph-net/heliograph/tests/source"
)

var goldenDir = source.Path("report/testdata/golden/v1")

var writeGolden = flag.Bool("write-golden", false, "write the golden files that are missing; those that exist are never changed")

// Every golden file of a released version is decoded for ever, to the value that it was
// written from.
func TestGolden(t *testing.T) {
	for _, e := range examples {
		t.Run(e.name, func(t *testing.T) {
			path := filepath.Join(goldenDir, e.name+".bin")
			b, err := os.ReadFile(path)
			if os.IsNotExist(err) && *writeGolden {
				if b, err = encode(nil, e.value); err == nil {
					err = os.WriteFile(path, b, 0o644)
				}
			}
			if err != nil {
				t.Fatal(err)
			}
			checkGolden(t, e.value, b)
		})
	}
}

func checkGolden(t *testing.T, want any, b []byte) {
	got, err := decodeLike(want, b)
	if err != nil {
		t.Fatalf("decode: %v", err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("decoded\n%+v, want\n%+v", got, want)
	}
	if again, err := encode([]byte("x"), want); err != nil || !bytes.Equal(again, append([]byte("x"), b...)) {
		t.Errorf("encoded\n%x (%v), want x and\n%x", again, err, b)
	}
	if other := oracleEncode(want); !bytes.Equal(other, b) {
		t.Errorf("the library encodes\n%x, the file has\n%x", other, b)
	}
	if other := oracleDecode(want, b); !reflect.DeepEqual(other, want) {
		t.Errorf("the library decodes\n%+v, want\n%+v", other, want)
	}
}

func TestEveryGoldenFileHasItsExample(t *testing.T) {
	names := map[string]bool{}
	for _, e := range examples {
		names[e.name] = true
	}
	for name := range goldenFiles(t) {
		if !names[name] {
			t.Errorf("%s/%s.bin is tested by no example; golden files are kept, and so are their examples", goldenDir, name)
		}
		delete(names, name)
	}
	for name := range names {
		t.Errorf("example %s has no golden file", name)
	}
}

// goldenFiles returns the files by name, and fails when there are none.
func goldenFiles(tb testing.TB) map[string][]byte {
	tb.Helper()
	paths, err := filepath.Glob(goldenDir + "/*.bin")
	if err != nil || len(paths) == 0 {
		tb.Fatalf("no golden files in %s (%v)", goldenDir, err)
	}
	files := map[string][]byte{}
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			tb.Fatal(err)
		}
		files[strings.TrimSuffix(filepath.Base(path), ".bin")] = b
	}
	return files
}
