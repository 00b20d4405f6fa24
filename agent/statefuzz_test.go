package agent

import (
	"bytes"
	"reflect"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

func FuzzTokens(f *testing.F) {
	f.Add(encodeTokens([]usedToken{{client{20_000, [16]byte{1}}, true}, {client{20_001, [16]byte{2}}, false}}))
	f.Add([]byte("short"))
	f.Fuzz(func(t *testing.T, b []byte) {
		list := decodeTokens(b)
		if again := decodeTokens(encodeTokens(list)); !reflect.DeepEqual(again, list) || len(list) != len(b)/tokenSize {
			t.Fatalf("%x became %v and %v", b, list, again)
		}
	})
}

func FuzzDrops(f *testing.F) {
	f.Add(encodeDrops(map[string]uint64{report.DropExpired: 3, report.DropSpoolFull: 1 << 40}))
	f.Add([]byte("\x01A\x00\x00\x00\x00\x00\x00\x00\x01"))
	f.Fuzz(func(t *testing.T, b []byte) {
		drops := decodeDrops(b)
		if again := decodeDrops(encodeDrops(drops)); !reflect.DeepEqual(again, drops) {
			t.Fatalf("%x became %v and %v", b, drops, again)
		}
		r := recorder{untold: drops}
		h := report.Header{Source: report.SourceAgent, App: "app", Consent: report.Counts, Drops: r.unreported()}
		if _, err := report.AppendRecord(nil, &h); err != nil {
			t.Fatalf("%x became %v, which no header takes: %v", b, drops, err)
		}
	})
}

// sampleNotice is a notice with a real segment.
func sampleNotice(tb testing.TB) notice {
	key, err := seal.GenerateOpenKey()
	if err != nil {
		tb.Fatal(err)
	}
	n := notice{Segment: Segment{ID: report.BatchID{1}, Birth: time.UnixMilli(1_800_000_000_000)}, purged: true}
	sealer, err := seal.NewSealer(key.SealKey(), n.ID)
	if err != nil {
		tb.Fatal(err)
	}
	if n.body, err = sealer.Seal(bytes.Clone(sealer.Prefix()), []byte("record")); err != nil {
		tb.Fatal(err)
	}
	n.body = seal.AppendEnd(n.body)
	n.Size = int64(len(n.body))
	return n
}

func FuzzNotices(f *testing.F) {
	n := sampleNotice(f)
	f.Add(encodeNotices([]notice{n, n}))
	f.Add(encodeNotices([]notice{n})[:40])
	f.Add(encodeNotices([]notice{{body: []byte("no segment")}, n}))
	f.Fuzz(func(t *testing.T, b []byte) {
		list := decodeNotices(b)
		if len(list) > maxNotices {
			t.Fatalf("%d notices", len(list))
		}
		if again := decodeNotices(encodeNotices(list)); !reflect.DeepEqual(again, list) {
			t.Fatalf("%v became %v", list, again)
		}
	})
}

func TestDamagedNoticeIsNotSent(t *testing.T) {
	n := sampleNotice(t)
	if got := decodeNotices(encodeNotices([]notice{{body: []byte("no segment")}, n})); len(got) != 1 || !bytes.Equal(got[0].body, n.body) {
		t.Errorf("%d notices, want the whole one", len(got))
	}
}

func sampleSent() []SentReport {
	return []SentReport{
		{At: time.UnixMilli(1_800_000_000_000), Collector: "c1", URL: "https://c1.example", Batch: report.BatchID{1}, Bytes: 1500, Born: time.UnixMilli(0)},
		{At: time.UnixMilli(1_800_000_000_001), Born: time.UnixMilli(5), Known: true, Consent: report.Diagnostics, More: 3,
			Requests: []SentCount{{Target: "https://shop.example", Outcome: report.OK, Count: 41}},
			Samples:  []string{"GET https://shop.example/: tcp.reset"}, Errors: []string{"1 × app.panic string"}},
	}
}

func FuzzSent(f *testing.F) {
	f.Add(encodeSent(sampleSent()))
	f.Add(encodeSent(nil))
	f.Add([]byte{0x81, 0x80})
	f.Fuzz(func(t *testing.T, b []byte) {
		if all, err := decodeSent(b); err == nil && !bytes.Equal(encodeSent(all), b) {
			t.Fatalf("%x became %x", b, encodeSent(all))
		}
	})
}

// The log's encoder keeps to the decoder's limits.
func TestSentComesBack(t *testing.T) {
	want := sampleSent()
	if got, err := decodeSent(encodeSent(want)); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("came back as %+v, %v", got, err)
	}
}

func TestSentLogIsBounded(t *testing.T) {
	l := sentLog{rand: zeros{}}
	key, log := make([]byte, 32), []byte(nil)
	now := time.UnixMilli(1_800_000_000_000)
	for i := range 300 {
		r := SentReport{At: now.Add(time.Duration(i) * time.Minute), Batch: report.BatchID{byte(i), byte(i >> 8)}, Born: now, Known: true}
		for range maxSentLines {
			r.Samples = append(r.Samples, string(bytes.Repeat([]byte("x"), maxSentLine)))
		}
		log = l.with(key, log, &r)
		if len(log) == 0 || len(log) > maxSentLog+64 {
			t.Fatalf("after %d reports the log has %d bytes", i+1, len(log))
		}
	}
	old := openSent(key, log)
	late := SentReport{At: now.Add(365 * 24 * time.Hour), Born: now}
	late.Batch[15] = 1
	if got := openSent(key, l.with(key, log, &late)); len(old) < 5 || len(got) != 1 {
		t.Errorf("%d reports, and %d after a year; want several and one", len(old), len(got))
	}
	if l.with(key, log, &old[len(old)-1]) != nil {
		t.Error("a report is there twice")
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }
