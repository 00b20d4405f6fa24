package judgement

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/heliograph-net/heliograph/model"
)

// What makes the loudest source of an incident seem to be a machine that invents clients or
// reports: a part of the failures, and so many clients or reports behind one address prefix.
const (
	loudShare   = 0.5
	loudClients = 8
	loudReports = 50
)

// silenceFor is how many bins a flood is not listened to after it was seen last.
const silenceFor = 3 * spreadBins

// floods makes incidents of sources that say far more than any other, whatever they say: a machine
// that invents successes hides a fault, and one that invents failures makes one up. What they say
// does not count until they are quiet.
func (t *turn) floods() {
	j := t.j
	young := true
	for _, p := range j.order {
		young = young && p.young(t.bin)
	}
	if !young {
		for _, f := range j.sources.floods() {
			if _, known := j.sources.silent[f.source]; !known {
				j.unhear(f.source)
			}
			j.sources.silent[f.source] = t.bin + silenceFor
			t.flood(f)
		}
	}
	if t.bin%spreadBins == 0 {
		j.sources.turn(young)
		maps.DeleteFunc(j.sources.silent, func(_ source, until int64) bool { return until < t.bin })
	}
}

// flood gives a flood to an incident.
func (t *turn) flood(f flood) {
	j := t.j
	for _, i := range j.incidents {
		if i.of(f.source.asn) {
			if !i.open() {
				t.reopen(i, t.bin)
			}
			i.floodSeen = t.bin
			if i.flood == nil || f.raw > i.flood.raw {
				i.flood = &f
			}
			return
		}
	}
	if len(j.incidents) >= maxIncidents {
		j.dropped++
		return
	}
	j.lastID++
	i := &incident{id: j.lastID, flows: map[flow]bool{}, scopes: []cuboid{{}}, share: 1, found: t.bin, lastBad: t.bin, flood: &f, floodSeen: t.bin,
		firstBin: t.bin, from: t.bin, onset: t.bin * j.width}
	if f.source.asn != 0 {
		i.scopes[0][byASN] = []uint32{f.source.asn}
	}
	j.incidents = append(j.incidents, i)
}

// of reports whether an incident is about a network that makes something up.
func (i *incident) of(asn uint32) bool {
	if i.flood != nil {
		return i.flood.source.asn == asn
	}
	return i.open() && i.told.Verdict == model.Forged && slices.Equal(i.told.Scope[0].ASN, []uint32{asn})
}

// told reports whether another incident says already what a forged one would.
func (t *turn) toldBeside(i *incident, now *Incident) bool {
	if now.Verdict != model.Forged || len(now.Scope[0].ASN) != 1 {
		return false
	}
	for _, o := range t.j.incidents {
		if o != i && o.flood != nil && o.open() && o.of(now.Scope[0].ASN[0]) {
			return true
		}
	}
	return false
}

// decideFlood says what a flood is that made no failures seem abnormal.
func (t *turn) decideFlood(i *incident, d *Incident) {
	d.Verdict, d.Page = model.Forged, false
	d.Requests = math.Max(d.Requests, float64(i.flood.raw))
	d.Clients, d.Buckets, d.Networks = int(math.Round(i.flood.clients)), 1, 1
	who := "an unknown network"
	if asn := i.flood.source.asn; asn != 0 {
		who = fmt.Sprintf("AS%d", asn)
		if name := t.j.o.NetworkName(asn); name != "" {
			who += " (" + name + ")"
		}
	}
	d.Evidence = []Evidence{{model.SignalBreadth, fmt.Sprintf(
		"one address prefix of %s sent %d reports of some %.0f clients in a minute, far more than any other and than it usually does", who, i.flood.raw, i.flood.clients)}}
}

// loud reports whether one source tells so much of an incident that it seems to invent it.
func (m *numbers) loud() bool {
	return m.topFailed >= loudShare*m.failed && (m.topClients >= loudClients || m.topFailed >= loudReports)
}
