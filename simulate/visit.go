package simulate

import (
	"strings"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// visit is one user's visit and the agent that observes it.
type visit struct {
	gen      uint32 // of the open window; entries of the queue with another are void
	client   uint32
	network  int32
	server   int32
	system   uint8
	protocol uint8
	bad      bool // the connection is bad
	browser  bool
	version  string
	// number of the collector that the client tries first
	collector uint8
	left      int // requests until its end; 0: it has ended, and only its window is open

	open     bool
	failed   bool  // the open window has a failure
	troubled bool  // the previous window had one
	began    int64 // start of the open window
	held     int64 // reports cannot leave before this time
	retry    int64 // after which the last request is repeated, in ms; 0: it is not
	counters []counter
}

// counter is a row of an open window.
type counter struct {
	target  uint8
	status  uint16
	outcome report.Outcome
	server  string
	n       uint64
	last    int64
}

// crowded is the mean time between two visits, in ms, below which milliseconds have numbers of
// visits. Otherwise rounding would lose some.
const crowded = 10

// arrive begins the visits of a time and schedules the next.
func (w *world) arrive(at int64) {
	mean := 1000 * w.VisitRequests / w.rate(at)
	if mean >= crowded {
		w.queue.push(entry{at: at + 1 + span(w.rng, mean), kind: arrival})
		w.begin(at)
		return
	}
	w.queue.push(entry{at: at + 1, kind: arrival})
	for range poisson(w.rng, 1/mean) {
		w.begin(at)
	}
}

// begin begins a visit.
func (w *world) begin(at int64) {
	var id uint32
	if n := len(w.free); n > 0 {
		id, w.free = w.free[n-1], w.free[:n-1]
	} else {
		id = uint32(len(w.visits))
		w.visits = append(w.visits, visit{})
	}
	v := &w.visits[id]
	n := draw(w.people.upTo, w.rng.Float64())
	net := &w.people.networks[n]
	client := net.first + w.rng.Uint32N(net.clients)
	nature := mix(w.people.seed, 7, uint64(client))
	*v = visit{gen: v.gen + 1, client: client, network: int32(n), server: int32(w.rng.IntN(len(w.people.servers))),
		system: uint8(draw(systemShares, unit(nature))), protocol: uint8(draw(protocolShare, w.rng.Float64())),
		bad: w.rng.Float64() < w.BadVisits, browser: w.rng.Float64() < w.Browsers,
		version: w.version(client, at), collector: w.prefers(client), left: 1, counters: v.counters[:0]}
	for w.rng.Float64()*w.VisitRequests > 1 && v.left < 100_000 {
		v.left++
	}
	w.queue.push(entry{at: at, kind: request, id: id, gen: v.gen})
}

// version returns the version that a client runs at a time.
func (w *world) version(client uint32, at int64) string {
	nature := mix(w.people.seed, 8, uint64(client))
	version := w.Versions[draw(w.people.versions, unit(nature))]
	for i, r := range w.releases {
		since := at - w.start - r.Start.Milliseconds()
		if since < 0 {
			continue
		}
		reached := r.Share
		if over := r.Over.Milliseconds(); since < over {
			reached *= float64(since) / float64(over)
		}
		if unit(mix(nature, uint64(i))) < reached {
			version = r.Version
		}
	}
	return version
}

// request makes one request of a visit and schedules the next.
func (w *world) request(e entry) {
	v := &w.visits[e.id]
	target := uint8(0)
	if len(w.people.targets) > 1 {
		target = uint8(draw(w.people.targets, w.rng.Float64()))
	}
	v.retry = 0
	outcome, status, server := w.fate(v, target, e.at)
	if v.browser {
		w.tellBrowser(v, counter{target, status, outcome, server, 1, e.at})
	} else {
		w.count(e.id, counter{target, status, outcome, server, 1, e.at})
	}
	if v.retry > 0 {
		w.queue.push(entry{at: e.at + v.retry, kind: request, id: e.id})
		return
	}
	if v.left--; v.left > 0 {
		gap := span(w.rng, float64(w.RequestGap.Milliseconds()))
		w.queue.push(entry{at: e.at + 1 + gap, kind: request, id: e.id})
	} else if !v.open {
		w.free = append(w.free, e.id)
	}
}

// fate determines how a request ends.
func (w *world) fate(v *visit, target uint8, at int64) (o report.Outcome, status uint16, server string) {
	o, status, server = report.OK, 200, w.people.servers[v.server]
	switch {
	case v.bad:
		if w.rng.Float64() < w.BadVisitFailures {
			o = badLink[draw(onBadLink, w.rng.Float64())]
		}
	case w.rng.Float64() < w.FailureRate*w.noisy(&w.people.networks[v.network], at):
		o = background[draw(inHouse, w.rng.Float64())]
		if status = 500; w.rng.IntN(3) == 0 {
			status = 503
		}
	}
	if o == report.OK && w.SlowRate > 0 && w.rng.Float64() < w.SlowRate {
		o = model.Slow
	}
	for _, f := range w.faults {
		if at < f.start || at >= f.end || !f.holds(v, v.version, target) {
			continue
		}
		if f.Offline {
			v.held = max(v.held, f.end)
		}
		if f.LastMile {
			until, hit := f.afflicted(v.client, at)
			if !hit {
				continue
			}
			v.held = max(v.held, until)
		} else if level := f.level(at); level == 0 || (level < 1 && w.rng.Float64() >= level) {
			continue
		}
		if o = f.outcome(w.rng); !succeeded(o) {
			v.retry = f.Retry.Milliseconds()
		}
		if succeeded(o) {
			status = 200
		} else if status = f.Status; status == 0 {
			status = 503
		}
		if f.Becomes != "" {
			server = f.Becomes
		}
	}
	if !succeeded(o) && !o.Under("http") {
		status = 0
	}
	if o.Under("dns") {
		server = ""
	}
	return o, status, server
}

// succeeded reports whether an outcome is that of a request that was answered, be it slowly.
func succeeded(o report.Outcome) bool { return !o.Failed() || o == model.Slow }

// count counts a request in the visit's window. It begins a window if none is open.
func (w *world) count(id uint32, c counter) {
	v := &w.visits[id]
	if !v.open {
		v.open, v.failed, v.began = true, false, c.last
		v.gen++
		w.queue.push(entry{at: c.last + w.Window.Milliseconds(), kind: windowEnd, id: id, gen: v.gen})
	}
	if !succeeded(c.outcome) && !v.failed {
		v.failed = true
		early := c.last + 2000 + w.rng.Int64N(6000)
		if w.EarlyReports && !v.troubled && early < v.began+w.Window.Milliseconds() {
			v.gen++
			w.queue.push(entry{at: early, kind: windowEnd, id: id, gen: v.gen})
		}
	}
	for i := range v.counters {
		k := &v.counters[i]
		if k.target == c.target && k.outcome == c.outcome && k.status == c.status && k.server == c.server {
			k.n++
			k.last = c.last
			return
		}
	}
	v.counters = append(v.counters, c)
}

// endWindow sends the counts of a window: always if it has a failure, otherwise by chance.
func (w *world) endWindow(e entry) {
	v := &w.visits[e.id]
	if !v.open || v.gen != e.gen {
		return
	}
	v.open = false
	switch lost := v.left == 0 && w.rng.Float64() < w.Crashes; {
	case lost:
	case v.failed:
		w.report(v, e.at, 1)
	case w.rng.Float64() < w.Sampling:
		w.report(v, e.at, 1/w.Sampling)
	}
	v.troubled = v.failed
	v.counters = v.counters[:0]
	if v.left == 0 {
		w.free = append(w.free, e.id)
	}
}

// report sends the window that ended at a time.
func (w *world) report(v *visit, at int64, weight float64) {
	sent := max(at, v.held)
	if v.held > at {
		sent += w.rng.Int64N(60_000) // not all at once
	}
	if w.rng.Float64() < w.Offline {
		sent += span(w.rng, float64(w.OfflineMean.Milliseconds()))
	}
	sent += 100 + span(w.rng, 1500)
	path, collector, arrived := w.path(v, sent)
	rows := make([]Row, 0, len(v.counters)+len(path))
	for _, c := range v.counters {
		r := w.row(v, c, weight)
		r.Collector = collector
		rows = append(rows, r)
	}
	if w.Deliveries {
		for _, d := range path {
			d.Collector = collector
			rows = append(rows, d)
		}
	}
	w.send(arrived, w.placeOf(v), v.began, at, rows...)
}

// tellBrowser sends a browser's own report of one request, at most a minute later.
func (w *world) tellBrowser(v *visit, c counter) {
	weight := 1.0
	if succeeded(c.outcome) {
		if w.rng.Float64() >= w.Sampling {
			return
		}
		weight = 1 / w.Sampling
	}
	r := w.row(v, c, weight)
	r.Source = report.SourceBrowser
	r.Collector = w.collectors[v.collector]
	w.send(max(c.last, v.held)+1000+w.rng.Int64N(59_000), w.placeOf(v), c.last, c.last, r)
}

// placeOf returns where a visitor is.
func (w *world) placeOf(v *visit) place {
	number := v.client - w.people.networks[v.network].first
	return place{network: v.network, prefix: number / clientsPerPrefix, host: number % clientsPerPrefix}
}

func (w *world) row(v *visit, c counter, weight float64) Row {
	n := &w.people.networks[v.network]
	prefix := uint64(v.network)<<32 | uint64((v.client-n.first)/clientsPerPrefix)
	protocol := protocols[v.protocol]
	if !succeeded(c.outcome) && w.AgentsProtocol && !strings.HasPrefix(string(c.outcome), "http") {
		protocol = ""
	}
	return Row{At: c.last, App: w.App, Version: v.version, OS: systems[v.system], Target: w.Targets[c.target], Outcome: c.outcome,
		Protocol: protocol, Status: c.status, Server: c.server, ASN: n.asn, Country: w.people.countries[n.country],
		Source: report.SourceAgent, Bucket: w.people.bucket(prefix, c.last), Client: w.people.token(v.client, c.last),
		Raw: c.n, Estimated: float64(c.n) * weight}
}

// path finds a collector that accepts a batch. It returns rows about the collectors that were
// tried, the one that accepted, and when. After about an hour it stops trying; the reports are then
// late, not lost.
func (w *world) path(v *visit, at int64) (tried []Row, collector string, arrived int64) {
	for try := 0; ; try++ {
		name := w.collectors[(int(v.collector)+try)%len(w.collectors)]
		d := w.row(v, counter{last: at, n: 1, outcome: report.OK}, 1)
		d.App, d.Target, d.Protocol, d.Status, d.Server = model.DeliveryApp, model.CollectorTarget+name, "", 0, ""
		o, refused := w.refused(name, v, at)
		if !refused || try > 100 {
			return append(tried, d), name, at
		}
		if try < len(w.collectors) {
			d.Outcome = o
			tried = append(tried, d)
		}
		if at += 500 + w.rng.Int64N(2000); (try+1)%len(w.collectors) == 0 {
			at += 30_000
		}
	}
}

// prefers returns the collector that a client tries first. Seven in ten clients try the first one.
func (w *world) prefers(client uint32) uint8 {
	h := unit(mix(w.people.seed, 9, uint64(client)))
	if h < 0.7 || len(w.collectors) == 1 {
		return 0
	}
	return 1 + uint8((h-0.7)/0.3*float64(len(w.collectors)-1))
}

// refused reports whether a collector refuses a visitor's batches at a time.
func (w *world) refused(collector string, v *visit, at int64) (report.Outcome, bool) {
	for _, f := range w.faults {
		if f.Collector == collector && (f.networks == nil || f.networks[v.network]) {
			if level := f.level(at); level > 0 && w.rng.Float64() < level {
				return f.outcome(w.rng), true
			}
		}
	}
	return "", false
}
