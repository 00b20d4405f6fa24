package judgement

import "github.com/heliograph-net/heliograph/report"

const (
	maxHits   = 2048
	maxVoices = 200_000
)

// hit is a row of failures, as it is kept while its bin is in the ring.
type hit struct {
	place  place
	client uint64
	at     int64
	raw    float32
	count  uint8 // of the failures, those that count
	bucket report.Bucket
	pop    uint16
	out    uint32
	ok     bool // the request succeeded, at a stranger

	// whether an incident explains it, as of an epoch of the judge; see Judge.explained
	epoch   uint32
	because bool
}

func (h *hit) source() source { return source{h.place[byASN], h.bucket} }

// hits are the failures of one bin. When there are too many, every second one is dropped and the
// rest count double.
type hits struct {
	bin    int64
	weight float64
	n      uint64 // offered
	all    []hit
}

func (h *hits) add(x hit) {
	h.n++
	if h.weight > 1 && h.n%uint64(h.weight) != 0 {
		return
	}
	if len(h.all) >= maxHits {
		half := h.all[:0]
		for i := 0; i < len(h.all); i += 2 {
			half = append(half, h.all[i])
		}
		h.all = half
		h.weight *= 2
	}
	h.all = append(h.all, x)
}

// recent are the hits of the bins in the ring.
type recent [ringBins]hits

func (r *recent) of(bin int64) *hits {
	h := &r[slot(bin)]
	if h.bin != bin || h.weight == 0 {
		h.bin, h.weight, h.n, h.all = bin, 1, 0, h.all[:0]
	}
	return h
}

// each calls f for the hits of n bins up to bin, with what each stands for.
func (r *recent) each(bin int64, n int, f func(h *hit, weight float64)) {
	for b := bin - int64(n) + 1; b <= bin; b++ {
		h := &r[slot(b)]
		if h.bin != b {
			continue
		}
		for i := range h.all {
			f(&h.all[i], h.weight)
		}
	}
}

// mix hashes numbers to one.
func mix(seed uint64, parts ...uint64) uint64 {
	h := seed ^ 0x9e3779b97f4a7c15
	for _, p := range parts {
		h ^= p
		h *= 0xbf58476d1ce4e5b9
		h ^= h >> 32
		h *= 0x94d049bb133111eb
		h ^= h >> 29
	}
	return h
}
