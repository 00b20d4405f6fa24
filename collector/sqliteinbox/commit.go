package sqliteinbox

import (
	"context"
	"fmt"
	"time"

	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/report"
)

const (
	rowBytes   = 256      // what a batch takes beside its segment, rounded up
	idBytes    = 48       // what an id takes in the tree, rounded up
	checkBytes = 64 << 10 // the room that Check asks for
)

// Commit implements collector.Inbox.
func (i *Inbox) Commit(ctx context.Context, entries []collector.Entry) ([]collector.Result, error) {
	results := make([]collector.Result, len(entries))
	added := make(map[report.BatchID]known, len(entries))
	var head int64
	var rest []report.BatchID
	err := i.writeDirect(ctx, func() (err error) {
		if head, err = i.current(); err != nil {
			return err
		}
		if err := i.room(bytesOf(entries)); err != nil {
			return err
		}
		if head, err = i.add(entries, results, added, head); err != nil {
			return err
		}
		rest, err = i.index(len(added))
		return err
	}, func() {
		if len(added) > 0 {
			i.announce()
		}
		// takes added over: another Commit may write to it from here on
		i.committed(head, added, rest)
	})
	if err != nil {
		return nil, named("committing to inbox", err)
	}
	return results, nil
}

// add stores those entries whose ids are new behind head, says in results what became of each, and
// returns the new head.
func (i *Inbox) add(entries []collector.Entry, results []collector.Result, added map[report.BatchID]known, head int64) (int64, error) {
	indexed, err := i.indexed(entries)
	if err != nil {
		return 0, err
	}
	rows := inserter{direct: &i.direct}
	for n := range entries {
		e := &entries[n]
		if results[n].Status, err = i.stored(e, added, indexed); err != nil {
			return 0, err
		} else if results[n].Status != 0 {
			continue
		}
		head++
		if err := rows.add(head, e); err != nil {
			return 0, err
		}
		results[n] = collector.Result{Status: collector.StatusNew, Seq: uint64(head)}
		added[e.Envelope.Batch] = known{head, e.Body}
	}
	return head, rows.flush()
}

// current returns the newest seq, and sees to it that the recent ids are those of the file.
func (i *Inbox) current() (head int64, err error) {
	version, err := i.direct.version.one()
	if err != nil || version == i.recent.version {
		return i.recent.head, err
	}
	if head, err = i.direct.head.one(); err != nil {
		return 0, err
	}
	if head != i.recent.head {
		err = i.recent.load(i.direct.recent, head)
	}
	i.recent.version = version
	return head, err
}

// selectHead is the newest seq ever given: what was acknowledged may be gone.
const selectHead = "SELECT max(acked, coalesce((SELECT max(seq) FROM pending), 0)) FROM state"

// stored compares an entry with what was stored under its id: before, in this group or earlier. 0
// for a new id.
func (i *Inbox) stored(e *collector.Entry, added map[report.BatchID]known, indexed map[report.BatchID]int64) (collector.Status, error) {
	id := e.Envelope.Batch
	k, ok := added[id]
	if !ok {
		k, ok = i.recent.find(id)
	}
	if seq, inTree := indexed[id]; !ok && inTree {
		body, err := i.storedBody(seq)
		if err != nil {
			return 0, err
		}
		k, ok = known{seq, body}, true
	}
	if !ok {
		return 0, nil
	}
	return k.against(e), nil
}

// room refuses what would make the file exceed MaxBytes. It measures only when a quarter of what
// was free the last time may be used up: what a batch really takes is known only roughly.
func (i *Inbox) room(more int64) error {
	i.budget -= more
	if i.budget > 0 {
		return nil
	}
	used, err := i.direct.used.one()
	if err != nil {
		return err
	}
	used += int64(len(i.recent.fresh)+len(i.recent.order)) * idBytes
	if used+more > i.o.MaxBytes {
		return fmt.Errorf("%w: %d of %d bytes are in use; it empties as detectors acknowledge what they read",
			collector.ErrFull, used, i.o.MaxBytes)
	}
	i.budget = (i.o.MaxBytes - used - more) / 4
	return nil
}

// selectUsed is the bytes in use. Free pages are left out: they are used again.
const selectUsed = "SELECT (page_count - freelist_count) * page_size FROM pragma_page_count, pragma_freelist_count, pragma_page_size"

func bytesOf(entries []collector.Entry) (n int64) {
	for i := range entries {
		n += rowBytes + int64(len(entries[i].Envelope.Segment))
	}
	return n
}

// Check implements collector.Inbox.
func (i *Inbox) Check(ctx context.Context) error {
	return named("checking inbox", i.writeDirect(ctx, func() error {
		if err := i.room(checkBytes); err != nil {
			return err
		}
		i.direct.checked.set(0, time.Now().UnixMilli())
		return i.direct.checked.run(nil)
	}, nil))
}
