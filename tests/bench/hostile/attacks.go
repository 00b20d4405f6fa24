package hostile

import (
	"context"
	"fmt"

	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// attack is what strangers do. It returns when everything is sent.
type attack struct {
	name string
	what string
	send func(ctx context.Context, r *rig) error
}

// attacks are those of the numbers that release 0.1.0 fell to.
var attacks = []attack{
	{"series", "50 segments of invented series, status and flags from one address", inventSeries},
	{"cells", "half a million counters of one client", inventCells},
	{"work", "160 segments of 26,000 counters from one /24", inventWork},
	{"tokens", "9 segments of 1,694 tokens and 2,000 tokens that report successes", inventTokens},
	{"arithmetic", "counters of 4294967295 at a fraction of one in a million", inventSums},
	{"copies", "2,000 segments cut to their header under ids that another collector has", cutCopies},
	{"notices", "1,000 notices with 32 invented tokens each", inventNotices},
}

// full is a segment of as many counters as its bytes hold, all different.
func full(key *seal.Key, client uint64, o report.Outcome, target string) ([]byte, error) {
	records := []report.Record{header(client)}
	for w := range 20 {
		var counters []report.Counter
		for n := range uint16(2000) {
			counters = append(counters, report.Counter{Target: target, Outcome: o, Server: fmt.Sprint(client, ".", w), Status: n / 4, Flags: report.Flags(n % 4), Count: 1})
		}
		records = append(records, window(report.FullPPM, counters...))
	}
	return sealed(key, newID(), records...)
}

// flood sends n full segments of a client each, or of one client, from addresses of one /24.
func flood(n, workers int, o report.Outcome, client func(i int) uint64, from string) func(context.Context, *rig) error {
	return func(ctx context.Context, r *rig) error {
		return each(n, workers, func(i int) error {
			segment, err := full(r.key.SealKey(), client(i), o, shop)
			if err != nil {
				return err
			}
			return r.upload(ctx, r.collectors[0], fmt.Sprintf("%s.%d", from, i%250), segment)
		})
	}
}

var (
	inventSeries = flood(50, 2, report.HTTPError, func(i int) uint64 { return 1_000_000 + uint64(i) }, "10.200.1")
	inventCells  = flood(62, 2, report.OK, func(int) uint64 { return 2_000_000 }, "10.201.1")
	inventWork   = flood(160, 2, report.OK, func(i int) uint64 { return 3_000_000 + uint64(i) }, "10.202.1")
)

func inventTokens(ctx context.Context, r *rig) error {
	if err := each(9, 1, func(i int) error {
		var records []report.Record
		for n := range uint64(1694) {
			records = append(records, header(4_000_000+uint64(i)*10_000+n), window(report.FullPPM, report.Counter{Target: shop, Outcome: report.DNSFailed, Count: 3}))
		}
		segment, err := sealed(r.key.SealKey(), newID(), records...)
		if err != nil {
			return err
		}
		return r.upload(ctx, r.collectors[0], fmt.Sprintf("10.%d.1.1", 203+i%3), segment)
	}); err != nil {
		return err
	}
	return each(2000, 2, func(i int) error {
		segment, err := sealed(r.key.SealKey(), newID(), header(5_000_000+uint64(i)),
			window(1, report.Counter{Target: shop, Outcome: report.OK, Protocol: "h2", Server: "192.0.2.1:443", Status: 200, Count: 1000}))
		if err != nil {
			return err
		}
		return r.upload(ctx, r.collectors[0], fmt.Sprintf("10.206.1.%d", i%250), segment)
	})
}

func inventSums(ctx context.Context, r *rig) error {
	return each(200, 2, func(i int) error {
		segment, err := sealed(r.key.SealKey(), newID(), header(6_000_000+uint64(i)),
			window(1, report.Counter{Target: shop, Outcome: report.OK, Protocol: "h2", Server: "192.0.2.1:443", Status: 200, Count: report.MaxCount}))
		if err != nil {
			return err
		}
		return r.upload(ctx, r.collectors[0], "10.207.1.1", segment)
	})
}

// cutCopies sends one collector what another has whole: each tells of failures of its client, and
// without its second frame of nothing.
func cutCopies(ctx context.Context, r *rig) error {
	return each(2000, 2, func(i int) error {
		id := newID()
		s, err := seal.NewSealer(r.key.SealKey(), id)
		if err != nil {
			return err
		}
		segment := append([]byte(nil), s.Prefix()...)
		var cut []byte
		for n, record := range []report.Record{header(7_000_000 + uint64(i)), window(report.FullPPM, report.Counter{Target: copied, Outcome: report.OK, Count: 1})} {
			b, err := report.AppendRecord(nil, record)
			if err != nil {
				return err
			}
			if segment, err = s.Seal(segment, b); err != nil {
				return err
			}
			if n == 0 {
				cut = seal.AppendEnd(append([]byte(nil), segment...))
			}
		}
		if err := r.upload(ctx, r.collectors[0], "10.208.1.1", cut); err != nil {
			return err
		}
		return r.upload(ctx, r.collectors[1], fmt.Sprintf("10.%d.%d.7", 60+i%100, i%200), seal.AppendEnd(segment))
	})
}

// copied is the target that cut copies are about.
const copied = "https://copied.example"

func inventNotices(ctx context.Context, r *rig) error {
	return each(1000, 2, func(i int) error {
		n := &report.DeletionNotice{}
		for t := range report.MaxClients {
			n.Clients = append(n.Clients, [16]byte{0xee, byte(i >> 8), byte(i), byte(t), 15: 1})
		}
		h := header(0)
		h.Client = [16]byte{}
		segment, err := sealed(r.key.SealKey(), newID(), h, n)
		if err != nil {
			return err
		}
		return r.upload(ctx, r.collectors[0], fmt.Sprintf("10.209.1.%d", i%250), segment)
	})
}
