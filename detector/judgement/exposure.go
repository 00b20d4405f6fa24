package judgement

import "math"

// Half-lives of what is known of requests, in time: the share of a value in all requests, and how
// many there are of late.
const (
	shareHours    = 2.0
	recentHours   = 1.0 / 12
	levelHours    = 1.0 / 12
	steadyWeight  = 200 // requests for which the long share speaks when the recent one differs
	silentReports = 20  // reports that do not come, by which a value has no requests any more
	surgeMost     = 4   // by how much at most the recent share raises the long one
)

// fading are the factors by which a bin makes old knowledge lighter.
type fading struct {
	share, recent, level, rate float64
	// quiet are the bins in which nothing fades
	quiet *quiet
}

func newFading(binHours float64, quiet *quiet) fading {
	of := func(hours float64) float64 { return math.Exp2(-binHours / hours) }
	return fading{share: of(shareHours), recent: of(recentHours), level: of(levelHours), rate: of(rateHours), quiet: quiet}
}

// exposure is what is known of the requests at one value, whatever became of them: sums of
// estimated requests in which older bins weigh less. They are brought up to date when touched.
type exposure struct {
	share  float64 // discounted slowly
	recent float64 // discounted quickly
	at     int64   // the bin up to which both are discounted
	born   int64   // the bin in which there were requests first
	last   int64   // the newest bin with requests
	before float64 // the share of everyone when it was born

	kin       kinship // of a server that was a stranger
	strangeTo int64   // the bin before which a server is a stranger at least

	claimedIn int64   // the block of bins that claimed is of
	claimed   float64 // requests of a network that were believed in them
}

func (e *exposure) bring(bin int64, f *fading) {
	if d := bin - e.at; d > 0 {
		switch d -= f.quiet.within(e.at, bin); d {
		case 0:
		case 1:
			e.share *= f.share
			e.recent *= f.recent
		default:
			e.share *= math.Pow(f.share, float64(d))
			e.recent *= math.Pow(f.recent, float64(d))
		}
		e.at = bin
	}
}

func (e *exposure) add(bin int64, n float64, f *fading) {
	e.bring(bin, f)
	e.share += n
	e.recent += n
	e.last = max(e.last, bin)
}

// expected is how many requests a bin has at the value when everyone has level of them. Since
// successes are reported late, it comes from the past: the long share, raised where the recent one
// is clearly larger.
func (e *exposure) expected(level float64, all *exposure, f *fading) float64 {
	share, surge := e.shares(all, f)
	if e == all {
		return level
	}
	return level * min(share*min(max(surge, 1), surgeMost), 1)
}

// shares returns the long share of the value in all requests, and how many times as large the
// recent one is, as far as there are requests enough to say so.
func (e *exposure) shares(all *exposure, f *fading) (share, surge float64) {
	e.bring(all.at, f)
	share = e.longShare(all, f)
	return share, (steadyWeight + e.recent) / (steadyWeight + share*all.recent)
}

// longShare is the share of the value in all requests of the last hours. Both must have been
// brought to the same bin.
func (e *exposure) longShare(all *exposure, f *fading) float64 {
	since := all.share - e.before*math.Pow(f.share, float64(all.at-e.born))
	return e.share / max(since, e.share, 1)
}

// left returns which part of its usual requests the value still has: less than 1 if there are
// clearly fewer of late, and 0 if there were none for so long that silentReports reports should
// have come, each of which stands for so many requests.
func (e *exposure) left(level float64, all *exposure, f *fading, each float64) float64 {
	share, surge := e.shares(all, f)
	if silent := float64(all.at - e.last - f.quiet.within(e.last, all.at)); share*level*silent > silentReports*max(each, 1) {
		return 0
	}
	return min(surge, 1)
}

// level is the number of requests of everyone in a bin, learned from bins whose rows have all come.
type level struct {
	ring   [ringBins]float64
	served [ringBins]float64 // of these, requests that succeeded
	newest int64
	sum, n float64 // discounted
}

func (l *level) add(bin int64, n float64, served bool) {
	l.bring(bin)
	if l.newest-bin >= ringBins {
		return
	}
	l.ring[slot(bin)] += n
	if served {
		l.served[slot(bin)] += n
	}
}

func (l *level) bring(bin int64) {
	if bin-l.newest >= ringBins {
		l.ring, l.served = [ringBins]float64{}, [ringBins]float64{}
		l.newest = bin
	}
	for l.newest < bin {
		l.newest++
		l.ring[slot(l.newest)], l.served[slot(l.newest)] = 0, 0
	}
}

// settle learns a bin.
func (l *level) settle(bin int64, fade float64) {
	if l.newest-bin >= ringBins || bin > l.newest {
		l.sum, l.n = l.sum*fade, l.n*fade+1
		return
	}
	l.sum, l.n = l.sum*fade+l.ring[slot(bin)], l.n*fade+1
}

func (l *level) mean() float64 { return l.sum / max(l.n, 1) }

// rows is how many requests the reports stand for, weighted by themselves. What is known of n
// requests is known from n over that many reports.
type rows struct{ squares, sum float64 }

const rowsMost = 1e6 // requests remembered

func (r *rows) add(n float64) {
	r.squares += n * n
	if r.sum += n; r.sum > rowsMost {
		r.squares, r.sum = r.squares/2, r.sum/2
	}
}

func (r *rows) mean() float64 { return r.squares / max(r.sum, 1) }
