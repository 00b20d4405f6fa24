package api

import (
	"context"
	"strconv"
	"time"
)

// NoteKind says what a note is.
type NoteKind string

// The kinds.
const (
	NoteText NoteKind = "note"
	NoteAck  NoteKind = "ack"
	// Told to the public.
	NotePublic NoteKind = "public"
	// The public is told that it is over.
	NoteResolved NoteKind = "resolved"
	// No longer told to the public.
	NotePrivate NoteKind = "private"
	// Nobody is alerted of it for a while.
	NoteMute NoteKind = "mute"
	// Alerts go on.
	NoteUnmute NoteKind = "unmute"
)

// Note is what somebody did about an incident.
type Note struct {
	// Ascending, above 0.
	Number int64     `json:"number"`
	At     time.Time `json:"at"`
	// "note", or "ack": somebody has taken the incident over; "public": told on the status page;
	// "resolved": told there that it is over; "private": taken off it; "mute": nobody is alerted of
	// it until Until; "unmute": alerts go on.
	Kind NoteKind `json:"kind"`
	// Who wrote it; empty if nobody said.
	Who string `json:"who"`
	// Whether the dashboard knows the writer by a login; otherwise the writer says so.
	Known bool   `json:"known"`
	Text  string `json:"text"`
	// End of a mute; absent for other kinds.
	Until time.Time `json:"until,omitzero"`
}

// NewNote is the body of a request that adds a note.
type NewNote struct {
	// "note", "ack" to take the incident over, "mute" to have nobody alerted of it for a while,
	// "unmute" to end that, "public" to tell the public on the status page, "resolved" to tell it
	// that the incident is over, or "private" to take everything about it off that page.
	Kind NoteKind `json:"kind"`
	// At most 2000 bytes; required for "note", "mute" and "public".
	Text string `json:"text"`
	// How long a mute lasts: a span of at most 7d; "1h" if absent. Only for "mute".
	For string `json:"for,omitempty"`
	// Who writes, at most 100 bytes. It is ignored where people log in, because they are known.
	Who string `json:"who,omitempty"`
}

// AddNote adds a note to an incident.
func (c *Client) AddNote(ctx context.Context, incident int64, n NewNote) (Note, error) {
	return post[Note](ctx, c, n, "incidents", strconv.FormatInt(incident, 10), "notes")
}
