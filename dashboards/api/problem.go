package api

import "fmt"

// Problem is the body of every answer that reports an error.
type Problem struct {
	Error string `json:"error"`
	// Name of the parameter at fault; absent if the fault is not in a parameter.
	Parameter string `json:"parameter,omitempty"`
	// Values that the parameter may have; absent if they cannot be listed.
	Allowed []string `json:"allowed,omitempty"`
}

// Error is the error of a [Client] for an answer with a status other than 200.
type Error struct {
	Path    string // what was requested, such as "/api/v1/totals?by=colour"
	Status  int    // HTTP status
	Problem Problem
}

// Error describes the request and the answer.
func (e *Error) Error() string {
	if e.Problem.Error == "" {
		return fmt.Sprintf("the dashboard answered %d to %s", e.Status, e.Path)
	}
	return fmt.Sprintf("the dashboard answered %d to %s: %s", e.Status, e.Path, e.Problem.Error)
}
