package judgement

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// snapshotVersion is raised whenever the form changes. Older forms are refused: the detector then
// starts anew and learns from the reports of the last hours.
const snapshotVersion = 1

// The snapshot is JSON. Keys are short because there is one object for every series.

type snapshotForm struct {
	Version int              `json:"version"`
	Width   int64            `json:"width"` // of a bin in ms
	Now     int64            `json:"now"`
	Next    int64            `json:"next"`
	Heard   int64            `json:"heard"`           // the last bin that was not quiet
	Quiet   [][2]int64       `json:"quiet,omitempty"` // from, to
	LastID  ID               `json:"last_id"`
	Names   [kinds][]string  `json:"names"` // by kind and id
	Sources [][2]uint32      `json:"sources"`
	Pops    []populationForm `json:"populations"`
	Hits    []binForm        `json:"hits"`
	Late    []hitForm        `json:"late"`
	Sample  []sampledForm    `json:"sample"`
	Random  []byte           `json:"random"`
	Usual   []loudestForm    `json:"usual"`
	Silent  []silentForm     `json:"silent"`
	// requests and minutes of clients, of all and by network; absent in older snapshots
	Pace  [2]float64   `json:"pace,omitzero"`
	Paces [][3]float64 `json:"paces,omitempty"`
	// share of sources; absent before the first minute is over
	Unknown   *float64       `json:"unknown_networks,omitempty"`
	Incidents []incidentForm `json:"incidents"`
	Memory    memoryForm     `json:"memory"`
	Timings   []timingForm   `json:"timings,omitempty"`
	// rows by seconds of lateness; absent in older snapshots
	Failures  []float32 `json:"failures,omitempty"`
	Firsts    []float32 `json:"firsts,omitempty"`
	Successes []float32 `json:"successes,omitempty"`
	Browsers  []float32 `json:"browsers,omitempty"`
}

type timingForm struct {
	Key     [3]uint32      `json:"k"`
	Calm    []byte         `json:"c"`
	N       float64        `json:"n"`
	Born    int64          `json:"b"`
	Hour    int64          `json:"h"`
	Within  time.Duration  `json:"i,omitempty"`
	Worded  bool           `json:"w,omitempty"`
	Limit   uint8          `json:"l,omitempty"`
	Usual   float64        `json:"u,omitempty"`
	Weights [11][2]float64 `json:"s"`
}

type populationForm struct {
	Key       [3]uint32          `json:"k"`
	Parent    bool               `json:"p"`
	Born      int64              `json:"b"`
	Settled   int64              `json:"s"`
	Level     levelForm          `json:"l"`
	Factors   [weekHours]float64 `json:"f"`
	Hour      [3]float64         `json:"h"` // hour, x, e
	Rows      [2]float64         `json:"r"`
	Exposures []exposureForm     `json:"e"`
	Streams   []streamForm       `json:"o"`
}

type levelForm struct {
	Ring   []float64 `json:"r"`
	Served []float64 `json:"o,omitempty"` // absent in older snapshots
	Newest int64     `json:"n"`
	Sum    float64   `json:"s"`
	N      float64   `json:"c"`
}

type exposureForm struct {
	Attribute attribute `json:"a"`
	Value     uint32    `json:"v"`
	Share     float64   `json:"s"`
	Recent    float64   `json:"r"`
	At        int64     `json:"t"`
	Born      int64     `json:"b"`
	Before    float64   `json:"w,omitempty"`
	Kin       kinship   `json:"k,omitempty"`
	StrangeTo int64     `json:"z,omitempty"`
	Last      int64     `json:"l,omitempty"` // 0 from releases that had none
	ClaimedIn int64     `json:"i,omitempty"`
	Claimed   float64   `json:"c,omitempty"`
}

type streamForm struct {
	Outcome  uint32                 `json:"o"`
	Spread   [attributes][4]float64 `json:"d"`
	Clusters [2]float64             `json:"k"`
	Apart    [attributes]apart      `json:"h"`
	Series   []seriesForm           `json:"s"`
}

type seriesForm struct {
	Attribute attribute `json:"t"`
	Value     uint32    `json:"v"`
	A         float64   `json:"a"`
	B         float64   `json:"b"`
	X         [][2]int  `json:"x,omitempty"` // slots that are not 0
	Newest    int64     `json:"n"`
	Learned   int64     `json:"l"`
	Frozen    uint64    `json:"f,omitempty"`
	FrozenTo  int64     `json:"u,omitempty"`
	Since     int64     `json:"q,omitempty"`
	Dirty     bool      `json:"d,omitempty"`
}

type binForm struct {
	Bin    int64     `json:"b"`
	Weight float64   `json:"w"`
	N      uint64    `json:"n"`
	Hits   []hitForm `json:"h"`
}

type hitForm struct {
	Place  place         `json:"p"`
	Client uint64        `json:"c"`
	At     int64         `json:"t"`
	Raw    float32       `json:"r"`
	Count  uint8         `json:"n"`
	Bucket report.Bucket `json:"b"`
	Pop    uint16        `json:"o"`
	Out    uint32        `json:"u"`
	OK     bool          `json:"k,omitempty"`
}

type sampledForm struct {
	Place  place         `json:"p"`
	Pop    uint16        `json:"o"`
	Bucket report.Bucket `json:"b,omitempty"` // absent in older snapshots
	N      float32       `json:"n"`
}

type loudestForm struct {
	ASN     uint32  `json:"n"`
	Raw     float64 `json:"r"`
	Clients float64 `json:"c"`
}

type silentForm struct {
	ASN    uint32        `json:"n"`
	Bucket report.Bucket `json:"b"`
	Until  int64         `json:"u"`
}

type incidentForm struct {
	ID        ID          `json:"id"`
	Flows     [][2]uint32 `json:"flows"`
	Scopes    []cuboid    `json:"scopes"`
	Share     float64     `json:"share"`
	Part      float64     `json:"part"`
	Margin    float64     `json:"margin"`
	More      float64     `json:"more,omitempty"`
	Kept      int         `json:"kept,omitempty"`
	Onset     int64       `json:"onset"`
	FirstBin  int64       `json:"first_bin"`
	Inside    ID          `json:"inside,omitempty"`
	From      int64       `json:"from,omitempty"` // 0 from releases that had none: FirstBin
	Found     int64       `json:"found"`
	LastBad   int64       `json:"last_bad"`
	Until     int64       `json:"until"`
	Calm      int64       `json:"calm"`
	Pace      int64       `json:"pace"`
	Reopened  int         `json:"reopened"`
	Excess    float64     `json:"excess"`
	Before    float64     `json:"before,omitempty"`
	Late      bool        `json:"late"`
	LateUntil int64       `json:"late_until"`
	Flood     []float64   `json:"flood,omitempty"` // network, bucket, reports, clients
	FloodSeen int64       `json:"flood_seen"`
	Pending   cuboid      `json:"pending"`
	Seen      int         `json:"pending_seen"`
	Told      Incident    `json:"told"`
	Tells     int         `json:"tells"`
	Later     int64       `json:"later"`
}

// Snapshot returns the state as versioned JSON, from which [Restore] goes on. Results of probes are
// not in it, nor who said a name that too few have said so far.
func (j *Judge) Snapshot() ([]byte, error) {
	f := snapshotForm{Version: snapshotVersion, Width: j.width, Now: j.now, Next: j.next, Heard: j.fade.quiet.last, LastID: j.lastID, Names: j.names.all, Memory: j.memory(),
		Failures: j.failures.seconds[:], Firsts: j.clients.firsts.seconds[:], Successes: j.successes.seconds[:], Browsers: j.browsers.seconds[:]}
	for _, s := range j.fade.quiet.spans {
		f.Quiet = append(f.Quiet, [2]int64{s.from, s.to})
	}
	for _, s := range slices.SortedFunc(maps.Keys(j.names.sources), compareSources) {
		f.Sources = append(f.Sources, [2]uint32{s.asn, uint32(s.bucket)})
	}
	for _, p := range j.order {
		f.Pops = append(f.Pops, p.form())
	}
	for i := range j.recent {
		if h := &j.recent[i]; len(h.all) > 0 {
			f.Hits = append(f.Hits, binForm{h.bin, h.weight, h.n, hitForms(h.all)})
		}
	}
	f.Late = hitForms(j.late.all)
	for _, r := range j.sample.rows {
		f.Sample = append(f.Sample, sampledForm{r.place, r.pop, r.bucket, r.n})
	}
	var err error
	if f.Random, err = j.sample.pcg.MarshalBinary(); err != nil {
		return nil, fmt.Errorf("snapshot: %w", err)
	}
	for _, asn := range slices.Sorted(maps.Keys(j.sources.usual)) {
		u := j.sources.usual[asn]
		f.Usual = append(f.Usual, loudestForm{asn, u.raw, u.clients})
	}
	f.Pace = [2]float64{j.paces.all.requests, j.paces.all.clients}
	for _, asn := range slices.Sorted(maps.Keys(j.paces.byNetwork)) {
		n := j.paces.byNetwork[asn]
		f.Paces = append(f.Paces, [3]float64{float64(asn), n.requests, n.clients})
	}
	if j.sources.learned {
		f.Unknown = &j.sources.unknown
	}
	for _, s := range slices.SortedFunc(maps.Keys(j.sources.silent), compareSources) {
		f.Silent = append(f.Silent, silentForm{s.asn, s.bucket, j.sources.silent[s]})
	}
	for _, i := range j.incidents {
		f.Incidents = append(f.Incidents, i.form())
	}
	for _, k := range slices.SortedFunc(maps.Keys(j.timings), comparePopulations) {
		f.Timings = append(f.Timings, j.timings[k].form(k))
	}
	b, err := json.Marshal(&f)
	if err != nil {
		return nil, fmt.Errorf("snapshot: %w", err)
	}
	return b, nil
}

func hitForms(all []hit) []hitForm {
	forms := make([]hitForm, len(all))
	for i, h := range all {
		forms[i] = hitForm{h.place, h.client, h.at, h.raw, h.count, h.bucket, h.pop, h.out, h.ok}
	}
	return forms
}

func (k populationKey) form() [3]uint32 { return [3]uint32{k.app, k.target, uint32(k.source)} }

func (t *timing) form(k populationKey) timingForm {
	f := timingForm{Key: k.form(), Calm: t.calm.Append(nil), N: t.n, Born: t.born, Hour: t.hour, Within: t.within, Worded: t.worded, Limit: t.limit, Usual: t.usual}
	for i, w := range t.weights {
		f.Weights[i] = [2]float64{w.n, w.sum}
	}
	return f
}

func (p *population) form() populationForm {
	f := populationForm{Key: p.key.form(), Parent: p.parent != nil, Born: p.born, Settled: p.settled,
		Level: levelForm{p.level.ring[:], p.level.served[:], p.level.newest, p.level.sum, p.level.n}, Factors: p.season.factor,
		Hour: [3]float64{float64(p.season.hour), p.season.x, p.season.e}, Rows: [2]float64{p.rows.squares, p.rows.sum}}
	for a := range p.exposures {
		for _, v := range slices.Sorted(maps.Keys(p.exposures[a])) {
			e := p.exposures[a][v]
			f.Exposures = append(f.Exposures, exposureForm{attribute(a), v, e.share, e.recent, e.at, e.born, e.before, e.kin, e.strangeTo, e.last, e.claimedIn, e.claimed})
		}
	}
	f.Streams = append(f.Streams, p.any.form())
	for _, o := range slices.Sorted(maps.Keys(p.outcomes)) {
		f.Streams = append(f.Streams, p.outcomes[o].form())
	}
	return f
}

func (st *stream) form() streamForm {
	f := streamForm{Outcome: st.outcome, Clusters: [2]float64{st.clusters.squares, st.clusters.sum}, Apart: st.apart}
	for a := range st.spread {
		s := &st.spread[a]
		f.Spread[a] = [4]float64{s.small.squares, s.small.sum, s.large.excess, s.large.weight}
	}
	for a := range st.series {
		for _, v := range slices.Sorted(maps.Keys(st.series[a])) {
			f.Series = append(f.Series, st.series[a][v].form())
		}
	}
	return f
}

func (s *series) form() seriesForm {
	f := seriesForm{Attribute: s.attribute, Value: s.value, A: s.a, B: s.b, Newest: s.newest, Learned: s.learned, Frozen: s.frozen, FrozenTo: s.frozenTo,
		Since: s.suspiciousFrom, Dirty: s.dirty}
	for k, x := range s.x {
		if x != 0 {
			f.X = append(f.X, [2]int{k, int(x)})
		}
	}
	return f
}

func (i *incident) form() incidentForm {
	f := incidentForm{ID: i.id, Scopes: i.scopes, Share: i.share, Part: i.part, Margin: min(i.margin, 1e9), More: i.more, Kept: i.kept, Onset: i.onset, FirstBin: i.firstBin, Inside: i.inside, From: i.from, Before: i.before, Found: i.found, LastBad: i.lastBad,
		Until: i.until, Calm: i.calm, Pace: i.pace, Reopened: i.reopened, Excess: i.excess, Late: i.late, LateUntil: i.lateUntil, FloodSeen: i.floodSeen,
		Pending: i.pending, Seen: i.pendingSeen, Told: i.told, Tells: i.tells, Later: i.later}
	for _, fl := range slices.SortedFunc(maps.Keys(i.flows), compareFlows) {
		f.Flows = append(f.Flows, [2]uint32{uint32(fl.pop), fl.outcome})
	}
	if i.flood != nil {
		f.Flood = []float64{float64(i.flood.source.asn), float64(i.flood.source.bucket), float64(i.flood.raw), i.flood.clients}
	}
	return f
}

// compareDirty orders series as they are judged.
func compareDirty(a, b dirtySeries) int {
	return cmp.Or(cmp.Compare(a.stream.pop.index, b.stream.pop.index), cmp.Compare(a.stream.outcome, b.stream.outcome),
		cmp.Compare(a.series.attribute, b.series.attribute), cmp.Compare(a.series.value, b.series.value))
}
