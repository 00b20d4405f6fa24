package judgement

import "github.com/heliograph-net/heliograph/report"

// surges say by how many times the requests of a population's last bins exceed its level, the
// newest bin first. The level follows the traffic within minutes. When a crowd comes, or comes back
// after an outage elsewhere, failures become more with the requests at once, and that is no fault.
type surges [ringBins]float64

const (
	// Requests by which a bin must exceed the level: so few clients make these that chance may.
	surgeWeight = 50
	// the least part of a bin's successes from which the others are estimated
	surgePart = 0.05
	surgeBins = 2 // that are looked at together
	// Traffic varies by less than that by chance.
	surgeLeast = 1.1
)

// surge finds the surges of the bins up to one. Only requests that succeed count, as far as they
// should have been reported by now: whoever fails reports sooner and may retry, which is no
// crowd. What is too new to be told from is taken to be like the bins before it.
func (p *population) surge(bin int64) {
	l, mean := &p.judge.successes, p.level.mean()
	if p.key.source == report.SourceBrowser {
		l = &p.judge.browsers
	}
	last := 1.0
	for k := ringBins - 1; k >= 0; k-- {
		p.surges[k] = 1
		if k > ringBins-1-surgeBins || l.found[k] < surgePart {
			p.surges[k] = last
			continue
		}
		came, usual := 0.0, 0.0
		for n := k; n < k+surgeBins; n++ {
			came += p.level.servedIn(bin - int64(n))
			usual += l.found[n] * mean
		}
		if last = (surgeWeight + came) / (surgeWeight + usual); last < surgeLeast {
			last = 1
		}
		p.surges[k] = last
	}
}

// servedIn is how many requests of a bin succeeded, as far as they are reported.
func (l *level) servedIn(bin int64) float64 {
	if bin > l.newest || l.newest-bin >= ringBins {
		return 0
	}
	return l.served[slot(bin)]
}

// mean is that of the newest n bins, as far as they are known, and 1 of none.
func (s *surges) mean(n int64) float64 {
	total := 0.0
	n = min(n, ringBins)
	for _, x := range s[:max(n, 0)] {
		total += x
	}
	if n <= 0 || total == 0 {
		return 1
	}
	return total / float64(n)
}
