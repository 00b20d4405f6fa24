package wire

import (
	"testing"

	"github.com/heliograph-net/heliograph/report"
)

// typical is a window of one busy client: two targets, four servers, a few failures.
func typical() *report.Window {
	w := &report.Window{End: -1, Length: 60_000, SampledPPM: report.FullPPM}
	for _, target := range []string{"https://api.example", "https://shop.example"} {
		for _, server := range []string{"192.0.2.1:443", "192.0.2.2:443", "192.0.2.3:443", "192.0.2.4:443"} {
			w.Counters = append(w.Counters, report.Counter{Target: target, Outcome: report.OK, Protocol: "h2", Server: server, Status: 200, Count: 1000})
		}
		w.Counters = append(w.Counters, report.Counter{Target: target, Outcome: report.TCPReset, Server: "192.0.2.4:443", Count: 3})
	}
	return w
}

func BenchmarkAppendRecord(b *testing.B) {
	w, buf := typical(), make([]byte, 0, report.MaxRecord)
	b.ReportAllocs()
	for b.Loop() {
		out, err := report.AppendRecord(buf, w)
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(len(out)))
	}
}

func BenchmarkDecodeRecord(b *testing.B) {
	for _, bench := range []struct {
		name   string
		window *report.Window
	}{
		{"typical", typical()},
		{"largest", &report.Window{Length: 1, SampledPPM: 1, Counters: counters(report.MaxCounters, 7)}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			in, err := report.AppendRecord(nil, bench.window)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			b.SetBytes(int64(len(in)))
			for b.Loop() {
				if _, err := report.DecodeRecord(in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
