package collector

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/heliograph-net/heliograph/privacy/receipt"
)

// upload is one batch on its way into the inbox. Its fields are the submitter's before submit and
// after answered, else the committer's.
type upload struct {
	entry    Entry
	body     *body // of entry; nil: sealed here, and no receipt is wanted
	queued   time.Time
	answered chan answered // buffered
	timeout  *time.Timer   // the submitter's own
	// set by who comes first: the committer with an answer, or a submitter who waits no longer
	over atomic.Bool
}

func newUpload() any {
	u := &upload{answered: make(chan answered, 1), timeout: time.NewTimer(time.Hour)}
	u.timeout.Stop()
	return u
}

// answered is what became of an upload. The receipt is nil when none was wanted or it could not
// be signed.
type answered struct {
	statement receipt.Statement
	receipt   []byte
}

func (u *upload) weight() int { return len(u.entry.Envelope.Segment) }

// free gives back what an upload holds. Nobody may use it afterwards.
func (c *Collector) free(u *upload) {
	if u.body != nil {
		u.body.free()
	}
	u.entry, u.body = Entry{}, nil
	u.over.Store(false)
	c.idle.Put(u)
}

// round is what the committer uses again.
type round struct {
	entries            []Entry
	statements, wanted []receipt.Statement
}

// commit is the work of the committer: one durable transaction and one signature for all.
func (c *Collector) commit(all []*upload) {
	start := time.Now()
	c.delay.round(start, all[0].queued, len(c.committer.in))
	defer c.delay.done()
	work := &c.round
	work.entries, work.statements, work.wanted = work.entries[:0], work.statements[:0], work.wanted[:0]
	for _, u := range all {
		c.metrics.wait.Observe(start.Sub(u.queued).Seconds())
		work.entries = append(work.entries, u.entry)
	}
	ctx, cancel := context.WithTimeout(context.Background(), c.o.CommitTimeout)
	defer cancel()
	statuses, err := c.o.Inbox.Commit(ctx, work.entries)
	clear(work.entries) // they point to bodies
	c.metrics.commitSize.Observe(float64(len(all)))
	c.metrics.commitTime.Observe(time.Since(start).Seconds())
	c.noteInbox(err)
	for i, u := range all {
		s := receipt.Statement{Batch: u.entry.Envelope.Batch, Body: u.entry.Body}
		if err != nil {
			s = c.unavailable(s)
		} else {
			s = decide(s, statuses[i])
		}
		work.statements = append(work.statements, s)
		if u.body != nil {
			work.wanted = append(work.wanted, s)
		}
	}
	c.handOut(all, work.statements, c.receipts(work.wanted))
}

// handOut answers all uploads of a round; receipts are those of uploads that want one.
func (c *Collector) handOut(all []*upload, statements []receipt.Statement, receipts [][]byte) {
	for i, u := range all {
		a := answered{statement: statements[i]}
		if u.body != nil {
			a.receipt, receipts = receipts[0], receipts[1:]
		}
		if u.over.CompareAndSwap(false, true) {
			u.answered <- a
		} else {
			c.free(u)
		}
	}
}

func decide(s receipt.Statement, status Status) receipt.Statement {
	switch status {
	case StatusNew:
		s.Decision = receipt.Stored
	case StatusDuplicate:
		s.Decision, s.Reason = receipt.Stored, receipt.ReasonDuplicate
	default:
		s.Decision, s.Reason = receipt.Refused, receipt.ReasonIDConflict
	}
	return s
}

// noteInbox logs when the inbox begins to refuse and when it works again, not every group between.
func (c *Collector) noteInbox(err error) {
	var now *error
	if err != nil {
		now = &err
	}
	before := c.failing.Swap(now)
	switch {
	case err != nil && before == nil:
		c.o.Logger.Error("inbox takes nothing; uploads are told to come later", "error", err)
	case err == nil && before != nil:
		c.o.Logger.Info("inbox takes uploads again")
	}
}

// store hands an entry to the committer and waits for the answer, no longer than the inbox is
// given. It owns body, which may be nil.
func (c *Collector) store(e Entry, body *body) answered {
	u := c.idle.Get().(*upload)
	u.entry, u.body, u.queued = e, body, time.Now()
	s := receipt.Statement{Batch: e.Envelope.Batch, Body: e.Body}
	if !c.committer.submit(u) {
		c.free(u)
		return answered{statement: slowDown(s, receipt.ReasonOverload, c.shed(shedCount, 1).delay)}
	}
	u.timeout.Reset(c.o.CommitTimeout)
	select {
	case a := <-u.answered:
		u.timeout.Stop()
		c.free(u)
		return a
	case <-u.timeout.C:
	}
	if u.over.CompareAndSwap(false, true) { // the committer frees it
		return answered{statement: c.unavailable(s)}
	}
	a := <-u.answered
	c.free(u)
	return a
}
