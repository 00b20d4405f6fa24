package prober

import "github.com/heliograph-net/heliograph/report"

// warnings counts the targets that answer now but soon will not. Only Run's goroutine uses it.
type warnings struct {
	warned int           // number of targets with a warning
	ends   map[int64]int // number of targets by the second in which their certificate expires
	first  int64         // the lowest key of ends; 0: none
}

// noteWarning logs when a warning appears, changes or disappears. Failed and inconclusive attempts
// change nothing.
func (p *Prober) noteWarning(s *server) {
	if s.err != nil || s.result.Outcome != report.OK {
		return
	}
	before, now, ends := s.warning, s.result.Warning, s.result.CertificateEnds
	switch {
	case now == before:
	case now == "":
		p.options.Logger.Info("target's warning is gone", "target", s.target.Name)
	default:
		p.options.Logger.Warn("target works, with a warning", "target", s.target.Name, "warning", now)
	}
	if now == before && ends.Equal(s.ends) {
		return
	}
	p.warnings.remove(s)
	s.warning, s.ends = now, ends
	p.warnings.add(s)
	p.metrics.warnings(&p.warnings)
}

func (w *warnings) add(s *server) {
	if s.warning != "" {
		w.warned++
	}
	if s.ends.IsZero() {
		return
	}
	if w.ends == nil {
		w.ends = map[int64]int{}
	}
	end := s.ends.Unix()
	w.ends[end]++
	if w.first == 0 || end < w.first {
		w.first = end
	}
}

func (w *warnings) remove(s *server) {
	if s.warning != "" {
		w.warned--
	}
	if s.ends.IsZero() {
		return
	}
	end := s.ends.Unix()
	if w.ends[end]--; w.ends[end] > 0 {
		return
	}
	delete(w.ends, end)
	if end == w.first {
		w.first = earliest(w.ends)
	}
}

func earliest(ends map[int64]int) (first int64) {
	for end := range ends {
		if first == 0 || end < first {
			first = end
		}
	}
	return first
}

// recount recomputes the numbers after the targets have changed.
func (p *Prober) recount() {
	p.warnings = warnings{}
	maintained := int64(0)
	for _, s := range p.all {
		p.warnings.add(s)
		if s.served {
			maintained++
		}
	}
	p.maintained.Store(maintained)
	p.metrics.warnings(&p.warnings)
}
