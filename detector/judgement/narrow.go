package judgement

// narrow names the network instead of its country, where nearly all requests of the country come
// from that one network: the country then says nothing more.
func (l *localiser) narrow(c *cuboid) {
	asn, alone := l.alone(c)
	if !alone || len(c[byCountry]) == 0 {
		return
	}
	network, all := 0.0, 0.0
	for i := range l.leaves {
		if f := &l.leaves[i]; c.holds(f.place) {
			all += f.n
			if f.place[byASN] == asn {
				network += f.n
			}
		}
	}
	if all > 0 && network >= aloneShare*all {
		only := *c
		only[byCountry], only[byASN] = nil, []uint32{asn}
		*c = l.parent(only)
	}
}

const (
	parentNetworks = 2 // besides those that are named, that must be hit to name their country
	parentSources  = 3
)

// parent names the country instead of some of its networks if the others in it are clearly hit as
// well, and about as much. All evidence taken together does not show it: networks that are known
// well outweigh many small ones.
func (l *localiser) parent(c cuboid) cuboid {
	if len(c[byASN]) == 0 || len(c[byCountry]) > 0 {
		return c
	}
	v := l.shared(&c)[byCountry]
	if v == 0 {
		return c
	}
	wider := c
	wider[byASN], wider[byCountry] = nil, []uint32{v}
	var in, rest total
	var inside, outside float64
	networks, sources := map[uint32]bool{}, map[source]bool{}
	for i := range l.leaves {
		f := &l.leaves[i]
		if !wider.holds(f.place) {
			continue
		}
		if c.holds(f.place) {
			in.x, in.e, inside = in.x+f.x, in.e+f.e, inside+f.n
			continue
		}
		rest.x, rest.e, outside = rest.x+f.x, rest.e+f.e, outside+f.n
		if f.x > 0 {
			networks[f.place[byASN]], sources[f.source] = true, true
		}
	}
	clear := poisson(rest.x, rest.e)/cluster >= clearlyHit
	if clear && len(networks) >= parentNetworks && len(sources) >= parentSources && rest.x*inside >= lessHit*in.x*outside {
		return wider
	}
	return c
}
