package simulate

import "slices"

import "github.com/heliograph-net/heliograph/report"

// probeFailures is the fraction of probes that fail without a fault.
const probeFailures = 0.001

// scheduleProbes spreads the first probe of each vantage and server over an interval.
func (w *world) scheduleProbes() {
	every := w.scenario.Probes.Every.Milliseconds()
	for i := range len(w.vantages) * len(w.people.servers) {
		w.queue.push(entry{at: w.start + 1 + w.probeRNG.Int64N(every), kind: probing, id: uint32(i)})
	}
}

// probe sends the result of one vantage's probe of one server and schedules the next.
func (w *world) probe(e entry) error {
	w.queue.push(entry{at: e.at + w.scenario.Probes.Every.Milliseconds(), kind: probing, id: e.id})
	vantage, server := int(e.id)/len(w.people.servers), int(e.id)%len(w.people.servers)
	p := Probe{At: e.at, Vantage: w.vantages[vantage], VantageASN: vantageASN(vantage), Server: w.people.servers[server], Outcome: report.OK}
	if w.probeRNG.Float64() < probeFailures {
		p.Outcome = report.TCPTimedOut
	}
	for _, f := range w.faults {
		if level := f.level(e.at); level > 0 && f.seenFrom(p.Vantage, server) && w.probeRNG.Float64() < level {
			p.Outcome = f.outcome(w.probeRNG)
		}
	}
	return w.sink.Probe(p)
}

// vantageASN returns the number of a vantage's network, which has no clients. It is one for
// documentation (RFC 5398).
func vantageASN(i int) uint32 {
	if i < 16 {
		return 64496 + uint32(i)
	}
	return 65536 + uint32(i-16)
}

// seenFrom reports whether a vantage sees a fault at a server. Vantages are in networks of their
// own and speak HTTP/2. So they see a fault that hits everyone or a server, but not one of a
// network, a country, a release or HTTP/3.
func (f *fault) seenFrom(vantage string, server int) bool {
	if len(f.Fault.Vantages) > 0 {
		return slices.Contains(f.Fault.Vantages, vantage)
	}
	return f.requests() && !f.LastMile && f.networks == nil && f.systems == nil && f.versions == nil && f.senders == nil &&
		(f.protos == nil || f.protos[0]) && (f.servers == nil || f.servers[server])
}
