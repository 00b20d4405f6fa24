package main

// The exit codes of all commands; docs/cli.md has them too.
const (
	exitFailed = 1 // what was asked for failed: a request, a delivery, a file
	// the command line is wrong, or a configuration, scenario or recording that it names
	exitUsage   = 2
	exitUnsound = 3 // the work was done, and what was looked at is not as it should be
)

// exitError ends the process with an exit code of its own. If its text is empty, the error has
// already been printed.
type exitError struct {
	code int
	text string
}

func (e *exitError) Error() string { return e.text }
