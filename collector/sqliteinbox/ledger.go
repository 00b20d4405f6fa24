package sqliteinbox

import (
	"bytes"
	"database/sql/driver"
	"maps"
	"slices"
	"strings"

	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/report"
)

// The ids of one minute are in random order. If a commit inserted its ids into their tree, it would
// write as many pages of the tree as it has ids. So at first an id is durable only in the batch's
// row in pending, and is also held in memory. It is inserted into the tree later, together with its
// neighbours there. State.indexed is the seq up to which the tree is complete. When the inbox is
// opened, the later ids are loaded.

const (
	// fresh ids that are indexed together: the more, the more of them share a page, and the more
	// memory they need
	indexRows = 32 << 10
	// ids that a commit indexes at least while some are due, so that these are done before the next
	// become due
	indexMin = 256
	idBytes  = 48 // bytes that an id needs in the tree, rounded up
	manyIDs  = 32 // ids that one statement looks up or inserts
)

// known is what is remembered about a batch.
type known struct {
	seq  int64
	body [32]byte
}

// ledger knows the ids of the inbox: those in the tree, and recent ones that are not there yet. It
// shares the transactions of the queue. Inbox.mu guards its fields.
type ledger struct {
	direct *statements
	rows   int // indexRows, except in tests

	// version of the file when head was read; it changes if another process writes
	version int64
	head    int64                    // newest seq that the ledger knows
	fresh   map[report.BatchID]known // the newest
	due     map[report.BatchID]known // earlier ones, which are being indexed
	// the ids in due that are still to be indexed, ascending; some may no longer be in due
	order []report.BatchID
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

// recent looks up an id among those that are not in the tree yet.
func (l *ledger) recent(id report.BatchID) (known, bool) {
	k, ok := l.fresh[id]
	if !ok {
		k, ok = l.due[id]
	}
	return k, ok
}

// selectRecent selects the ids for load.
const selectRecent = `SELECT seq, batch, body FROM acked WHERE seq > (SELECT indexed FROM state)
	UNION ALL SELECT seq, batch, body FROM pending WHERE seq > (SELECT indexed FROM state)`

// load reads all ids after state.indexed. It is called when the inbox is opened and after another
// process has written to it.
func (l *ledger) load(head int64) error {
	fresh := make(map[report.BatchID]known)
	if err := l.direct.recent.run(func(values []driver.Value) error {
		id := report.BatchID(values[1].([]byte))
		fresh[id] = known{values[0].(int64), [32]byte(values[2].([]byte))}
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
	l.due, l.fresh, l.upTo = l.fresh, make(map[report.BatchID]known, l.rows), l.head
	l.order = make([]report.BatchID, 0, len(l.due))
	for id := range l.due {
		l.order = append(l.order, id)
	}
	slices.SortFunc(l.order, func(a, b report.BatchID) int { return bytes.Compare(a[:], b[:]) })
}

// index inserts the next due ids into the tree, enough to keep pace with the added ones, and
// returns the remaining ones.
func (l *ledger) index(added int) (rest []report.BatchID, err error) {
	if len(l.due) == 0 {
		return nil, nil
	}
	n := min(max(2*added, indexMin), len(l.order))
	next := make([]report.BatchID, 0, manyIDs)
	for k, id := range l.order[:n] {
		if _, ok := l.due[id]; ok {
			next = append(next, id)
		}
		if len(next) == manyIDs || k == n-1 && len(next) > 0 {
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

// insertIDs inserts 1 to manyIDs ids into the tree. The statement always gets manyIDs of them; if
// there are fewer, the last is repeated.
func (l *ledger) insertIDs(ids []report.BatchID) error {
	for k := range manyIDs {
		id := &ids[min(k, len(ids)-1)]
		l.direct.insertIDs.set(2*k, id[:], l.due[*id].seq)
	}
	return l.direct.insertIDs.run(nil)
}

// committed records the ids that a transaction has stored and those that are still to be indexed.
func (l *ledger) committed(head int64, added map[report.BatchID]known, rest []report.BatchID) {
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
	for _, ids := range []map[report.BatchID]known{l.fresh, l.due} {
		for id, k := range ids {
			if k.seq <= last {
				delete(ids, id)
			}
		}
	}
}

var (
	findIDsText   = "SELECT batch, seq FROM ids WHERE batch IN (?" + strings.Repeat(", ?", manyIDs-1) + ")"
	insertIDsText = "INSERT INTO ids (batch, seq) VALUES (?, ?)" + strings.Repeat(", (?, ?)", manyIDs-1) + " ON CONFLICT DO NOTHING"
)

// indexed returns which of the entries' ids are in the tree, with their seq. Those in memory
// are left out.
func (l *ledger) indexed(entries []collector.Entry) (map[report.BatchID]int64, error) {
	ask := make([]driver.Value, 0, manyIDs)
	found := make(map[report.BatchID]int64)
	for n := range entries {
		id := &entries[n].Envelope.Batch
		if _, ok := l.recent(*id); !ok {
			ask = append(ask, id[:])
		}
		if len(ask) == manyIDs || n == len(entries)-1 && len(ask) > 0 {
			if err := l.lookup(ask, found); err != nil {
				return nil, err
			}
			ask = ask[:0]
		}
	}
	return found, nil
}

// lookup looks up 1 to manyIDs ids.
func (l *ledger) lookup(ask []driver.Value, found map[report.BatchID]int64) error {
	slices.SortFunc(ask, func(a, b driver.Value) int { return bytes.Compare(a.([]byte), b.([]byte)) })
	for len(ask) < manyIDs {
		ask = append(ask, ask[len(ask)-1])
	}
	l.direct.findIDs.set(0, ask...)
	return l.direct.findIDs.run(func(values []driver.Value) error {
		found[report.BatchID(values[0].([]byte))] = values[1].(int64)
		return nil
	})
}

// storedBody returns the SHA-256 of a batch in the tree.
func (l *ledger) storedBody(seq int64) (body [32]byte, err error) {
	l.direct.body.set(0, seq)
	err = l.direct.body.run(func(values []driver.Value) error {
		copy(body[:], values[0].([]byte))
		return nil
	})
	return body, err
}

// against compares an entry with the batch that was stored with its id.
func (k known) against(e *collector.Entry) collector.Status {
	if k.body == e.Body {
		return collector.StatusDuplicate
	}
	return collector.StatusConflict
}

// status compares an entry with the batch that was stored with its id, in this group or before.
// inTree has the seqs of the ids in the tree.
func (l *ledger) status(e *collector.Entry, added map[report.BatchID]known, inTree map[report.BatchID]int64) (collector.Status, error) {
	id := e.Envelope.Batch
	k, ok := added[id]
	if !ok {
		k, ok = l.recent(id)
	}
	if seq, found := inTree[id]; !ok && found {
		body, err := l.storedBody(seq)
		if err != nil {
			return 0, err
		}
		k, ok = known{seq, body}, true
	}
	if !ok {
		return collector.StatusNew, nil
	}
	return k.against(e), nil
}

// unwritten returns by about how many bytes the tree will grow.
func (l *ledger) unwritten() int64 { return int64(len(l.fresh)+len(l.order)) * idBytes }
