package feed

import (
	"bytes"
	"reflect"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

func envelopes() []report.Envelope {
	var all []report.Envelope
	for seq := uint64(1); seq <= 3; seq++ {
		all = append(all, report.Envelope{Seq: seq, Batch: report.BatchID{15: byte(seq)}, Received: 1_800_000_000_000, Collector: "c1",
			ASN: 64501, Country: "SE", Segment: bytes.Repeat([]byte{byte(seq)}, 40)})
	}
	return all
}

func TestFeedComesBack(t *testing.T) {
	want := envelopes()
	b, err := Append(nil, want)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := Read(bytes.NewReader(b), 10, 1<<20); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := Read(bytes.NewReader(b), 2, 1<<20); err != nil || len(got) != 2 {
		t.Errorf("%d envelopes with a limit of 2, %v", len(got), err)
	}
	if got, err := Read(bytes.NewReader(b), 10, 1); err != nil || len(got) != 1 {
		t.Errorf("%d envelopes with a limit of one byte, %v", len(got), err)
	}
	if got, err := Read(bytes.NewReader(nil), 10, 1<<20); err != nil || got != nil {
		t.Errorf("an empty feed gives %+v, %v", got, err)
	}
}

// If an answer breaks off, the envelopes before that are used. An answer without a whole envelope
// is an error.
func TestFeedThatBreaksOff(t *testing.T) {
	all := envelopes()
	b, err := Append(nil, all)
	if err != nil {
		t.Fatal(err)
	}
	first, err := Append(nil, all[:1])
	if err != nil {
		t.Fatal(err)
	}
	for n := range b {
		got, err := Read(bytes.NewReader(b[:n]), 10, 1<<20)
		switch {
		case n == 0:
			if err != nil || got != nil {
				t.Errorf("%d bytes: %d, %v", n, len(got), err)
			}
		case n < len(first):
			if err == nil {
				t.Errorf("%d bytes: %d envelopes and no error", n, len(got))
			}
		case err != nil || len(got) != n/len(first):
			t.Errorf("%d bytes: %d envelopes, %v", n, len(got), err)
		}
	}
	for _, head := range [][]byte{{0, 0, 0, 0}, {0xff, 0xff, 0xff, 0xff}} {
		if _, err := Read(bytes.NewReader(append(head, b...)), 10, 1<<20); err == nil {
			t.Errorf("an envelope of length %x is taken", head)
		}
	}
}

func TestQuery(t *testing.T) {
	for _, q := range []Query{{Limit: 1}, {After: 1<<63 - 1, Limit: MaxLimit, Wait: MaxWait}, {After: 7, Limit: 100, Wait: 20 * time.Second}} {
		if got, err := ParseQuery(q.String()); err != nil || got != q {
			t.Errorf("%v came back as %v, %v", q, got, err)
		}
	}
	if q, err := ParseQuery(""); err != nil || q != (Query{Limit: defaultLimit}) {
		t.Errorf("no query is %v, %v", q, err)
	}
	if q, err := ParseQuery("wait=1h"); err != nil || q.Wait != MaxWait {
		t.Errorf("a long wait is %v, %v", q, err)
	}
	for _, bad := range []string{"after=-1", "after=x", "after=9223372036854775808", "limit=0", "limit=1001", "limit=x", "wait=-1s", "wait=20", "%zz"} {
		if q, err := ParseQuery(bad); err == nil {
			t.Errorf("%q is taken for %v", bad, q)
		}
	}
}

// Decoded envelopes encode to the same bytes.
func FuzzRead(f *testing.F) {
	b, err := Append(nil, envelopes())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add(b[:len(b)-1])
	f.Add([]byte{0, 0, 0, 1, 0xa0})
	f.Fuzz(func(t *testing.T, b []byte) {
		all, err := Read(bytes.NewReader(b), 1000, len(b)+1)
		if err != nil {
			return
		}
		again, err := Append(nil, all)
		if err != nil || !bytes.HasPrefix(b, again) {
			t.Fatalf("%x came back as %x, %v", b, again, err)
		}
	})
}
