package simulate

import (
	"fmt"
	"math/rand/v2"

	"github.com/heliograph-net/heliograph/report"
)

// flood is a Flood whose times and senders are determined.
type flood struct {
	*Flood
	start, end int64 // Unix milliseconds
	senders    []int32
	first      []uint32 // number of the flood's first prefix in each of senders
	scope      Pick
	salt       uint64
	rng        *rand.Rand
}

func newFlood(f *Flood, start, jitter int64, w *world, rng *rand.Rand) *flood {
	s := &flood{Flood: f, start: start + f.Start.Milliseconds() + jitter, salt: rng.Uint64(), rng: rng, scope: w.people.pick(&f.From, rng)}
	s.end = s.start + f.Duration.Milliseconds()
	in := w.people.networksIn(&s.scope)
	for i := range w.people.networks {
		if in == nil || in[i] {
			s.senders = append(s.senders, int32(i))
			s.first = append(s.first, w.people.networks[i].reserve(max(f.Prefixes, 1)))
		}
	}
	return s
}

// second sends the reports of the second that ends at s*1000.
func (f *flood) second(w *world, s int64) {
	if s*1000 <= f.start || s*1000 > f.end || len(f.senders) == 0 {
		return
	}
	for range poisson(f.rng, f.PerSecond) {
		at := s*1000 - f.rng.Int64N(1000)
		r, from := f.row(w, at)
		w.send(at, from, r.At, r.At, r)
	}
}

func (f *flood) row(w *world, at int64) (Row, place) {
	token := f.rng.Uint64N(uint64(max(f.Tokens, 1)))
	sender, number := token%uint64(len(f.senders)), token%uint64(max(f.Prefixes, 1))
	n := &w.people.networks[f.senders[sender]]
	prefix := f.salt ^ number
	r := Row{At: at - 200 - f.rng.Int64N(3000), App: w.App, Version: w.Versions[0], OS: "linux", Target: f.Target, Outcome: report.Outcome(f.Outcome),
		Protocol: "h2", Server: f.server(), ASN: n.asn, Country: w.people.countries[n.country], Source: report.SourceAgent,
		Collector: w.collectors[0], Bucket: w.people.bucket(prefix, at), Client: max(mix(f.salt, token, uint64(at/day)), 1),
		Raw: max(f.Raw, 1)}
	r.Estimated = float64(r.Raw) * max(f.Weight, 1)
	if len(f.scope.Version) > 0 {
		r.Version = f.scope.Version[0]
	}
	if r.Target == "" {
		r.Target = w.Targets[0]
	}
	switch {
	case r.Outcome == report.OK:
		r.Status = 200
	case r.Outcome.Under("http"):
		r.Status = 503
	}
	return r, place{network: f.senders[sender], prefix: f.first[sender] + uint32(number), host: uint32(token)}
}

func (f *flood) server() string {
	switch {
	case len(f.Server) > 0:
		return f.Server[f.rng.IntN(len(f.Server))]
	case f.Invented > 0:
		i := f.rng.IntN(f.Invented)
		return fmt.Sprintf("203.0.%d.%d:443", 113+i/250%100, i%250+1)
	default:
		return ""
	}
}
