package replay

import "fmt"

// InputError says what is wrong with an input, and where.
type InputError struct {
	File  string // "-" is standard input
	Line  int    // from 1
	Field string // the key or column; "line" if the line as a whole is wrong
	Fault string
}

func (e *InputError) Error() string {
	return fmt.Sprintf("%s:%d: %s: %s", e.File, e.Line, e.Field, e.Fault)
}

// fault is what is wrong with a field of a line whose number somebody else knows.
type fault struct{ field, text string }

func (f *fault) Error() string { return f.field + ": " + f.text }

func faultf(field, format string, args ...any) error {
	return &fault{field, fmt.Sprintf(format, args...)}
}
