package judgement

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/heliograph-net/heliograph/report"
)

// Restore returns a judge that goes on where a snapshot was taken. The bin must be as it was.
// Nothing that was judged before is told again.
func Restore(o Options, snapshot []byte) (*Judge, error) {
	j, err := New(o)
	if err != nil {
		return nil, err
	}
	var f snapshotForm
	if err := json.Unmarshal(snapshot, &f); err != nil {
		return nil, fmt.Errorf("restore: %w", err)
	}
	if f.Version != snapshotVersion || f.Width != j.width {
		return nil, fmt.Errorf("restore: the snapshot has version %d and bins of %d ms, not version %d and %d ms", f.Version, f.Width, snapshotVersion, j.width)
	}
	j.now, j.next, j.fade.quiet.last, j.lastID = f.Now, f.Next, f.Heard, f.LastID
	for _, s := range f.Quiet {
		j.fade.quiet.add(span{s[0], s[1]})
	}
	j.names.restore(&f)
	for i := range f.Pops {
		if err := j.restorePopulation(&f.Pops[i]); err != nil {
			return nil, err
		}
	}
	for i := range f.Timings {
		if err := j.restoreTiming(&f.Timings[i]); err != nil {
			return nil, err
		}
	}
	if err := j.restoreHits(&f); err != nil {
		return nil, err
	}
	if err := j.restoreMemory(&f.Memory); err != nil {
		return nil, err
	}
	j.failures.restore(f.Failures)
	j.clients.firsts.restore(f.Firsts)
	j.successes.restore(f.Successes)
	j.browsers.restore(f.Browsers)
	for _, u := range f.Usual {
		j.sources.usual[u.ASN] = &loudest{u.Raw, u.Clients}
	}
	j.paces.all = pace{f.Pace[0], f.Pace[1]}
	for _, n := range f.Paces {
		j.paces.byNetwork[uint32(n[0])] = pace{n[1], n[2]}
	}
	if f.Unknown != nil {
		j.sources.unknown, j.sources.learned = *f.Unknown, true
	}
	for _, s := range f.Silent {
		j.sources.silent[source{s.ASN, s.Bucket}] = s.Until
	}
	for i := range f.Incidents {
		j.incidents = append(j.incidents, f.Incidents[i].incident())
	}
	j.countOpen()
	slices.SortFunc(j.dirty, compareDirty)
	return j, nil
}

func (n *names) restore(f *snapshotForm) {
	for k := range f.Names {
		n.all[k] = nil
		clear(n.ids[k])
		for _, text := range f.Names[k] {
			n.add(kind(k), text)
		}
	}
	for _, s := range f.Sources {
		n.sources[source{s[0], report.Bucket(s[1])}] = struct{}{}
	}
}

func (j *Judge) restorePopulation(f *populationForm) error {
	key := populationKey{f.Key[0], f.Key[1], report.Source(f.Key[2])}
	if len(f.Level.Ring) != ringBins || len(f.Streams) == 0 {
		return fmt.Errorf("restore: population %v is not whole", f.Key)
	}
	var parent *population
	if f.Parent {
		if parent = j.root; parent == nil {
			return fmt.Errorf("restore: population %v comes before its parent", f.Key)
		}
	}
	p := j.newPopulation(key, parent, f.Born)
	if key == (populationKey{}) {
		j.root = p
	} else {
		j.pops[key] = p
	}
	p.settled = f.Settled
	p.level = level{newest: f.Level.Newest, sum: f.Level.Sum, n: f.Level.N}
	copy(p.level.ring[:], f.Level.Ring)
	copy(p.level.served[:], f.Level.Served)
	for bin := p.level.newest - ringBins + 1; bin <= p.level.newest; bin++ {
		if p.level.ring[slot(bin)] > 0 {
			j.fade.quiet.hear(bin)
		}
	}
	p.rows = rows{f.Rows[0], f.Rows[1]}
	p.season = season{factor: f.Factors}
	p.season.at(int64(f.Hour[0]))
	p.season.x, p.season.e = f.Hour[1], f.Hour[2]
	for _, e := range f.Exposures {
		if e.Attribute >= attributes {
			return fmt.Errorf("restore: no attribute %d", e.Attribute)
		}
		if x := p.exposure(e.Attribute, e.Value, e.Born); x != nil {
			*x = exposure{share: e.Share, recent: e.Recent, at: e.At, born: e.Born, before: e.Before, kin: e.Kin, strangeTo: e.StrangeTo, last: cmp.Or(e.Last, e.At), claimedIn: e.ClaimedIn, claimed: e.Claimed}
		}
	}
	for i := range f.Streams {
		if err := p.restoreStream(&f.Streams[i]); err != nil {
			return err
		}
	}
	return nil
}

func (j *Judge) restoreTiming(f *timingForm) error {
	t := &timing{n: f.N, born: f.Born, hour: f.Hour, within: f.Within, worded: f.Worded, limit: f.Limit, usual: f.Usual}
	if err := t.calm.Decode(f.Calm); err != nil || f.Limit >= report.HistogramBuckets-1 {
		return fmt.Errorf("restore: durations of population %v are damaged", f.Key)
	}
	for i, w := range f.Weights {
		t.weights[i].n, t.weights[i].sum = w[0], w[1]
	}
	j.timings[populationKey{f.Key[0], f.Key[1], report.Source(f.Key[2])}] = t
	return nil
}

func (p *population) restoreStream(f *streamForm) error {
	st := p.any
	if f.Outcome != 0 {
		if st = p.stream(f.Outcome, p.born); st == nil {
			return fmt.Errorf("restore: too many outcomes")
		}
	}
	st.clusters, st.apart = clusters{f.Clusters[0], f.Clusters[1]}, f.Apart
	for a := range f.Spread {
		s := &st.spread[a]
		s.small.squares, s.small.sum, s.large.excess, s.large.weight = f.Spread[a][0], f.Spread[a][1], f.Spread[a][2], f.Spread[a][3]
	}
	for _, e := range f.Series {
		if e.Attribute >= attributes {
			return fmt.Errorf("restore: no attribute %d", e.Attribute)
		}
		s := st.open(e.Attribute, e.Value, e.Newest)
		if s == nil {
			continue
		}
		s.a, s.b, s.newest, s.learned, s.frozen, s.frozenTo, s.suspiciousFrom, s.dirty = e.A, e.B, e.Newest, e.Learned, e.Frozen, e.FrozenTo, e.Since, e.Dirty
		for _, x := range e.X {
			s.x[slot(int64(x[0]))] = uint16(x[1])
		}
		if s.dirty {
			p.judge.dirty = append(p.judge.dirty, dirtySeries{st, s})
		}
	}
	return nil
}

func (j *Judge) restoreHits(f *snapshotForm) error {
	for _, b := range f.Hits {
		h := j.recent.of(b.Bin)
		h.weight, h.n, h.all = b.Weight, b.N, hitsOf(b.Hits)
	}
	j.late.all = hitsOf(f.Late)
	for i := range j.recent {
		for _, h := range j.recent[i].all {
			if int(h.pop) >= len(j.order) {
				return fmt.Errorf("restore: no population %d", h.pop)
			}
		}
	}
	for _, r := range f.Sample {
		if int(r.Pop) >= len(j.order) {
			return fmt.Errorf("restore: no population %d", r.Pop)
		}
		j.sample.rows = append(j.sample.rows, sampled{r.Place, r.Pop, r.Bucket, r.N})
	}
	if err := j.sample.pcg.UnmarshalBinary(f.Random); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	return nil
}

func hitsOf(forms []hitForm) []hit {
	all := make([]hit, len(forms))
	for i, h := range forms {
		all[i] = hit{place: h.Place, client: h.Client, at: h.At, raw: h.Raw, count: h.Count, bucket: h.Bucket, pop: h.Pop, out: h.Out, ok: h.OK}
	}
	return all
}

func (f *incidentForm) incident() *incident {
	i := &incident{id: f.ID, flows: map[flow]bool{}, scopes: f.Scopes, share: f.Share, part: f.Part, margin: f.Margin, more: f.More, kept: f.Kept, onset: f.Onset, firstBin: f.FirstBin, inside: f.Inside, from: max(f.From, f.FirstBin), before: f.Before, found: f.Found,
		lastBad: f.LastBad, until: f.Until, calm: f.Calm, pace: max(f.Pace, followBins), reopened: f.Reopened, excess: f.Excess, late: f.Late, lateUntil: f.LateUntil,
		floodSeen: f.FloodSeen, pending: f.Pending, pendingSeen: f.Seen, told: f.Told, tells: f.Tells, later: f.Later}
	for _, fl := range f.Flows {
		i.flows[flow{uint16(fl[0]), fl[1]}] = true
	}
	if len(f.Flood) == 4 {
		i.flood = &flood{source{uint32(f.Flood[0]), report.Bucket(f.Flood[1])}, uint64(f.Flood[2]), f.Flood[3]}
	}
	if len(i.scopes) == 0 {
		i.scopes = []cuboid{{}}
	}
	return i
}
