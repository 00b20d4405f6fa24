package judgement

import (
	"math"
	"math/bits"
)

// How much one client and one source add to a count. Who goes on failing adds less and less: of a
// client the first failure counts, the second, the fourth, the eighth, and so on; of a source
// sourceFree failures of its clients, and sourceMore for each doubling after that. So a long visit
// over a bad connection is hardly more than a short one, which keeps the tail of the counts thin,
// and a source with very many clients behind it is still heard. Both hold for one population, one
// outcome and voiceBins bins, which begin at another time for each client and source.
const (
	sourceFree = 8
	sourceMore = 4
	sourceKept = 256 // failures of one source of which all rows are kept
	// Of its further failures, one in keptOne is kept at first, and later at most keptPart for each
	// doubling, to know that it goes on.
	keptOne   = 8
	keptPart  = 32
	voiceBins = 48 // as long as the longest window
)

// voice is what was heard of one client or source.
type voice struct {
	said    uint16 // failures
	counted uint16 // of these, those that counted
}

// voices count who said what, in two generations.
type voices struct {
	generation int64
	now, last  table[voice]
}

func (v *voices) turn(bin int64) {
	if g := bin / voiceBins; g != v.generation {
		v.last, v.now, v.generation = v.now, v.last, g
		v.now.clear()
	}
}

// get returns a voice, and where it is to be set. If very many are heard, that is nowhere: then
// each counts as if it were new.
func (v *voices) get(key uint64) (x voice, at *voice) {
	if at = v.now.find(key); at != nil {
		return *at, at
	}
	if old := v.last.find(key); old != nil {
		x = *old
	}
	if v.now.len() >= maxVoices {
		return x, nil
	}
	return x, v.now.add(key)
}

// voiceKey names a client or source in its present stretch of voiceBins.
func voiceKey(what, who uint64, bin int64) uint64 {
	return mix(what, who, uint64(bin+int64(mix(who)%voiceBins))/voiceBins)
}

// ofClient is how many of n failures of a client count.
func ofClient(n uint16) int { return bits.Len16(n) }

// ofSource is how many failures of a source count when its clients have n that do.
func ofSource(n uint16) int {
	free, count := sourceFree, sourceFree
	if int(n) <= free {
		return int(n)
	}
	for ; int(n) >= 2*free; free *= 2 {
		count += sourceMore
	}
	return count + sourceMore*(int(n)-free)/free
}

// hear says how many failures of a row count, and for how many its source counted before. It
// reports whether the row is kept at all.
func (j *Judge) hear(p *population, kind uint32, bin int64, r *Row) (count, before int, kept bool) {
	what := mix(j.o.Seed, uint64(p.index), uint64(kind))
	byClient := voiceKey(what, mix(1, r.Client), bin)
	bySource := voiceKey(what, mix(2, uint64(r.ASN), uint64(r.Bucket)), bin)
	client, at := j.voices.get(byClient)
	said := saturate(client.said, r.Raw)
	if at != nil {
		*at = voice{said: said}
	}
	source, at := j.voices.get(bySource)
	counts := ofClient(said) - ofClient(client.said)
	before = ofSource(source.counted)
	count = ofSource(saturate(source.counted, uint64(counts))) - before
	kept = count > 0 || keeps(source.said, saturate(source.said, r.Raw))
	if at != nil {
		*at = voice{saturate(source.said, r.Raw), saturate(source.counted, uint64(counts))}
	}
	return count, before, kept
}

// keeps reports whether a row is kept that raises what a source said from one number to another.
func keeps(from, to uint16) bool {
	step := max(keptOne, from/keptPart)
	return from < sourceKept || from/step != to/step
}

// saturate adds without overflow.
func saturate(a uint16, b uint64) uint16 { return uint16(min(uint64(a)+b, math.MaxUint16)) }
