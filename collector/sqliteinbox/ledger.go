package sqliteinbox

import (
	"bytes"
	"database/sql/driver"
	"maps"
	"slices"
	"strings"

	"github.com/heliograph-net/heliograph/collector"
)

// A batch is known by its key. The keys of one minute are in random order. If a commit inserted its
// keys into their tree, it would write as many pages of the tree as it has keys. So at first a key
// is durable only in the batch's row in pending, and is also held in memory. It is inserted into
// the tree later, together with its neighbours there. State.indexed is the seq up to which the tree
// is complete. When the inbox is opened, the later keys are loaded.

const (
	// fresh ids that are indexed together: the more, the more of them share a page, and the more
	// memory they need
	indexRows = 32 << 10
	// ids that a commit indexes at least while some are due, so that these are done before the next
	// become due
	indexMin = 256
	idBytes  = 64 // bytes that a key needs in the tree, rounded up
	manyIDs  = 32 // keys that one statement looks up or inserts
)

// key is a batch's id and the beginning of its body's SHA-256: another body under the same id has
// another key.
type key [16 + 12]byte

func keyOf(e *collector.Entry) (k key) {
	copy(k[copy(k[:], e.Envelope.Batch[:]):], e.Body[:])
	return k
}

// sqlKey is keyOf of a row. What SQLite concatenates is text unless it is told otherwise.
const sqlKey = "CAST(batch || substr(body, 1, 12) AS BLOB)"

// ledger knows the keys of the inbox: those in the tree, and recent ones that are not there yet. It
// shares the transactions of the queue. Inbox.mu guards its fields.
type ledger struct {
	direct *statements
	rows   int // indexRows, except in tests

	// version of the file when head was read; it changes if another process writes
	version int64
	head    int64         // newest seq that the ledger knows
	fresh   map[key]int64 // seqs of the newest
	due     map[key]int64 // seqs of earlier ones, which are being indexed
	// the keys in due that are still to be indexed, ascending; some may no longer be in due
	order []key
	upTo  int64 // the newest seq of due
}

// refresh returns the newest seq. It loads the recent ids again if another process has written
// to the file.
func (l *ledger) refresh() (head int64, err error) {
	version, err := l.direct.version.one()
	if err != nil || version == l.version {
		return l.head, err
	}
	if head, err = l.direct.head.one(); err != nil {
		return 0, err
	}
	if head != l.head {
		if err := l.load(head); err != nil {
			return 0, err
		}
	}
	l.version = version
	return head, nil
}

// recent reports whether a key is among those that are not in the tree yet.
func (l *ledger) recent(k key) bool {
	_, ok := l.fresh[k]
	if !ok {
		_, ok = l.due[k]
	}
	return ok
}

// selectRecent selects the keys for load.
const selectRecent = "SELECT seq, " + sqlKey + " FROM acked WHERE seq > (SELECT indexed FROM state) UNION ALL SELECT seq, " +
	sqlKey + " FROM pending WHERE seq > (SELECT indexed FROM state)"

// load reads all ids after state.indexed. It is called when the inbox is opened and after another
// process has written to it.
func (l *ledger) load(head int64) error {
	fresh := make(map[key]int64)
	if err := l.direct.recent.run(func(values []driver.Value) error {
		fresh[key(values[1].([]byte))] = values[0].(int64)
		return nil
	}); err != nil {
		return err
	}
	l.head, l.fresh, l.due, l.order, l.upTo = head, fresh, nil, nil, 0
	return nil
}

// freeze makes the fresh ids due if there are enough of them and no ids are due.
func (l *ledger) freeze() {
	if len(l.fresh) < l.rows || len(l.due) > 0 {
		return
	}
	l.due, l.fresh, l.upTo = l.fresh, make(map[key]int64, l.rows), l.head
	l.order = make([]key, 0, len(l.due))
	for k := range l.due {
		l.order = append(l.order, k)
	}
	slices.SortFunc(l.order, func(a, b key) int { return bytes.Compare(a[:], b[:]) })
}

// index inserts the next due keys into the tree, enough to keep pace with the added ones, and
// returns the remaining ones.
func (l *ledger) index(added int) (rest []key, err error) {
	if len(l.due) == 0 {
		return nil, nil
	}
	n := min(max(2*added, indexMin), len(l.order))
	next := make([]key, 0, manyIDs)
	for at, k := range l.order[:n] {
		if _, ok := l.due[k]; ok {
			next = append(next, k)
		}
		if len(next) == manyIDs || at == n-1 && len(next) > 0 {
			if err := l.insertIDs(next); err != nil {
				return nil, err
			}
			next = next[:0]
		}
	}
	if n == len(l.order) {
		l.direct.indexed.set(0, l.upTo)
		err = l.direct.indexed.run(nil)
	}
	return l.order[n:], err
}

// insertIDs inserts 1 to manyIDs keys into the tree. The statement always gets manyIDs of them; if
// there are fewer, the last is repeated.
func (l *ledger) insertIDs(keys []key) error {
	for n := range manyIDs {
		k := &keys[min(n, len(keys)-1)]
		l.direct.insertIDs.set(2*n, k[:], l.due[*k])
	}
	return l.direct.insertIDs.run(nil)
}

// committed records the keys that a transaction has stored and those that are still to be indexed.
func (l *ledger) committed(head int64, added map[key]int64, rest []key) {
	l.head = head
	if l.order = rest; len(rest) == 0 {
		l.due = nil
	}
	if len(l.fresh) == 0 {
		l.fresh = added
	} else {
		maps.Copy(l.fresh, added)
	}
	l.freeze()
}

// forget drops ids that were pruned.
func (l *ledger) forget(last int64) {
	for _, keys := range []map[key]int64{l.fresh, l.due} {
		for k, seq := range keys {
			if seq <= last {
				delete(keys, k)
			}
		}
	}
}

var (
	findIDsText   = "SELECT key FROM ids WHERE key IN (?" + strings.Repeat(", ?", manyIDs-1) + ")"
	insertIDsText = "INSERT INTO ids (key, seq) VALUES (?, ?)" + strings.Repeat(", (?, ?)", manyIDs-1) + " ON CONFLICT DO NOTHING"
)

// indexed returns which of keys are in the tree, except those in memory.
func (l *ledger) indexed(keys []key) (map[key]bool, error) {
	ask := make([]driver.Value, 0, manyIDs)
	found := make(map[key]bool)
	for n := range keys {
		if !l.recent(keys[n]) {
			ask = append(ask, keys[n][:])
		}
		if len(ask) == manyIDs || n == len(keys)-1 && len(ask) > 0 {
			if err := l.lookup(ask, found); err != nil {
				return nil, err
			}
			ask = ask[:0]
		}
	}
	return found, nil
}

// lookup looks up 1 to manyIDs keys.
func (l *ledger) lookup(ask []driver.Value, found map[key]bool) error {
	slices.SortFunc(ask, func(a, b driver.Value) int { return bytes.Compare(a.([]byte), b.([]byte)) })
	for len(ask) < manyIDs {
		ask = append(ask, ask[len(ask)-1])
	}
	l.direct.findIDs.set(0, ask...)
	return l.direct.findIDs.run(func(values []driver.Value) error {
		found[key(values[0].([]byte))] = true
		return nil
	})
}

// unwritten returns by about how many bytes the tree will grow.
func (l *ledger) unwritten() int64 { return int64(len(l.fresh)+len(l.order)) * idBytes }
