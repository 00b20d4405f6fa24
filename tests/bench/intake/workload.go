package intake

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// The clients: 40,000 in 1,000 networks, of which the nth has 1/√n of the clients of the first.
// Requests go to four origins on twenty servers, and one in twenty fails.
const (
	clients  = 40_000
	networks = 1_000
	origins  = 4
	servers  = 20
	failing  = 0.05
)

// perSecond is how many batches a collector received in a second of the time that batches tell of.
const perSecond = 5_000

// Workload is sealed batches of many clients.
type Workload struct {
	Counters int // of each batch
	Size     int // batches
	key      *seal.OpenKey
	end      time.Time // when the last batch was received
	sums     []float64 // of the networks' parts
}

// NewWorkload returns a workload of batches that each have one window with so many counters, the
// last of them received at end. It seals them when they are asked for.
func NewWorkload(counters, size int, end time.Time) (*Workload, error) {
	key, err := seal.GenerateOpenKey()
	if err != nil {
		return nil, err
	}
	w := &Workload{Counters: counters, Size: size, key: key, end: end, sums: make([]float64, networks)}
	total := 0.0
	for n := range w.sums {
		total += 1 / math.Sqrt(float64(n+1))
		w.sums[n] = total
	}
	return w, nil
}

// Keyring opens the batches.
func (w *Workload) Keyring() *seal.Keyring { return seal.NewKeyring(w.key) }

// Envelopes seals n batches from the one at a position on, on all CPUs. The batch at a position
// always has the same content.
func (w *Workload) Envelopes(from, n int) ([]report.Envelope, error) {
	all := make([]report.Envelope, min(n, w.Size-from))
	workers := runtime.GOMAXPROCS(0)
	faults := make([]error, workers)
	var wg sync.WaitGroup
	for worker := range workers {
		wg.Go(func() {
			for i := worker; i < len(all) && faults[worker] == nil; i += workers {
				all[i], faults[worker] = w.envelope(from + i)
			}
		})
	}
	wg.Wait()
	for _, err := range faults {
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// envelope is the batch at a position, as the collector has stored it.
func (w *Workload) envelope(position int) (e report.Envelope, err error) {
	rng := rand.New(rand.NewPCG(uint64(position), 1))
	client := rng.IntN(clients)
	network := w.network(client)
	received := w.end.Add(time.Duration(position-w.Size+1) * time.Second / perSecond)
	e = report.Envelope{Seq: uint64(position) + 1, Received: received.UnixMilli(), Collector: "c1", ASN: uint32(64_512 + network),
		Country: fmt.Sprintf("X%c", 'A'+network%26), Bucket: report.Bucket(1 + client%report.MaxBucket), Delivery: report.Delivery{Age: rng.Uint64N(5_000)}}
	binary.BigEndian.PutUint32(e.Batch[:], uint32(received.Unix()/60))
	binary.BigEndian.PutUint64(e.Batch[4:], rng.Uint64())
	binary.BigEndian.PutUint32(e.Batch[12:], uint32(position))
	e.Segment, err = w.seal(e.Batch, client, rng)
	return e, err
}

// network is where a client is. It is the same for every batch of the client.
func (w *Workload) network(client int) int {
	at := float64(client) / clients * w.sums[networks-1]
	for n, sum := range w.sums {
		if at < sum {
			return n
		}
	}
	return networks - 1
}

func (w *Workload) seal(id report.BatchID, client int, rng *rand.Rand) ([]byte, error) {
	s, err := seal.NewSealer(w.key.SealKey(), id)
	if err != nil {
		return nil, err
	}
	header := &report.Header{Source: report.SourceAgent, App: "shop", Version: "1.4.2", OS: "linux", Consent: report.Counts}
	binary.BigEndian.PutUint64(header.Client[:], uint64(client)*0x9e3779b97f4a7c15+1)
	segment := append([]byte(nil), s.Prefix()...)
	for _, r := range []report.Record{header, w.window(rng)} {
		record, err := report.AppendRecord(nil, r)
		if err == nil {
			segment, err = s.Seal(segment, record)
		}
		if err != nil {
			return nil, err
		}
	}
	return seal.AppendEnd(segment), nil
}

// window is a minute of a client's requests, with every counter of another server or outcome.
func (w *Workload) window(rng *rand.Rand) *report.Window {
	window := &report.Window{Length: 60_000, SampledPPM: report.FullPPM}
	first := rng.IntN(servers)
	for i := range w.Counters {
		server := (first + i) % servers
		c := report.Counter{Target: fmt.Sprintf("https://api%d.shop.example", server%origins), Server: fmt.Sprintf("192.0.2.%d:443", server+1),
			Outcome: report.OK, Protocol: "h2", Status: 200, Count: 1 + rng.Uint64N(5)}
		if i >= servers || rng.Float64() < failing {
			c.Outcome, c.Protocol, c.Status = report.TCPTimedOut, "", 0
		}
		window.Counters = append(window.Counters, c)
	}
	slices.SortFunc(window.Counters, report.Counter.Compare)
	return window
}
