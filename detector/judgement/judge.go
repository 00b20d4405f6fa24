package judgement

// Judge finds incidents. It is not safe for concurrent use.
type Judge struct {
	o Options
}

// Stats counts what a [Judge] did.
type Stats struct {
	Bins    uint64 // bins that were judged
	Cells   uint64 // rows that were taken
	Dropped uint64 // rows or values that were left out for want of room
	Late    uint64 // rows that came five minutes or more after the fact
}

// New checks the options.
func New(o Options) (*Judge, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	return &Judge{o: o}, nil
}

// Add takes a row. Rows come in the order of their arrival.
func (j *Judge) Add(r Row) {}

// AddProbe takes the result of a probe.
func (j *Judge) AddProbe(p Probe) {}

// Advance sets the time, in Unix milliseconds, and judges every bin that can be judged by then.
// What arrived at now must have been added before. Time that goes back is ignored.
func (j *Judge) Advance(now int64) []Event { return nil }

// Stats says what was done so far.
func (j *Judge) Stats() Stats { return Stats{} }
