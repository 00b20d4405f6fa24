package report_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/heliograph-net/heliograph/report"
)

// Every golden file decodes, and its value encodes to the same bytes. tests/wire checks what the
// value is, and that an independent library agrees.
func TestGoldenFilesComeBack(t *testing.T) {
	files, err := filepath.Glob("testdata/golden/*/*.bin")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d golden files, %v", len(files), err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := recode(filepath.Base(file), b); err != nil || !bytes.Equal(again, b) {
			t.Errorf("%s came back as %x, %v", file, again, err)
		}
	}
}

// recode decodes what a golden file of this name holds and encodes it again.
func recode(name string, b []byte) ([]byte, error) {
	switch kind, _, _ := strings.Cut(name, "-"); kind {
	case "delivery":
		d, err := report.DecodeDelivery(b)
		if err != nil {
			return nil, err
		}
		return report.AppendDelivery(nil, d)
	case "envelope":
		e, err := report.DecodeEnvelope(b)
		if err != nil {
			return nil, err
		}
		return report.AppendEnvelope(nil, e)
	default:
		r, err := report.DecodeRecord(b)
		if err != nil {
			return nil, err
		}
		return report.AppendRecord(nil, r)
	}
}
