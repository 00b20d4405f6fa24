package report_test

import (
	"bytes"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

func TestConsentNames(t *testing.T) {
	var zero report.Consent
	for c, name := range map[report.Consent]string{zero: "off", report.Counts: "counts", report.Diagnostics: "diagnostics"} {
		got, err := report.ParseConsent(name)
		if err != nil || got != c || c.String() != name {
			t.Errorf("%q is %v (%v), and %d is %q", name, got, err, c, c)
		}
	}
	for _, bad := range []string{"", "Off", "on", "unknown", "counts ", "3"} {
		if got, err := report.ParseConsent(bad); err == nil || got != report.Off {
			t.Errorf("%q is %v", bad, got)
		}
	}
	if s := report.Consent(3).String(); s != "unknown" {
		t.Errorf("3 is %q", s)
	}
}

func TestSourceNames(t *testing.T) {
	for s, name := range map[report.Source]string{report.SourceAgent: "agent", report.SourceBrowser: "browser", report.SourceProber: "prober", 0: "unknown", 4: "unknown"} {
		if s.String() != name {
			t.Errorf("%d is %q", s, s)
		}
	}
}

func TestCompareOrdersByKey(t *testing.T) {
	rising := []report.Counter{
		{Target: "a", Outcome: "z", Protocol: "z", Server: "z", Status: 999, Flags: 255, Count: 9},
		{Target: "b", Outcome: "a", Protocol: "z"},
		{Target: "b", Outcome: "b", Protocol: "a", Server: "z"},
		{Target: "b", Outcome: "b", Protocol: "b", Server: "a", Status: 999},
		{Target: "b", Outcome: "b", Protocol: "b", Server: "b", Status: 1, Flags: 255},
		{Target: "b", Outcome: "b", Protocol: "b", Server: "b", Status: 2, Flags: 1, Count: 9},
		{Target: "b", Outcome: "b", Protocol: "b", Server: "b", Status: 2, Flags: 2, Count: 1},
		{Target: "bb"},
		{Target: "é"},
	}
	for i, x := range rising {
		for j, y := range rising {
			want := min(max(i-j, -1), 1)
			if got := x.Compare(y); got != want {
				t.Errorf("%d against %d: %d, want %d", i, j, got, want)
			}
		}
		other := x
		other.Count += 5
		if x.Compare(other) != 0 {
			t.Errorf("%d: the count takes part", i)
		}
	}
}

func TestNewBatchID(t *testing.T) {
	random := bytes.Repeat([]byte{0xab}, 12)
	for at, want := range map[time.Time]string{
		time.Unix(0, 0):                    "00000000abababababababababababab",
		time.Unix(59, 0):                   "00000000abababababababababababab",
		time.Unix(60, 0):                   "00000001abababababababababababab",
		time.Unix(1_800_000_000, 0):        "01c9c380abababababababababababab",
		time.Unix(60*math.MaxUint32+59, 0): "ffffffffabababababababababababab",
	} {
		id, err := report.NewBatchID(at, bytes.NewReader(random))
		if err != nil || id.String() != want {
			t.Errorf("%v: %v (%v), want %s", at, id, err, want)
		}
	}
	for _, at := range []time.Time{{}, time.Unix(-1, 0), time.Unix(60*(math.MaxUint32+1), 0)} {
		if id, err := report.NewBatchID(at, bytes.NewReader(random)); err == nil {
			t.Errorf("%v: %v", at, id)
		}
	}
	broken := errors.New("broken")
	if id, err := report.NewBatchID(time.Unix(60, 0), iotest.ErrReader(broken)); !errors.Is(err, broken) || id != (report.BatchID{}) {
		t.Errorf("without random bytes: %v, %v", id, err)
	}
	if _, err := report.NewBatchID(time.Unix(60, 0), bytes.NewReader(random[:11])); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("with 11 random bytes: %v", err)
	}
}

// batchID is one without a pattern.
var batchID = report.BatchID{0xc1, 0x1e, 0x97, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}

// A batch has one name.
func FuzzParseBatchID(f *testing.F) {
	id := batchID.String()
	for _, s := range []string{id, strings.ToUpper(id), id[:31], id + "0", "", strings.Repeat("g", 32), strings.Repeat("é", 16)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		id, err := report.ParseBatchID(s)
		if err != nil {
			if !errors.Is(err, report.ErrMalformed) || id != (report.BatchID{}) {
				t.Fatalf("%q: %v, %v", s, id, err)
			}
			return
		}
		if id.String() != s {
			t.Fatalf("%q came back as %q", s, id)
		}
	})
}

func TestParseBatchID(t *testing.T) {
	id := batchID
	if got, err := report.ParseBatchID(id.String()); err != nil || got != id {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{"", id.String()[:31], id.String() + "0", strings.ToUpper(id.String()), strings.Repeat("g", 32), strings.Repeat("é", 16)} {
		if _, err := report.ParseBatchID(bad); !errors.Is(err, report.ErrMalformed) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
