package sqliteinbox

import (
	"bytes"
	"database/sql/driver"
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
	manyIDs  = 32 // ids that one statement looks up, or puts into the tree
)

// known is what is remembered of a batch.
type known struct {
	seq  int64
	body [32]byte
}

// recentIDs are the ids after state.indexed. Its fields are owned by Inbox.mu.
type recentIDs struct {
	// of the file when head was read from it: another one is there once another process has written
	version int64
	head    int64                    // newest seq, as of what is here
	fresh   map[report.BatchID]known // the newest
	due     map[report.BatchID]known // those before; being indexed
	// what is left to index of due, ascending; some may be pruned from due
	order []report.BatchID
	upTo  int64 // the newest seq of due
}

// find looks an id up.
func (r *recentIDs) find(id report.BatchID) (known, bool) {
	k, ok := r.fresh[id]
	if !ok {
		k, ok = r.due[id]
	}
	return k, ok
}

// selectRecent is what load loads.
const selectRecent = `SELECT seq, batch, body FROM acked WHERE seq > (SELECT indexed FROM state)
	UNION ALL SELECT seq, batch, body FROM pending WHERE seq > (SELECT indexed FROM state)`

// load reads all ids after state.indexed: when the inbox is opened, and when another process has
// written to it.
func (r *recentIDs) load(recent *statement, head int64) error {
	*r = recentIDs{head: head, fresh: make(map[report.BatchID]known)}
	return recent.run(func(values []driver.Value) error {
		id := report.BatchID(values[1].([]byte))
		r.fresh[id] = known{values[0].(int64), [32]byte(values[2].([]byte))}
		return nil
	})
}

// freeze makes the fresh ids due when there are enough, and none are due.
func (r *recentIDs) freeze(enough int) {
	if len(r.fresh) < enough || len(r.due) > 0 {
		return
	}
	r.due, r.fresh, r.upTo = r.fresh, make(map[report.BatchID]known, enough), r.head
	r.order = make([]report.BatchID, 0, len(r.due))
	for id := range r.due {
		r.order = append(r.order, id)
	}
	slices.SortFunc(r.order, func(a, b report.BatchID) int { return bytes.Compare(a[:], b[:]) })
}

// index puts the next due ids into the tree, as many as keep pace with what is added, and returns
// what is left of them after that.
func (i *Inbox) index(added int) (rest []report.BatchID, err error) {
	r := &i.recent
	if len(r.due) == 0 {
		return nil, nil
	}
	n := min(max(2*added, indexMin), len(r.order))
	next := make([]report.BatchID, 0, manyIDs)
	for k, id := range r.order[:n] {
		if _, ok := r.due[id]; ok {
			next = append(next, id)
		}
		if len(next) == manyIDs || k == n-1 && len(next) > 0 {
			if err := i.insertIDs(next); err != nil {
				return nil, err
			}
			next = next[:0]
		}
	}
	if n == len(r.order) {
		i.direct.indexed.set(0, r.upTo)
		err = i.direct.indexed.run(nil)
	}
	return r.order[n:], err
}

// insertIDs puts 1 to manyIDs ids into the tree. A statement is always given manyIDs of them: where
// there are fewer, the last once more.
func (i *Inbox) insertIDs(ids []report.BatchID) error {
	for k := range manyIDs {
		id := &ids[min(k, len(ids)-1)]
		i.direct.insertIDs.set(2*k, id[:], i.recent.due[*id].seq)
	}
	return i.direct.insertIDs.run(nil)
}

// committed takes over what a transaction has stored, and what it has left to index.
func (i *Inbox) committed(head int64, added map[report.BatchID]known, rest []report.BatchID) {
	r := &i.recent
	r.head = head
	if r.order = rest; len(rest) == 0 {
		r.due = nil
	}
	if len(r.fresh) == 0 {
		r.fresh = added
	} else {
		for id, k := range added {
			r.fresh[id] = k
		}
	}
	r.freeze(i.indexRows)
}

// forget drops ids that were pruned.
func (r *recentIDs) forget(last int64) {
	for _, ids := range []map[report.BatchID]known{r.fresh, r.due} {
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
func (i *Inbox) indexed(entries []collector.Entry) (map[report.BatchID]int64, error) {
	ask := make([]driver.Value, 0, manyIDs)
	found := make(map[report.BatchID]int64)
	for n := range entries {
		id := &entries[n].Envelope.Batch
		if _, ok := i.recent.find(*id); !ok {
			ask = append(ask, id[:])
		}
		if len(ask) == manyIDs || n == len(entries)-1 && len(ask) > 0 {
			if err := i.lookup(ask, found); err != nil {
				return nil, err
			}
			ask = ask[:0]
		}
	}
	return found, nil
}

// lookup asks for 1 to manyIDs ids.
func (i *Inbox) lookup(ask []driver.Value, found map[report.BatchID]int64) error {
	slices.SortFunc(ask, func(a, b driver.Value) int { return bytes.Compare(a.([]byte), b.([]byte)) })
	for len(ask) < manyIDs {
		ask = append(ask, ask[len(ask)-1])
	}
	i.direct.findIDs.set(0, ask...)
	return i.direct.findIDs.run(func(values []driver.Value) error {
		found[report.BatchID(values[0].([]byte))] = values[1].(int64)
		return nil
	})
}

// storedBody is the SHA-256 of a batch in the tree.
func (i *Inbox) storedBody(seq int64) (body [32]byte, err error) {
	i.direct.body.set(0, seq)
	err = i.direct.body.run(func(values []driver.Value) error {
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
