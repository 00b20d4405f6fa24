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
		c[byCountry], c[byASN] = nil, []uint32{asn}
	}
}
