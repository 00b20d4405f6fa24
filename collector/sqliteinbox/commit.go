package sqliteinbox

import (
	"context"
	"time"

	"github.com/heliograph-net/heliograph/collector"
)

const (
	rowBytes   = 256      // what a batch needs in addition to its segment, rounded up
	checkBytes = 64 << 10 // the least room that must be left to accept a batch
)

// Commit implements collector.Inbox: the queue and the ledger have one transaction.
func (i *Inbox) Commit(ctx context.Context, entries []collector.Entry) ([]collector.Status, error) {
	statuses := make([]collector.Status, len(entries))
	var head int64
	var rest []numbered
	if err := i.usable(); err != nil {
		return nil, i.named("committing to inbox", err)
	}
	err := i.writeDirect(ctx, func() (err error) {
		if head, err = i.ledger.refresh(); err != nil {
			return err
		}
		if err := i.room(bytesOf(entries)); err != nil {
			return err
		}
		if head, err = i.add(entries, statuses, head); err != nil {
			return err
		}
		rest, err = i.ledger.index()
		return err
	}, func(err error) {
		if err != nil {
			i.ledger.undo()
			return
		}
		if head > i.ledger.head {
			i.announce()
		}
		i.ledger.committed(head, rest)
	})
	if err != nil {
		return nil, i.named("committing to inbox", err)
	}
	return statuses, nil
}

// add queues the new entries after head, sets all statuses, and returns the new head.
func (i *Inbox) add(entries []collector.Entry, statuses []collector.Status, head int64) (int64, error) {
	keys := i.keys[:0]
	for n := range entries {
		keys = append(keys, keyOf(entries[n].Envelope.Batch, entries[n].Body))
	}
	i.keys = keys
	known, err := i.ledger.known(keys)
	if err != nil {
		return 0, err
	}
	i.rows.start()
	for n := range entries {
		// recent: earlier in this group
		if known[n] || i.ledger.mayKnow(&keys[n]) && i.ledger.recent(&keys[n]) {
			statuses[n] = collector.StatusDuplicate
			continue
		}
		statuses[n] = collector.StatusNew
		head++
		if err := i.rows.add(head, &keys[n], &entries[n]); err != nil {
			return 0, err
		}
		i.ledger.add(keys[n], head)
	}
	return head, i.rows.flush()
}

// selectHead selects the highest seq ever used. The batches may already be deleted.
const selectHead = "SELECT max(acked, coalesce((SELECT max(seq) FROM pending), 0)) FROM state"

// room returns an error if more bytes would exceed MaxBytes or the room on the disk. It measures
// again only when a quarter of the free room may be used up, because the real size of a batch is
// known only roughly. After it has refused a group, it refuses everything until there is room for
// that group, so that Check predicts what happens to uploads.
func (i *Inbox) room(more int64) error {
	i.budget -= more
	if i.budget > 0 {
		return nil
	}
	i.budget = 0
	m, err := i.measure()
	if err != nil {
		return err
	}
	i.disk.keep()
	disk := i.disk.room(m)
	i.unwritten.Store(i.ledger.unwritten())
	free := min(i.o.MaxBytes-m.used(), disk) - i.unwritten.Load()
	if free < max(more, i.least()) {
		i.wanted.Store(max(i.wanted.Load(), min(more, i.o.MaxBytes/wantedPart)))
		return i.full(m, disk)
	}
	i.budget = (free - more) / 4
	i.wanted.Store(0)
	return nil
}

// least returns the room that must be left to accept a batch.
func (i *Inbox) least() int64 { return max(checkBytes, i.wanted.Load()) }

// wantedPart is the divisor of MaxBytes that limits the room that a refused group keeps free.
const wantedPart = 8

// measure returns the sizes of the file. The caller must hold mu.
func (i *Inbox) measure() (m measured, err error) {
	if m.pages, err = i.direct.pages.one(); err != nil {
		return m, err
	}
	m.unused, err = i.direct.unused.one()
	return m, err
}

func bytesOf(entries []collector.Entry) (n int64) {
	for i := range entries {
		n += rowBytes + int64(len(entries[i].Envelope.Segment))
	}
	return n
}

// Check implements collector.Inbox.
func (i *Inbox) Check(ctx context.Context) error {
	if err := i.usable(); err != nil {
		return i.named("checking inbox", err)
	}
	return i.named("checking inbox", i.writeDirect(ctx, func() error {
		i.budget = 0 // measure
		if err := i.room(0); err != nil {
			return err
		}
		i.direct.checked.set(0, time.Now().UnixMilli())
		return i.direct.checked.run(nil)
	}, nil))
}
