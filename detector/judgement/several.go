package judgement

// several are scopes of those values of an attribute that are hit by what is known of each, where
// others are not: alone, and with what all of their failures have in common. A scan does not find
// them while the other ones that are hit make it seem that all are.
func (l *localiser) several(a attribute) (scopes []cuboid) {
	var c cuboid
	m := l.mixture(&c, a)
	if m.evidence < innocent {
		return nil
	}
	var failed []uint32
	for _, v := range m.members {
		if v.x >= joinLeast {
			failed = append(failed, v.value)
		}
	}
	if c[a], _ = l.join(&c, a, l.clear(&c, a, failed)); len(c[a]) < joinCore {
		return nil
	}
	scopes = append(scopes, c)
	for b, v := range l.shared(&c) {
		var part, both cuboid
		part[b], both = []uint32{v}, c
		if both[b] = part[b]; v != 0 && l.t.product(l.flows, &part) < aloneShare {
			scopes = append(scopes, both)
		}
	}
	return scopes
}

// shared are the values of the other attributes that all failures within a scope have; 0 where
// there is none.
func (l *localiser) shared(c *cuboid) (values [attributes]uint32) {
	first := true
	for i := range l.leaves {
		f := &l.leaves[i]
		if f.x == 0 || !c.holds(f.place) {
			continue
		}
		for a := byASN; a < attributes; a++ {
			if v := f.place[a]; first && len(c[a]) == 0 {
				values[a] = v
			} else if v != values[a] {
				values[a] = 0
			}
		}
		first = false
	}
	return values
}

// price is what a scope takes more because there are many like it, in nats: for the values of each
// attribute, what each takes by itself or, if that is less, the logarithm of how many ways there
// are to pick so many.
func (l *localiser) price(c *cuboid) (price float64) {
	for a := byASN; a < attributes; a++ {
		if len(c[a]) > 0 {
			var part cuboid
			part[a] = c[a]
			each := l.t.price(l.flows, &part)
			if len(c[a]) > 1 {
				each = min(each, l.ways(a, len(c[a])))
			}
			price += each
		}
	}
	return price
}
