package model

import "time"

// NoteKind says what a [Note] is.
type NoteKind string

// The kinds.
const (
	NoteText NoteKind = "note" // what somebody wrote
	NoteAck  NoteKind = "ack"  // somebody has taken the incident over; the text may be empty

	NotePublic NoteKind = "public" // what the public is told on the status page
	// takes everything about it off the status page; the text may be empty
	NotePrivate NoteKind = "private"
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
}

// The limits of notes.
const (
	MaxNotes    = 200  // of an incident
	MaxNoteText = 2000 // bytes
	MaxNoteWho  = 100  // bytes
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
