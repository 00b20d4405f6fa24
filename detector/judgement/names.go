package judgement

import (
	"slices"

	"github.com/heliograph-net/heliograph/report"
)

// kind is what a name is a name of.
type kind uint8

// The kinds of names. Each has ids of its own.
const (
	kindServer kind = iota
	kindCountry
	kindVersion
	kindOS
	kindProtocol
	kindCollector
	kindOutcome
	kindApp
	kindTarget
	kinds
)

// Bounds on names. A stranger can invent any number of them, so a name is remembered only once
// enough different sources have said it, and until then each network has few places to wait in.
const (
	maxNames    = 60_000 // of one kind
	maxNameLen  = 256    // longer ones are cut
	admitAfter  = 3      // sources
	waitingMost = 64     // names of one network that wait
	waitingAll  = 16_384 // names that wait
)

// source is from where a report came, as the collector saw it: the network, and within it the
// bucket of the address prefix. One machine is one source, however many clients it claims to be.
type source struct {
	asn    uint32
	bucket report.Bucket
}

// names gives ids to texts. Ids of a kind count from 1; 0 is no name.
type names struct {
	ids     [kinds]map[string]uint32
	all     [kinds][]string // by id − 1
	waiting map[name]*sighting
	queues  map[uint32][]name // the waiting names by the network that said them first, oldest first
	sources map[source]struct{}
	dropped uint64
}

type name struct {
	kind kind
	text string
}

// sighting is who said a name that is not admitted yet.
type sighting struct {
	by [admitAfter]source
	n  int
}

func newNames() *names {
	n := &names{waiting: map[name]*sighting{}, queues: map[uint32][]name{}, sources: map[source]struct{}{}}
	for k := range n.ids {
		n.ids[k] = map[string]uint32{}
	}
	return n
}

// admit returns the id of a text that a source says, and 0 while too few have said it.
func (n *names) admit(k kind, text string, by source) uint32 {
	if text == "" {
		return 0
	}
	if len(text) > maxNameLen {
		text = text[:maxNameLen]
	}
	if id, known := n.ids[k][text]; known {
		return id
	}
	if len(n.sources) < admitAfter {
		n.sources[by] = struct{}{}
	}
	if len(n.all[k]) >= maxNames {
		n.dropped++
		return 0
	}
	if !n.seen(name{k, text}, by) {
		return 0
	}
	return n.add(k, text)
}

// add gives a text the next id of its kind.
func (n *names) add(k kind, text string) uint32 {
	n.all[k] = append(n.all[k], text)
	id := uint32(len(n.all[k]))
	n.ids[k][text] = id
	return id
}

// seen notes who says a name, and reports whether these are enough. Where there are fewer sources
// altogether, all of them are.
func (n *names) seen(what name, by source) bool {
	s := n.waiting[what]
	if s == nil {
		s = &sighting{}
		n.wait(what, s, by.asn)
	}
	if !slices.Contains(s.by[:s.n], by) {
		s.by[s.n] = by
		s.n++
	}
	if s.n < len(n.sources) && s.n < admitAfter {
		return false
	}
	delete(n.waiting, what)
	return true
}

// wait puts a name among those that wait. A network that has too many loses its oldest; when all
// have too many, the network with the name does.
func (n *names) wait(what name, s *sighting, asn uint32) {
	q := n.queues[asn]
	if len(q) >= waitingMost || len(n.waiting) >= waitingAll && len(q) > 0 {
		delete(n.waiting, q[0])
		q = q[1:]
		n.dropped++
	}
	if len(n.waiting) >= waitingAll {
		n.dropped++
		return
	}
	n.waiting[what] = s
	n.queues[asn] = append(q, what)
}

// forgetWaiting drops the names that wait, so that queues do not keep what is long admitted.
func (n *names) forgetWaiting() {
	clear(n.waiting)
	clear(n.queues)
}

// text is the name with an id; "" for 0.
func (n *names) text(k kind, id uint32) string {
	if id == 0 || int(id) > len(n.all[k]) {
		return ""
	}
	return n.all[k][id-1]
}

// texts are the names with ids, sorted; nil for none.
func (n *names) texts(k kind, ids []uint32) []string {
	var all []string
	for _, id := range ids {
		all = append(all, n.text(k, id))
	}
	slices.Sort(all)
	return all
}
