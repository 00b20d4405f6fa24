package sqliteinbox

import (
	"crypto/sha256"
	"database/sql/driver"
	"fmt"
	"slices"
	"strings"

	"github.com/heliograph-net/heliograph/report"
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
	// ids that a commit indexes at least, if any: neighbours in the tree, and so on few pages
	indexMin = 256
	idBytes  = 64 // bytes that a key needs in the tree, rounded up
	manyIDs  = 32 // keys that one statement looks up or inserts
)

// key is a batch's id and the beginning of its body's SHA-256: another body under the same id has
// another key.
type key [16 + 12]byte

func keyOf(id report.BatchID, body [sha256.Size]byte) (k key) {
	copy(k[copy(k[:], id[:]):], body[:])
	return k
}

// sqlKey is keyOf of a row with one batch in its columns. What SQLite concatenates is text unless
// it is told otherwise.
const sqlKey = "CAST(batch || substr(body, 1, 12) AS BLOB)"

// ledger knows the keys of the inbox: those in the tree, and recent ones that are not there yet. It
// shares the transactions of the queue. Inbox.mu guards its fields.
type ledger struct {
	direct *statements
	rows   int // indexRows, except in tests

	// version of the file when head was read; it changes if another process writes
	version int64
	head    int64   // newest seq that the ledger knows
	fresh   *keyset // the newest keys
	stored  int     // keys of fresh from earlier commits; the others are of the present one
	due     *keyset // earlier keys, which are being indexed; nil: there are none
	// those of due that are still to be indexed, ascending; some may be forgotten
	order  []numbered
	pruned int64   // keys up to this seq are forgotten
	upTo   int64   // the newest seq of due
	filter *filter // has every known key; nil: it is not made yet
	next   *filter // is being made, see refilter; may be nil
	// ids to index before these are done in time; below 0 if more were indexed than that
	debt int
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
func (l *ledger) recent(k *key) bool {
	return l.fresh.has(k, l.pruned) || l.due != nil && l.due.has(k, l.pruned)
}

// selectRecent selects the keys for load.
const selectRecent = "SELECT seq, batch, body FROM acked WHERE seq > (SELECT indexed FROM state) UNION ALL " +
	"SELECT seq, batch, body FROM pending WHERE seq > (SELECT indexed FROM state)"

// load reads all ids after state.indexed. It is called when the inbox is opened and after another
// process has written to it.
func (l *ledger) load(head int64) error {
	fresh := newKeyset(l.rows)
	if err := l.direct.recent.run(func(values []driver.Value) error {
		keys := splitKeys(values[1].([]byte), values[2].([]byte))
		for n, k := range keys {
			fresh.add(k, values[0].(int64)-int64(len(keys)-1-n))
		}
		return nil
	}); err != nil {
		return err
	}
	l.head, l.fresh, l.stored, l.due, l.order, l.upTo = head, fresh, len(fresh.all), nil, nil, 0
	l.filter, l.next = nil, nil
	return nil
}

// freeze makes the fresh ids due if there are enough of them and no ids are due.
func (l *ledger) freeze() {
	if l.stored < l.rows || l.due != nil {
		return
	}
	l.due, l.fresh, l.stored, l.upTo, l.debt = l.fresh, newKeyset(l.rows), 0, l.head, 0
	l.order = slices.Clone(l.due.all)
	slices.SortFunc(l.order, byKey)
}

// add makes a key known. The seq is that of its batch, which the present commit stores.
func (l *ledger) add(k key, seq int64) {
	l.fresh.add(k, seq)
	for _, f := range []*filter{l.filter, l.next} {
		if f != nil {
			f.add(&k)
		}
	}
}

// undo forgets what a failed commit has added.
func (l *ledger) undo() {
	l.fresh.cut(l.stored)
	l.debt = 0
}

// index inserts the next due keys into the tree, two for each that was added so that it is done
// before the next become due, and returns the remaining ones.
func (l *ledger) index() (rest []numbered, err error) {
	if l.due == nil {
		return nil, nil
	}
	if l.debt += 2 * (len(l.fresh.all) - l.stored); l.debt <= 0 {
		return l.order, nil
	}
	n := min(max(l.debt, indexMin), len(l.order))
	l.debt -= n
	next := make([]numbered, 0, manyIDs)
	for at, k := range l.order[:n] {
		if k.seq > l.pruned {
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
func (l *ledger) insertIDs(keys []numbered) error {
	for n := range manyIDs {
		k := &keys[min(n, len(keys)-1)]
		l.direct.insertIDs.set(2*n, k.key[:], k.seq)
	}
	return l.direct.insertIDs.run(nil)
}

// committed says that the present commit is durable, and records the keys that are still to
// be indexed.
func (l *ledger) committed(head int64, rest []numbered) {
	l.head, l.stored = head, len(l.fresh.all)
	if l.order = rest; len(rest) == 0 {
		l.due = nil
	}
	l.freeze()
}

// forget drops ids that were pruned.
func (l *ledger) forget(last int64) { l.pruned = max(l.pruned, last) }

var (
	findIDsText   = findText(manyIDs)
	insertIDsText = "INSERT INTO ids (key, seq) VALUES (?, ?)" + strings.Repeat(", (?, ?)", manyIDs-1) + " ON CONFLICT DO NOTHING"
)

// findText returns a statement that selects which of so many keys are in the tree. It looks up one
// after the other, where IN would first sort them into a tree of their own.
func findText(keys int) string {
	var b strings.Builder
	b.WriteString("SELECT column1 FROM (VALUES ")
	for n := range keys {
		if n > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "(%d, ?)", n)
	}
	b.WriteString(") CROSS JOIN ids ON ids.key = column2")
	return b.String()
}

// known says for each of keys whether the ledger had it before the present commit. It looks up in
// the tree those that may be there.
func (l *ledger) known(keys []key) ([]bool, error) {
	known, ask := make([]bool, len(keys)), make([]int, 0, manyIDs)
	for n := range keys {
		if l.mayKnow(&keys[n]) {
			if known[n] = l.recent(&keys[n]); !known[n] {
				ask = append(ask, n)
			}
		}
		if len(ask) == manyIDs || n == len(keys)-1 && len(ask) > 0 {
			if err := l.lookup(keys, ask, known); err != nil {
				return nil, err
			}
			ask = ask[:0]
		}
	}
	return known, nil
}

// lookup looks up 1 to manyIDs of keys in the tree. The statement always gets manyIDs of them; the
// others are NULL, which is nowhere.
func (l *ledger) lookup(keys []key, ask []int, known []bool) error {
	for n, at := range ask {
		l.direct.findIDs.set(n, keys[at][:])
	}
	return l.direct.findIDs.run(func(values []driver.Value) error {
		known[ask[values[0].(int64)]] = true
		return nil
	})
}

// unwritten returns by about how many bytes the tree will grow.
func (l *ledger) unwritten() int64 { return int64(l.fresh.after(l.pruned)+len(l.order)) * idBytes }
