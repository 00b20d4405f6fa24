package replay

import "fmt"

// InputError says what is wrong with an input, and where. Its message is "FILE:LINE: FIELD: FAULT".
type InputError struct {
	File  string // "-" is standard input
	Line  int    // from 1
	Field string // the key or column; "line" if the line as a whole is wrong
	Fault string
}

func (e *InputError) Error() string {
	return fmt.Sprintf("%s:%d: %s: %s", e.File, e.Line, e.Field, e.Fault)
}

// fault is an InputError before its file and line are known.
type fault struct{ field, text string }

func (f *fault) Error() string { return f.field + ": " + f.text }

func faultf(field, format string, args ...any) error {
	return &fault{field, fmt.Sprintf(format, args...)}
}
