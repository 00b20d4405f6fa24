package collector

import (
	"context"
	"time"

	"github.com/heliograph-net/heliograph/privacy"
)

// upload is one batch on its way into the inbox.
type upload struct {
	entry    Entry
	receipt  bool // whether a receipt is wanted
	queued   time.Time
	answered chan answered // buffered
}

// answered is what became of an upload. The receipt is nil when none was wanted or it could not be signed.
type answered struct {
	statement privacy.Statement
	receipt   []byte
}

func (u *upload) weight() int { return len(u.entry.Envelope.Segment) }

// commit is the work of the committer: one durable transaction and one signature for all.
func (c *Collector) commit(round []*upload) {
	start := time.Now()
	entries := make([]Entry, len(round))
	for i, u := range round {
		c.metrics.wait.Observe(start.Sub(u.queued).Seconds())
		entries[i] = u.entry
	}
	ctx, cancel := context.WithTimeout(context.Background(), c.o.CommitTimeout)
	defer cancel()
	results, err := c.o.Inbox.Commit(ctx, entries)
	c.metrics.commitSize.Observe(float64(len(round)))
	c.metrics.commitTime.Observe(time.Since(start).Seconds())
	c.noteInbox(err)

	statements := make([]privacy.Statement, len(round))
	var wanted []privacy.Statement
	for i, u := range round {
		s := privacy.Statement{Batch: u.entry.Envelope.Batch, Body: u.entry.Body}
		if err != nil {
			statements[i] = c.slowDown(s, privacy.ReasonUnavailable)
		} else {
			statements[i] = verdict(s, results[i].Status)
		}
		if u.receipt {
			wanted = append(wanted, statements[i])
		}
	}
	receipts := c.receipts(wanted)
	for i, u := range round {
		a := answered{statement: statements[i]}
		if u.receipt {
			a.receipt, receipts = receipts[0], receipts[1:]
		}
		u.answered <- a
	}
}

func verdict(s privacy.Statement, status Status) privacy.Statement {
	switch status {
	case StatusNew:
		s.Verdict = privacy.Stored
	case StatusDuplicate:
		s.Verdict, s.Reason = privacy.Stored, privacy.ReasonDuplicate
	default:
		s.Verdict, s.Reason = privacy.Refused, privacy.ReasonIDConflict
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

// store hands an upload to the committer and waits for the answer, no longer than the inbox is given. kept says that the upload, its
// segment among it, may still be in use after that.
func (c *Collector) store(u *upload) (a answered, kept bool) {
	u.queued = time.Now()
	u.answered = make(chan answered, 1)
	s := privacy.Statement{Batch: u.entry.Envelope.Batch, Body: u.entry.Body}
	if !c.committer.submit(u) {
		return answered{statement: c.slowDown(s, privacy.ReasonOverload)}, false
	}
	timeout := time.NewTimer(c.o.CommitTimeout)
	defer timeout.Stop()
	select {
	case a = <-u.answered:
		return a, false
	case <-timeout.C:
		return answered{statement: c.slowDown(s, privacy.ReasonUnavailable)}, true
	}
}
