package judgement

import "time"

// Servers that nobody asked before a fault do not say where the fault is: clients are sent to them
// by it, as when resolvers answer with somebody else's address.
const (
	strangeFor   = time.Hour        // after it was asked first, a server is a stranger
	strangeAfter = 20 * time.Minute // since a population began; before, all servers are new
)

// strange reports whether a server is a stranger to a population.
func (t *turn) strange(pop uint16, server uint32) bool {
	p := t.j.order[pop]
	if server == 0 {
		return false
	}
	e := p.exposures[byServer][server]
	if e == nil {
		return t.bin-p.born > t.j.bins(strangeAfter)
	}
	return e.born-p.born > t.j.bins(strangeAfter) && t.bin-e.born < t.j.bins(strangeFor)
}

// known returns a place as far as it can say where a fault is.
func (l *localiser) known(pop uint16, p *place) *place {
	if !l.t.strange(pop, p[byServer]) {
		return p
	}
	known := *p
	known[byServer] = 0
	return &known
}
