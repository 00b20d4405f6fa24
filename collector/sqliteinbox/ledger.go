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

// The ids of one minute come in any order, so that a commit that put its ids into their tree would
// write as many of the tree's pages as it has ids. Therefore a batch's id is durable by its row in
// pending alone at first, and is also kept in memory; it goes into the tree later, together with
// those that are its neighbours there. State.indexed says up to which seq the tree is complete;
// opening the inbox loads what came after.

const (
	// fresh ids that become the next to index: more of them fall on one page, and take more memory
	indexRows = 32 << 10
	// ids that a commit indexes at least while some are due, so that they are through before
	// the next are
	indexMin = 256
	idBytes  = 48 // what an id takes in the tree, rounded up
	manyIDs  = 32 // ids that one statement looks up, or puts into the tree
)

// known is what is remembered of a batch.
type known struct {
	seq  int64
	body [32]byte
}

// ledger knows the ids of the inbox: those in the tree, and the recent ones that are not there yet.
// It shares the transactions of the queue. Its fields are owned by Inbox.mu.
type ledger struct {
	direct *statements
	rows   int // indexRows, but for tests

	// of the file when head was read from it: another one is there once another process has written
	version int64
	head    int64                    // newest seq, as of what is here
	fresh   map[report.BatchID]known // the newest
	due     map[report.BatchID]known // those before; being indexed
	// what is left to index of due, ascending; some may be pruned from due
	order []report.BatchID
	upTo  int64 // the newest seq of due
}

// refresh returns the newest seq, and sees to it that the recent ids are those of the file.
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

// recent looks up an id that is not in the tree yet.
func (l *ledger) recent(id report.BatchID) (known, bool) {
	k, ok := l.fresh[id]
	if !ok {
		k, ok = l.due[id]
	}
	return k, ok
}

// selectRecent is what load loads.
const selectRecent = `SELECT seq, batch, body FROM acked WHERE seq > (SELECT indexed FROM state)
	UNION ALL SELECT seq, batch, body FROM pending WHERE seq > (SELECT indexed FROM state)`

// load reads all ids after state.indexed: when the inbox is opened, and when another process has
// written to it.
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

// freeze makes the fresh ids due when there are enough of them and none are due.
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

// index puts the next due ids into the tree, as many as keep pace with what is added, and returns
// what is left of them after that.
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

// insertIDs puts 1 to manyIDs ids into the tree. A statement is always given manyIDs of them: where
// there are fewer, the last once more.
func (l *ledger) insertIDs(ids []report.BatchID) error {
	for k := range manyIDs {
		id := &ids[min(k, len(ids)-1)]
		l.direct.insertIDs.set(2*k, id[:], l.due[*id].seq)
	}
	return l.direct.insertIDs.run(nil)
}

// committed takes over what a transaction has stored, and what it has left to index.
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

// lookup asks for 1 to manyIDs ids.
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

// storedBody is the SHA-256 of a batch in the tree.
func (l *ledger) storedBody(seq int64) (body [32]byte, err error) {
	l.direct.body.set(0, seq)
	err = l.direct.body.run(func(values []driver.Value) error {
		copy(body[:], values[0].([]byte))
		return nil
	})
	return body, err
}

// against compares an entry with what was stored under its id.
func (k known) against(e *collector.Entry) collector.Status {
	if k.body == e.Body {
		return collector.StatusDuplicate
	}
	return collector.StatusConflict
}

// status compares an entry with what was stored under its id: before, in this group or earlier.
// inTree are the seqs of those in the tree.
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

// unwritten is about how many bytes the tree will grow by.
func (l *ledger) unwritten() int64 { return int64(len(l.fresh)+len(l.order)) * idBytes }
