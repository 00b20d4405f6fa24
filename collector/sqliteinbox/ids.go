package sqliteinbox

import (
	"bytes"
	"database/sql"
	"slices"
	"strings"

	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/report"
)

// The ids of one minute come in any order, so that a commit that put its ids into their tree would write as many of the tree's pages as
// it has ids. Therefore a batch's id is durable by its row in pending alone at first, and is also kept in memory; it goes into the tree
// later, together with those that are its neighbours there. State.indexed says up to which seq the tree is complete; opening the inbox
// loads what came after.

const (
	indexRows = 32 << 10 // fresh ids that become the next to index: more of them fall on one page, and take more memory
	indexMin  = 256      // ids that a commit indexes at least while some are due, so that they are through before the next are
	lookupIDs = 32       // ids that are looked up by one statement
)

// known is what is remembered of a batch.
type known struct {
	seq  int64
	body [32]byte
}

// recentIDs are the ids after state.indexed. Its fields are owned by Inbox.mu.
type recentIDs struct {
	head  int64                    // newest seq, as of what is here; anything else in the file was written by someone else
	fresh map[report.BatchID]known // the newest
	due   map[report.BatchID]known // those before; being indexed
	order []report.BatchID         // what is left to index of due, ascending; some may be pruned from due
	upTo  int64                    // the newest seq of due
}

// find looks an id up.
func (r *recentIDs) find(id report.BatchID) (known, bool) {
	k, ok := r.fresh[id]
	if !ok {
		k, ok = r.due[id]
	}
	return k, ok
}

// load reads all ids after state.indexed: when the inbox is opened, and when another process has written to it.
func (r *recentIDs) load(tx *sql.Tx, head int64) error {
	*r = recentIDs{head: head, fresh: make(map[report.BatchID]known)}
	rows, err := tx.Query(`SELECT seq, batch, body FROM acked WHERE seq > (SELECT indexed FROM state)
		UNION ALL SELECT seq, batch, body FROM pending WHERE seq > (SELECT indexed FROM state)`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var k known
		var id, body sql.RawBytes
		if err := rows.Scan(&k.seq, &id, &body); err != nil {
			return err
		}
		copy(k.body[:], body)
		r.fresh[report.BatchID(id)] = k
	}
	return rows.Err()
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

// index puts the next due ids into the tree, as many as keep pace with what is added, and returns what is left of them after that.
func (i *Inbox) index(tx *sql.Tx, added int) (rest []report.BatchID, err error) {
	r := &i.recent
	if len(r.due) == 0 {
		return nil, nil
	}
	insert := tx.Stmt(i.insertID)
	n := min(max(2*added, indexMin), len(r.order))
	for _, id := range r.order[:n] {
		if k, ok := r.due[id]; ok {
			if _, err := insert.Exec(id[:], k.seq); err != nil {
				return nil, err
			}
		}
	}
	if n == len(r.order) {
		_, err = tx.Exec("UPDATE state SET indexed = ?", r.upTo)
	}
	return r.order[n:], err
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

var lookupSQL = "SELECT batch, seq FROM ids WHERE batch IN (?" + strings.Repeat(", ?", lookupIDs-1) + ")"

// indexed returns which of the entries' ids are in the tree, with their seq. Those in memory are left out.
func (i *Inbox) indexed(tx *sql.Tx, entries []collector.Entry) (map[report.BatchID]int64, error) {
	ask := make([]any, 0, lookupIDs)
	found := make(map[report.BatchID]int64)
	for n := range entries {
		id := &entries[n].Envelope.Batch
		if _, ok := i.recent.find(*id); !ok {
			ask = append(ask, id[:])
		}
		if len(ask) == lookupIDs || n == len(entries)-1 && len(ask) > 0 {
			if err := i.lookup(tx, ask, found); err != nil {
				return nil, err
			}
			ask = ask[:0]
		}
	}
	return found, nil
}

// lookup asks for 1 to lookupIDs ids.
func (i *Inbox) lookup(tx *sql.Tx, ask []any, found map[report.BatchID]int64) error {
	slices.SortFunc(ask, func(a, b any) int { return bytes.Compare(a.([]byte), b.([]byte)) })
	for len(ask) < lookupIDs {
		ask = append(ask, ask[len(ask)-1])
	}
	rows, err := tx.Stmt(i.findIDs).Query(ask...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id sql.RawBytes
		var seq int64
		if err := rows.Scan(&id, &seq); err != nil {
			return err
		}
		found[report.BatchID(id)] = seq
	}
	return rows.Err()
}

// storedBody is the SHA-256 of a batch in the tree.
func storedBody(tx *sql.Tx, seq int64) (body [32]byte, err error) {
	var b []byte
	err = tx.QueryRow("SELECT body FROM pending WHERE seq = ? UNION ALL SELECT body FROM acked WHERE seq = ?", seq, seq).Scan(&b)
	copy(body[:], b)
	return body, err
}

// against compares an entry with what was stored under its id.
func (k known) against(e *collector.Entry) collector.Status {
	if k.body == e.Body {
		return collector.StatusDuplicate
	}
	return collector.StatusConflict
}
