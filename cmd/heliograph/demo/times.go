package demo

import "time"

// times are the lengths of everything in a demonstration.
type times struct {
	window     time.Duration // of the agents
	bin, grace time.Duration // of the detector
	// lapse is how many seconds of the detector's judgement pass in one
	lapse int
	probe time.Duration // from one probe of a server to the next

	firstCalm   time.Duration // before the first fault, in which the detector learns what is normal
	flagWithin  time.Duration // of a fault's begin
	clearWithin time.Duration // of its end
	hold        time.Duration // how long a flagged fault stays, to be looked at
	holdOnce    time.Duration // the same when nobody looks

	verifyWithin time.Duration // until everything is delivered and compared
}

// short are the times of a demonstration that somebody watches: bins of a second are judged as if
// they took half a minute, so that the detector knows in seconds what is usual.
var short = times{window: time.Second, bin: time.Second, grace: 2 * time.Second, lapse: 30, probe: 2 * time.Second,
	firstCalm: 24 * time.Second, flagWithin: 20 * time.Second, clearWithin: 20 * time.Second, hold: 10 * time.Second, holdOnce: 2 * time.Second,
	verifyWithin: 25 * time.Second}

// real are the defaults of agents and detectors. A detector that knows nothing judges after five
// minutes, and an incident ends when there was calm for as long as would have brought some
// failures.
var real = times{window: time.Minute, bin: 10 * time.Second, grace: 10 * time.Second, lapse: 1, probe: 10 * time.Second,
	firstCalm: 8 * time.Minute, flagWithin: 45 * time.Second, clearWithin: 10 * time.Minute, hold: 10 * time.Second, holdOnce: 10 * time.Second,
	verifyWithin: 5 * time.Minute}
