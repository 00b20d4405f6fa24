package agent

import (
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// start begins with what the user allows when the agent is made. What an earlier run left is kept
// when the user still allows something, unless the run had begun to delete it.
func (s *spooler) start(c report.Consent) {
	defer s.recorder.events.caught()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.loadPolicy()
	if c == report.Off || unfinished(s.notices.list()) {
		s.consent.withdraw()
		_ = s.purge() // purgeAgain goes on
	}
	if c != report.Off {
		s.begin(c, time.Time{})
	}
}

// grant begins with a consent that the user gives to a running agent. It deletes the spool before,
// which holds nothing that this consent covers.
func (s *spooler) grant(c report.Consent) {
	s.mu.Lock()
	defer s.mu.Unlock()
	state, _ := s.consent.now()
	switch {
	case state.allows(): // somebody else was faster
		s.consent.change(c)
	case state != closed && state != closedWithdrawn:
		_ = s.purge() // if it fails, the consent is refused
		s.loadPolicy()
		s.begin(c, time.Now())
	}
}

// begin takes up a consent, if its state lets it. The caller holds mu.
func (s *spooler) begin(c report.Consent, since time.Time) {
	if !s.consent.grant(c, since) {
		return // the spool could not be deleted
	}
	s.takeDrops()
	signal(s.kicked)
}

// withdraw deletes what was recorded under the consent that was withdrawn.
func (s *spooler) withdraw() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.consent.withdraw() // again, for somebody may have granted it meanwhile
	if state, _ := s.consent.now(); !state.purges() {
		return
	}
	_ = s.purge() // purgeAgain goes on
	signal(s.kicked)
}

// purgeAgain deletes what could not be deleted when it should have been. It returns when to call
// it again.
func (s *spooler) purgeAgain() (again time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if state, _ := s.consent.now(); state.purges() && s.purge() != nil {
		return time.Now().Add(purgeRetry)
	}
	return time.Now().Add(idle)
}

// purge deletes the spool and what is remembered of it, and tells the consent whether it could. The
// caller holds mu.
func (s *spooler) purge() error {
	err := s.forget()
	s.finishSegment()
	s.recorder.forgetDrops() // they speak of what was recorded before, too
	s.consent.purged(err)
	return err
}

// forget deletes the spool. If anything had been sent it makes a deletion notice first, so that a
// crash at any instant leaves the notice, or leaves the tokens from which the next agent without
// consent makes it.
func (s *spooler) forget() error {
	s.receipts = receipted{}
	list := s.prepareNotice()
	if err := s.spool.Purge(); err != nil {
		return err
	}
	s.tokens.forget()
	clear(s.own)
	if !unfinished(list) {
		return nil
	}
	finished := slices.Clone(list)
	for i := range finished {
		finished[i].purged = true
	}
	err := s.notices.keep(finished)
	s.unkept = nil
	if err != nil {
		s.unkept = list // the tokens are gone, so that it could not be made again
	}
	return err
}

// prepareNotice puts a notice into the spool, if anything had been sent and there is none about it
// yet, and returns all that are there.
func (s *spooler) prepareNotice() []notice {
	if len(s.unkept) > 0 {
		return s.unkept
	}
	list := s.notices.list()
	if unfinished(list) {
		return list
	}
	sent := s.tokens.sent()
	if len(sent) == 0 {
		return list
	}
	n, err := s.newNotice(sent, time.Now())
	if err != nil {
		return list
	}
	list = append(list, n)
	_ = s.notices.keep(list) // forget tries again
	return list
}

// newNotice seals a notice. Its header tells neither client nor drops.
func (s *spooler) newNotice(sent [][16]byte, now time.Time) (n notice, err error) {
	if n.ID, err = report.NewBatchID(now, s.rand); err != nil {
		return n, err
	}
	sealer, err := seal.NewSealer(s.consent.inForce().seal, n.ID)
	if err != nil {
		return n, err
	}
	n.Birth, n.body = now, slices.Clone(sealer.Prefix())
	header := s.header
	header.Source, header.Consent = report.SourceAgent, report.Counts
	for _, r := range []report.Record{&header, &report.DeletionNotice{Clients: sent}} {
		record, err := report.AppendRecord(nil, r)
		if err != nil {
			return n, err
		}
		if n.body, err = sealer.Seal(n.body, record); err != nil {
			return n, err
		}
	}
	n.body = seal.AppendEnd(n.body)
	n.Size = int64(len(n.body))
	return n, nil
}
