package judgement

import "slices"

// unhear takes back what a source said in the bins of the ring: it was found to make things up, and
// is not to count beside what honest sources say. Nor is it to say how requests divide: successes
// of one system, invented, would make that system seem innocent of an outage.
func (j *Judge) unhear(who source) {
	j.sample.forget(who)
	for k := range j.recent {
		h := &j.recent[k]
		h.all = slices.DeleteFunc(h.all, func(x hit) bool {
			if x.source() != who {
				return false
			}
			j.take(h.bin, &x, uint16(float64(x.count)*h.weight))
			return true
		})
	}
}

// take takes n failures of a hit from the series of its bin.
func (j *Judge) take(bin int64, x *hit, n uint16) {
	for p := j.order[x.pop]; p != nil; p = p.parent {
		for _, st := range []*stream{p.any, p.outcomes[x.out]} {
			if st == nil || x.ok && st == p.any {
				continue
			}
			for a := range attributes {
				if s := st.series[a][x.place[a]]; s != nil && bin <= s.newest && s.newest-bin < ringBins {
					s.x[slot(bin)] -= min(n, s.x[slot(bin)])
				}
			}
		}
	}
}
