package detector

import (
	"context"
	"hash/maphash"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// maxStored is how many series a store may have: all their names come from clients.
const maxStored = 1_000_000

// other stands for the names of series that came when there were enough already.
const other = "(other)"

// limiter bounds the number of series in the store. It remembers a hash of each that is there. The
// zero value is ready.
type limiter struct {
	seed  maphash.Seed
	known map[uint64]struct{} // nil: not loaded
	most  int                 // 0 means maxStored
}

// load reads what the store has, once.
func (l *limiter) load(ctx context.Context, events Events) error {
	if l.known != nil {
		return nil
	}
	if l.most == 0 {
		l.most = maxStored
	}
	l.seed = maphash.MakeSeed()
	known := map[uint64]struct{}{}
	if err := events.EachSeries(ctx, func(s model.Series) error {
		known[maphash.Comparable(l.seed, s)] = struct{}{}
		return nil
	}); err != nil {
		return err
	}
	l.known = known
	return nil
}

// forget makes the next load read the store again.
func (l *limiter) forget() { l.known = nil }

// admit is the series under which s is counted: itself, or what is left of it when there are too
// many.
func (l *limiter) admit(s model.Series) model.Series {
	hash := maphash.Comparable(l.seed, s)
	if _, known := l.known[hash]; known {
		return s
	}
	if len(l.known) >= l.most {
		return reduce(s)
	}
	l.known[hash] = struct{}{}
	return s
}

// reduce leaves of a series what there are few values of.
func reduce(s model.Series) model.Series {
	if s.Outcome != report.OK {
		s.Outcome = report.Unknown
	}
	return model.Series{App: other, Target: other, Outcome: s.Outcome, ASN: s.ASN, Country: s.Country, Source: s.Source, Flags: s.Flags}
}
