package api

import "fmt"

// Problem is the body of every error.
type Problem struct {
	Error string `json:"error"`
	// Name of the parameter at fault; absent when it is none.
	Parameter string `json:"parameter,omitempty"`
	// What the parameter may be; absent when there is no list.
	Allowed []string `json:"allowed,omitempty"`
}

// Error is an answer other than 200, as [Client] returns it.
type Error struct {
	Path    string // what was asked: "/api/v1/totals?by=colour"
	Status  int    // of HTTP
	Problem Problem
}

// Error says what was asked and what was answered.
func (e *Error) Error() string {
	if e.Problem.Error == "" {
		return fmt.Sprintf("the dashboard answered %d to %s", e.Status, e.Path)
	}
	return fmt.Sprintf("the dashboard answered %d to %s: %s", e.Status, e.Path, e.Problem.Error)
}
