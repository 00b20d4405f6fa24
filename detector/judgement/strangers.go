package judgement

import (
	"net/netip"
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// Servers that nobody asked before a fault do not say where the fault is: clients are sent to them
// by it, as when resolvers answer with somebody else's address.
const (
	strangeFor   = time.Hour        // after it was asked first, a server is a stranger
	strangeAfter = 20 * time.Minute // since a population began; before, all servers are new
	// the part of the requests to strangers that one explanation must cover to be told: whoever is
	// asked from everywhere has been put there by the operator
	strangeShare = 0.8
)

// strange reports whether a server is a stranger to a population.
func (t *turn) strange(pop uint16, server uint32) bool {
	return t.j.order[pop].strange(server, t.bin)
}

func (p *population) strange(server uint32, bin int64) bool {
	j := p.judge
	if server == 0 {
		return false
	}
	e := p.exposures[byServer][server]
	if e == nil {
		return bin-p.born > j.bins(strangeAfter)
	}
	return e.born-p.born > j.bins(strangeAfter) && bin < max(e.born+j.bins(strangeFor), e.strangeTo)
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

// redirect counts requests that succeed at a stranger. Clients whose resolvers answer with
// somebody else's address notice nothing if it answers well; only the server tells. They count as
// failures of the outcome that Network Error Logging has for a changed address, and not among all
// failures.
func (j *Judge) redirect(p *population, bin int64, at *place, r *Row) {
	if !p.strange(at[byServer], bin) || p.ours(at[byServer], r.Server) {
		return
	}
	out := j.outcome(&Row{Outcome: report.DNSAddressChanged})
	count, before, kept := j.hear(p, out+1, bin, r)
	if !kept {
		return
	}
	j.recent.of(bin).add(hit{place: *at, client: r.Client, at: r.At, raw: float32(r.Raw), count: uint8(count), bucket: r.Bucket, pop: p.index, out: out, ok: true})
	for ; p != nil; p = p.parent {
		if st := p.stream(out, bin); st != nil && count > 0 {
			j.count(st, bin, at, count, before)
		}
	}
}

// ours reports whether a server is the operator's although it is new: it was adopted, probers watch
// it, or it is a neighbour of a server that is no stranger.
func (p *population) ours(server uint32, address string) bool {
	e := p.exposures[byServer][server]
	if e == nil || e.kin != unasked {
		return e == nil || e.kin == kin
	}
	e.kin = stranger
	prefix := prefixOf(address)
	for v, o := range p.exposures[byServer] {
		if o.born-p.born <= p.judge.bins(strangeAfter) && prefix.IsValid() && prefix == prefixOf(p.judge.names.text(kindServer, v)) {
			e.kin = kin
		}
	}
	for key := range p.judge.probes {
		if key.server == address {
			e.kin = kin
		}
	}
	return e.kin == kin
}

// watch takes a server for the operator's that probers watch.
func (j *Judge) watch(server string) {
	for _, p := range j.order {
		if e := p.exposures[byServer][j.names.ids[kindServer][server]]; e != nil {
			e.kin = kin
		}
	}
}

// kinship says whose a server is.
type kinship uint8

const (
	unasked kinship = iota
	stranger
	kin // the operator's
)

// prefixOf is the /24 or /48 of an address with a port, as networks are announced; not valid for
// what is no address.
func prefixOf(address string) netip.Prefix {
	a, err := netip.ParseAddrPort(address)
	if err != nil {
		return netip.Prefix{}
	}
	bits := 48
	if a.Addr().Unmap().Is4() {
		bits = 24
	}
	p, err := a.Addr().Unmap().Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}

// redirected reports whether flows are of requests that succeed at strangers only.
func (t *turn) redirected(flows map[flow]bool) bool {
	id, known := t.j.names.ids[kindOutcome][string(report.DNSAddressChanged)]
	for f := range flows {
		if f.outcome != id {
			return false
		}
	}
	return known && len(flows) > 0
}

// adopt takes the strangers that a cause is about for the operator's own, unless only clients of
// some networks or countries are sent to them. It reports whether it did.
func (t *turn) adopt(c *cause) bool {
	if !t.redirected(c.flows) {
		return false
	}
	at, _ := c.scopes[0].only()
	if (at == byASN || at == byCountry) && c.share >= strangeShare {
		return false
	}
	j := t.j
	adopted := map[uint32]bool{}
	t.j.recent.each(t.bin, c.window, func(h *hit, _ float64) {
		e := j.order[h.pop].exposures[byServer][h.place[byServer]]
		if h.ok && c.flows[flow{h.pop, h.out}] && e != nil {
			e.kin = kin
			adopted[h.place[byServer]] = true
		}
	})
	for k := range j.recent {
		j.recent[k].all = slices.DeleteFunc(j.recent[k].all, func(h hit) bool {
			if !h.ok || !adopted[h.place[byServer]] {
				return false
			}
			j.take(j.recent[k].bin, &h, uint16(float64(h.count)*j.recent[k].weight))
			return true
		})
	}
	return len(adopted) > 0
}

// estrange lets the servers that an incident is about stay strangers while it is open.
func (t *turn) estrange(i *incident) {
	if !t.redirected(i.flows) {
		return
	}
	t.j.recent.each(t.bin, followBins, func(h *hit, _ float64) {
		if e := t.j.order[h.pop].exposures[byServer][h.place[byServer]]; h.ok && i.holds(h) && e != nil {
			e.strangeTo = t.bin + t.j.bins(strangeFor)
		}
	})
}
