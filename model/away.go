package model

import "errors"

// ErrAway says that the database that has the reports does not answer for now.
var ErrAway = errors.New("the database that has the reports does not answer")
