package httpx

import (
	"encoding/json"
	"net/http"
)

// Error is an error that a client may read.
type Error struct {
	Status int
	Text   string // one line, without its end
}

// NewError returns an Error.
func NewError(status int, text string) *Error { return &Error{Status: status, Text: text} }

func (e *Error) Error() string { return e.Text }

// WriteJSON answers with v and a line end. When v cannot be encoded, nothing is written.
func WriteJSON(w http.ResponseWriter, status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // an error says that the client is gone
	return nil
}

// WriteText answers with one line of plain text.
func WriteText(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text + "\n")) // an error says that the client is gone
}
