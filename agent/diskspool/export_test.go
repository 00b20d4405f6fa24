package diskspool

// Fail makes renaming ("rename") or deleting ("remove") files fail as fails says. It is called
// before the Spool is used.
func (s *Spool) Fail(fails func(operation, name string) error) { s.fails = fails }
