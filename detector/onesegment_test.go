package detector

import (
	"fmt"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// clientsOf are the clients that counts are of.
func clientsOf(b *opened) map[uint64]bool {
	clients := map[uint64]bool{}
	for i := range b.Counts {
		clients[b.Counts[i].Client] = true
	}
	return clients
}

// However many tokens a segment invents, it is one client's; samples stay under the token that a
// notice would name.
func TestASegmentIsOneClients(t *testing.T) {
	for name, first := range map[string]uint64{"a client first": 7, "nobody first": 0} {
		records := []any{ShopHeader(first)}
		if first == 0 {
			records[0].(*report.Header).Client = [16]byte{}
		}
		for c := range uint64(200) {
			records = append(records, ShopHeader(100+c), window(0, 1000, report.FullPPM, okCounter),
				&report.Sample{URL: shop + "/", Method: "GET", Outcome: report.TCPReset, Phase: report.PhaseConnection})
		}
		b, _, err := testOpener().open(envelope(t, report.Delivery{}, records...), time.UnixMilli(received))
		if err != nil {
			t.Fatal(err)
		}
		if got := clientsOf(b); len(got) != 1 || b.tokens != 200 {
			t.Errorf("%s: %d clients, %d headers of others counted; want 1 and 200", name, len(got), b.tokens)
		}
		if len(b.Samples) != 200 || b.Samples[0].Client != 100 || b.Samples[199].Client != 299 {
			t.Errorf("%s: %d samples, the first of client %d", name, len(b.Samples), b.Samples[0].Client)
		}
	}
}

// A segment is worth so many rows, whatever few bytes they take and whatever kind they are.
func TestASegmentHasSoManyRows(t *testing.T) {
	var counters []report.Counter
	for status := range uint16(report.MaxCounters) {
		counters = append(counters, report.Counter{Target: shop, Outcome: report.OK, Status: status / 5, Flags: report.Flags(status % 5), Count: 1})
	}
	records := []any{ShopHeader(7)}
	for range report.MaxSegmentRows/report.MaxCounters - 1 {
		records = append(records, window(0, 1000, report.FullPPM, counters...))
	}
	for i := range report.MaxCounters {
		s := &report.Sample{At: int64(-i), URL: shop + "/", Method: "GET", Outcome: report.TCPReset, Phase: report.PhaseConnection}
		records = append(records, s)
	}
	whole, _, err := testOpener().open(envelope(t, report.Delivery{}, records...), time.UnixMilli(received))
	if err != nil || whole.surplus != 0 {
		t.Fatalf("%d rows are left out of a full segment, %v", whole.surplus, err)
	}
	records = append(records, window(0, 1000, report.FullPPM, okCounter, okFailed), &report.ApplicationError{Kind: report.KindPanic, Type: "x", Fingerprint: [16]byte{1}, Count: 1})
	b, _, err := testOpener().open(envelope(t, report.Delivery{}, records...), time.UnixMilli(received))
	if err != nil || b.surplus != 3 || len(b.Counts) != len(whole.Counts) || len(b.Samples) != len(whole.Samples) {
		t.Errorf("%d rows are left out, %d counts, %d samples, %v; want 3 out and the rest as before", b.surplus, len(b.Counts), len(b.Samples), err)
	}
}

var okFailed = report.Counter{Target: shop, Outcome: report.TCPReset, Count: 1}

// What is no status and what is no flag makes no series of its own.
func TestInventedStatusesAndFlagsMakeNoSeries(t *testing.T) {
	series := map[string]bool{}
	for _, status := range []uint16{0, 1, 99, 100, 200, 599, 600, 777, 999} {
		for _, flags := range []report.Flags{0, report.FlagRetry, 4, 128, 255} {
			c := report.Counter{Target: shop, Outcome: report.HTTPError, Status: status, Flags: flags, Count: 1}
			b, _, err := testOpener().open(envelope(t, report.Delivery{}, ShopHeader(7), window(0, 1000, report.FullPPM, c)), time.UnixMilli(received))
			if err != nil {
				t.Fatal(err)
			}
			series[fmt.Sprint(b.Counts[0].Status, b.Counts[0].Flags)] = true
		}
	}
	for _, status := range []int{0, 100, 200, 599} {
		for _, flags := range []int{0, 1, 3} {
			if !series[fmt.Sprint(status, flags)] {
				t.Errorf("status %d with flags %d is missing", status, flags)
			}
		}
	}
	if len(series) != 12 {
		t.Errorf("%d series, want 12: %v", len(series), series)
	}
}
