package hostile

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

const (
	shop         = "https://shop.example"
	honestNets   = 60
	honestInNet  = 4 // clients, each in a /24 of its own
	honestPeriod = 4 * time.Second
)

// honest are clients that tell of their requests to the shop. While broken, half of these fail.
type honest struct {
	rig    *rig
	broken atomic.Bool
	sent   atomic.Int64
	faults atomic.Int64 // uploads that failed
}

// run lets every client upload once in honestPeriod, until ctx ends.
func (h *honest) run(ctx context.Context) {
	const clients = honestNets * honestInNet
	tick := time.NewTicker(honestPeriod / clients)
	defer tick.Stop()
	slots := make(chan struct{}, 64)
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		select {
		case slots <- struct{}{}:
		default: // uploads do not come back: those of agents would wait
			h.faults.Add(1)
			continue
		}
		client := n % clients
		go func() {
			defer func() { <-slots }()
			if err := h.tell(ctx, client); err != nil && ctx.Err() == nil {
				h.faults.Add(1)
			}
			h.sent.Add(1)
		}()
	}
}

// tell uploads what one client has seen since its last report.
func (h *honest) tell(ctx context.Context, client int) error {
	counters := []report.Counter{{Target: shop, Outcome: report.OK, Protocol: "h2", Server: "192.0.2.1:443", Status: 200, Count: 2}}
	if h.broken.Load() {
		counters = append(counters, report.Counter{Target: shop, Outcome: report.TCPReset, Server: "192.0.2.1:443", Count: 2})
	} else {
		counters[0].Count = 4
	}
	segment, err := sealed(h.rig.key.SealKey(), newID(), header(uint64(client)+1), window(report.FullPPM, counters...))
	if err != nil {
		return err
	}
	from := fmt.Sprintf("10.%d.%d.9", client%honestNets, client/honestNets)
	return h.rig.upload(ctx, h.rig.collectors[client%2], from, segment)
}

// remembered is how many bins of calm the store has when the detector starts, which learns from
// them what is usual.
const remembered = 400

// remember stores what the honest clients would have told before.
func remember(events detector.Events) error {
	now := time.Now().Truncate(bin)
	for n := range remembered {
		end := now.Add(time.Duration(n-remembered) * bin)
		b := detector.Batch{ID: newID(), Received: end, App: "shop"}
		for client := n % 2; client < honestNets*honestInNet; client += int(honestPeriod / bin) {
			b.Counts = append(b.Counts, model.Count{
				Series: model.Series{App: "shop", Target: shop, Outcome: report.OK, Protocol: "h2", Status: 200, Server: "192.0.2.1:443",
					ASN: uint32(64500 + client%honestNets), Country: "XA", Source: report.SourceAgent},
				Client: uint64(client) + 1, Bucket: report.Bucket(client + 1), End: end, Raw: 4, Estimated: 4})
		}
		if _, err := events.Append(context.Background(), &detector.FeedPage{Feed: "before", Batches: []detector.Batch{b}}); err != nil {
			return err
		}
	}
	return nil
}

func newID() report.BatchID {
	id, err := report.NewBatchID(time.Now(), rand.Reader)
	if err != nil {
		panic(err) // the clock is before 1970
	}
	return id
}

func header(client uint64) *report.Header {
	h := &report.Header{Source: report.SourceAgent, App: "shop", Version: "1.2", OS: "linux", Consent: report.Diagnostics}
	binary.BigEndian.PutUint64(h.Client[:8], client)
	return h
}

func window(ppm uint32, counters ...report.Counter) *report.Window {
	return &report.Window{Length: 2000, SampledPPM: ppm, Counters: counters}
}

// sealed makes a segment of as many of the records as fit.
func sealed(key *seal.Key, id report.BatchID, records ...report.Record) ([]byte, error) {
	s, err := seal.NewSealer(key, id)
	if err != nil {
		return nil, err
	}
	segment := append([]byte(nil), s.Prefix()...)
	for _, r := range records {
		b, err := report.AppendRecord(nil, r)
		if err != nil {
			return nil, err
		}
		longer, err := s.Seal(segment, b)
		if err != nil { // it is full
			break
		}
		segment = longer
	}
	return seal.AppendEnd(segment), nil
}
