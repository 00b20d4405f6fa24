package agent

import "github.com/heliograph-net/heliograph/report"

// consentState is what an agent may do, and what is left to do about what it did.
type consentState uint8

const (
	// starting: New has not looked at the spool yet. What an earlier run left there may be covered
	// by its consent, so it is kept if the user still allows something.
	starting consentState = iota

	// withdrawn: the user allows nothing, and the spool holds what must not be sent any more: it is
	// about to be deleted, or the disk refused that and it is tried again. Nothing is recorded,
	// nothing but a deletion notice is sent, and consent can not be given before the spool is
	// deleted.
	withdrawn

	// off: the user allows nothing, and of what was recorded nothing is left. A deletion notice may
	// wait in the spool for a collector.
	off

	// barred: the user allows something, but the policy in force does not. Nothing is recorded or
	// delivered. What is in the spool stays, and newer policies are asked for.
	barred

	// counting: counters are recorded and delivered.
	counting

	// diagnosing: samples and details of application errors are recorded, too.
	diagnosing

	// draining: Shutdown was called while the user allowed something. Nothing is recorded any more.
	// What was recorded is sealed and, unless the policy bars it, delivered.
	draining

	// closedWithdrawn: withdrawn, and Shutdown was called. The spool is deleted if that is still
	// possible; the user cannot allow anything any more.
	closedWithdrawn

	// closed: off, and Shutdown was called. The user cannot allow anything any more.
	closed

	// inForce stands in transitions for barred, counting or diagnosing, whichever is that of the
	// level that user and policy allow together.
	inForce
)

// consentEvent is what moves an agent from one state to another.
type consentEvent uint8

const (
	granted     consentEvent = iota // the user allows something, more or less than before
	revoked                         // the user allows nothing any more
	purged                          // the spool was deleted
	purgeFailed                     // the spool could not be deleted
	reviewed                        // the policy in force has changed or may have expired
	shutDown                        // Shutdown was called
	consentEvents
)

// transitions has the state that follows on an event. Events that are not there, whose entry is
// starting, change nothing.
var transitions = [...][consentEvents]consentState{
	starting:        {granted: inForce, revoked: withdrawn, purged: off, purgeFailed: withdrawn, shutDown: closedWithdrawn},
	withdrawn:       {purged: off, shutDown: closedWithdrawn},
	off:             {granted: inForce, purgeFailed: withdrawn, shutDown: closed},
	barred:          {granted: inForce, reviewed: inForce, revoked: withdrawn, shutDown: draining},
	counting:        {granted: inForce, reviewed: inForce, revoked: withdrawn, shutDown: draining},
	diagnosing:      {granted: inForce, reviewed: inForce, revoked: withdrawn, shutDown: draining},
	draining:        {revoked: closedWithdrawn},
	closedWithdrawn: {purged: closed},
	closed:          {},
}

// next is the state after an event. level is what user and policy allow together.
func (s consentState) next(e consentEvent, level report.Consent) consentState {
	switch to := transitions[s][e]; {
	case to == starting:
		return s
	case to != inForce:
		return to
	case level == report.Off:
		return barred
	case level == report.Counts:
		return counting
	default:
		return diagnosing
	}
}

// records reports whether something is recorded.
func (s consentState) records() bool { return s == counting || s == diagnosing }

// allows reports whether the user allows something.
func (s consentState) allows() bool { return s.records() || s == barred || s == draining }

// purges reports whether the spool is to be deleted.
func (s consentState) purges() bool { return s == withdrawn || s == closedWithdrawn }
