package model

import (
	"cmp"
	"slices"
	"time"
)

// NoteKind says what a [Note] is.
type NoteKind string

// The kinds.
const (
	NoteText NoteKind = "note" // what somebody wrote
	NoteAck  NoteKind = "ack"  // somebody has taken the incident over; the text may be empty

	NotePublic NoteKind = "public" // what the public is told on the status page
	// the public is told that it is over, whatever the detector sees; the text may be empty
	NoteResolved NoteKind = "resolved"
	// takes everything about it off the status page; the text may be empty
	NotePrivate NoteKind = "private"

	NoteMute   NoteKind = "mute"   // nobody is alerted of it until Until; the text is the reason
	NoteUnmute NoteKind = "unmute" // alerts go on; the text may be empty
)

// Note is what somebody did about an incident. Notes are never changed, and deleted with their
// incident.
type Note struct {
	Number   int64 // ascending, above 0
	Incident int64
	At       time.Time
	Kind     NoteKind
	// Who wrote it. Known says that a proxy which knows its users says so; otherwise the
	// writer does.
	Who   string
	Known bool
	Text  string
	Until time.Time // end of a mute; zero for other kinds
}

// The limits of notes.
const (
	MaxNotes = 200 // of the kind NoteText, of an incident; more are refused
	// MaxActs is how many notes of other kinds an incident has. For more, the oldest go, except the
	// first that acknowledges it: what is done now must never be kept out by what was done.
	MaxActs     = 200
	MaxNoteText = 2000 // bytes
	MaxNoteWho  = 100  // bytes

	MaxMute = 7 * 24 * time.Hour // length of a mute
)

// Journal is what belongs to an incident besides itself.
type Journal struct {
	Incident int64
	Notes    []Note // the oldest first
	Dropped  int    // notes that went for later ones; see MaxActs
	// Before are the notes that mute and unmute the Earlier ones that are over and have the same
	// verdict, the oldest first: they hold for the same fault when it is there again.
	Before []Note
	// Earlier are incidents of the same target and scope before it, the latest first, at most
	// MaxEarlier.
	Earlier []int64
}

// MaxEarlier is the most earlier incidents in a [Journal].
const MaxEarlier = 5

// Acknowledged returns the first note that acknowledges the incident, or nil.
func (j *Journal) Acknowledged() *Note {
	for i := range j.Notes {
		if j.Notes[i].Kind == NoteAck {
			return &j.Notes[i]
		}
	}
	return nil
}

// Mute returns the last note that mutes the incident, or one that it repeats, unless a later one
// ends it, or nil. It may have expired.
func (j *Journal) Mute() (mute *Note) {
	for _, n := range j.mutes() {
		switch n.Kind {
		case NoteMute:
			mute = n
		case NoteUnmute:
			mute = nil
		}
	}
	return mute
}

// mutes returns the notes that mute and unmute the incident and those that it repeats, the oldest
// first: the same fault again is no news to whoever muted it.
func (j *Journal) mutes() (all []*Note) {
	for i := range j.Before {
		all = append(all, &j.Before[i])
	}
	for i := range j.Notes {
		if n := &j.Notes[i]; n.Kind == NoteMute || n.Kind == NoteUnmute {
			all = append(all, n)
		}
	}
	slices.SortFunc(all, func(a, b *Note) int { return cmp.Compare(a.Number, b.Number) })
	return all
}

// MutedUntil returns when the last mute of the incident, or of one that it repeats, ends or ended.
// It is zero if there was none.
func (j *Journal) MutedUntil() (end time.Time) {
	for _, n := range j.mutes() {
		switch {
		case n.Kind == NoteMute:
			end = n.Until
		case n.Kind == NoteUnmute && n.At.Before(end):
			end = n.At
		}
	}
	return end
}
