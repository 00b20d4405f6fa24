package model

import "time"

// MilestoneKind says what a [Milestone] is.
type MilestoneKind string

// The kinds.
const (
	MilestoneJudged MilestoneKind = "judged" // the detector has opened the incident
	// it came back, and the detector has opened it again
	MilestoneReopened MilestoneKind = "reopened"
	MilestoneCleared  MilestoneKind = "cleared" // the detector has seen that it is over

	MilestoneTold     MilestoneKind = "told"      // a receiver of alerts has heard of it
	MilestoneUpdated  MilestoneKind = "updated"   // and that it has changed
	MilestoneReminded MilestoneKind = "reminded"  // and that it goes on
	MilestoneToldOver MilestoneKind = "told_over" // and that it is over
	MilestoneNotTold  MilestoneKind = "not_told"  // the first failure in a row to tell a receiver
	MilestoneGivenUp  MilestoneKind = "given_up"  // a message was refused too often

	// another detector of a group tells receivers of it
	MilestoneElsewhere MilestoneKind = "elsewhere"
)

// Milestone is what the detector and the notifier did about an incident, and when.
type Milestone struct {
	Incident int64
	At       time.Time
	Kind     MilestoneKind
	Receiver string // of alerts; empty for what the detector did
	Reason   string // why a receiver was not told, without addresses; empty for other kinds
}

// MaxMilestones is the most milestones of an incident that are kept: the first [FirstMilestones],
// and the latest.
const (
	MaxMilestones   = 200
	FirstMilestones = 40
)
