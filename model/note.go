package model

import "time"

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
	MaxNotes    = 200  // of an incident
	MaxNoteText = 2000 // bytes
	MaxNoteWho  = 100  // bytes

	MaxMute = 7 * 24 * time.Hour // length of a mute
)

// Journal is what belongs to an incident besides itself.
type Journal struct {
	Incident int64
	Notes    []Note // the oldest first
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

// Mute returns the last note that mutes the incident, unless a later one ends it, or nil. It may
// have expired.
func (j *Journal) Mute() (mute *Note) {
	for i := range j.Notes {
		switch j.Notes[i].Kind {
		case NoteMute:
			mute = &j.Notes[i]
		case NoteUnmute:
			mute = nil
		}
	}
	return mute
}

// MutedUntil returns when the last mute of the incident ends or ended. It is zero if there was
// none.
func (j *Journal) MutedUntil() (end time.Time) {
	for i := range j.Notes {
		switch n := &j.Notes[i]; {
		case n.Kind == NoteMute:
			end = n.Until
		case n.Kind == NoteUnmute && n.At.Before(end):
			end = n.At
		}
	}
	return end
}
