package agent

import "github.com/heliograph-net/heliograph/report"

// consentState is what an agent may do, and what it must still clean up.
type consentState uint8

const (
	// starting: New has not yet read the spool. The consent of an earlier run may cover the spool's
	// contents, so they are kept if the user still allows something.
	starting consentState = iota

	// withdrawn: the user allows nothing, and the contents of the spool must not be sent. It is
	// about to be deleted, or that failed and will be tried again. Nothing is recorded, only a
	// deletion notice is sent, and consent cannot be given before the spool is deleted.
	withdrawn

	// off: the user allows nothing, and no records are left. A deletion notice may wait in the
	// spool for a collector.
	off

	// barred: the user allows something, but the policy in force does not. Nothing is recorded or
	// delivered. The contents of the spool stay, and the agent asks for newer policies.
	barred

	// counting: counters are recorded and delivered.
	counting

	// diagnosing: samples and the details of application errors are recorded, too.
	diagnosing

	// draining: Shutdown was called while the user allowed something. Nothing more is recorded.
	// Existing records are sealed and, unless the policy bars it, delivered.
	draining

	// closedWithdrawn: withdrawn, and Shutdown was called. The spool is deleted if that is still
	// possible. The user can no longer allow anything.
	closedWithdrawn

	// closed: off, and Shutdown was called. The user can no longer allow anything.
	closed

	// inForce stands in transitions for barred, counting or diagnosing, depending on the level that
	// user and policy allow together.
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

// transitions has the next state for each state and event. Events that are not listed have the
// entry starting and change nothing.
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

// next returns the state after an event. level is what user and policy allow together.
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

// records reports whether the agent records anything.
func (s consentState) records() bool { return s == counting || s == diagnosing }

// allows reports whether the user allows something.
func (s consentState) allows() bool { return s.records() || s == barred || s == draining }

// purges reports whether the spool must be deleted.
func (s consentState) purges() bool { return s == withdrawn || s == closedWithdrawn }
