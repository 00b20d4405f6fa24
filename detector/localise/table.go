package localise

// Unknown is the id of an attribute's value that is not known, such as the server of a request
// whose name did not resolve. It counts towards the totals and is never named.
const Unknown uint32 = 0

// MaxLeaves is the most leaves of a [Table]. What is added beyond it counts as one leaf of unknown
// values, so that the totals stay right.
const MaxLeaves = 1 << 17

// MaxAttributes is the most attributes of a [Table].
const MaxAttributes = 16

// Leaf counts the requests with one combination of attribute values.
type Leaf struct {
	Failed   float64 // failed requests, as reported
	Requests float64 // requests that could have failed, on the scale of Failed

	// The same of a time before, from which the expected failures are learned; of any length, and
	// zero for a combination that did not occur.

	UsualFailed   float64
	UsualRequests float64

	// Buckets is the number of distinct buckets or clients with failures. It is needed only for
	// [Options.MinBuckets]. It is summed over the leaves of an explanation, which may count a
	// bucket several times.
	Buckets float64
}

// Table holds the leaves to be explained. It is for one goroutine. It is empty and has no
// attributes unless [NewTable] made it.
type Table struct {
	names   []string
	index   []map[uint32]uint32 // by attribute: from an id to its place in ids
	ids     [][]uint32          // by attribute; the first is Unknown
	values  []uint32            // places, len(names) for each leaf
	leaves  []Leaf
	skipped int
}

// NewTable returns a table with the named attributes. Their order decides between explanations that
// cover the same requests: the attribute that comes first is named. Attributes beyond
// [MaxAttributes] are left out.
//
// An attribute must be known of successes as well as of failures. One that only failures have, such
// as the kind of error, explains every fault and says nothing.
func NewTable(attributes ...string) *Table {
	t := &Table{names: attributes[:min(len(attributes), MaxAttributes)]}
	t.index = make([]map[uint32]uint32, len(t.names))
	t.ids = make([][]uint32, len(t.names))
	for a := range t.names {
		t.index[a] = make(map[uint32]uint32)
	}
	t.Reset()
	return t
}

// Reset removes all leaves and keeps the memory.
func (t *Table) Reset() {
	for a := range t.index {
		clear(t.index[a])
		t.index[a][Unknown] = 0
		t.ids[a] = append(t.ids[a][:0], Unknown)
	}
	t.values, t.leaves, t.skipped = t.values[:0], t.leaves[:0], 0
}

// Attributes returns the names of the attributes. The caller must not change them.
func (t *Table) Attributes() []string { return t.names }

// Len returns the number of leaves.
func (t *Table) Len() int { return len(t.leaves) }

// Merged returns how many calls of [Table.Add] came after the table was full.
func (t *Table) Merged() int { return t.skipped }

// Add adds a leaf. The values are ids that the caller has given to the attributes' values, one for
// each attribute, in their order; missing ones are [Unknown]. Leaves with the same values may be
// added several times.
func (t *Table) Add(values []uint32, l Leaf) {
	if len(t.leaves) == MaxLeaves {
		t.skipped++
		t.leaves[MaxLeaves-1].add(l)
		return
	}
	if len(t.leaves) == MaxLeaves-1 { // the last leaf takes what does not fit
		values = nil
	}
	for a := range t.names {
		var id uint32
		if a < len(values) {
			id = values[a]
		}
		t.values = append(t.values, t.place(a, id))
	}
	t.leaves = append(t.leaves, l)
}

func (t *Table) place(a int, id uint32) uint32 {
	p, known := t.index[a][id]
	if !known {
		p = uint32(len(t.ids[a]))
		t.index[a][id] = p
		t.ids[a] = append(t.ids[a], id)
	}
	return p
}

// row returns the places of a leaf's values.
func (t *Table) row(leaf int) []uint32 {
	return t.values[leaf*len(t.names):][:len(t.names)]
}

func (l *Leaf) add(o Leaf) {
	l.Failed += o.Failed
	l.Requests += o.Requests
	l.UsualFailed += o.UsualFailed
	l.UsualRequests += o.UsualRequests
	l.Buckets += o.Buckets
}
