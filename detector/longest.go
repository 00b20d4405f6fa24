package detector

import "time"

// latestSuccess is how long after a request an agent's window may end so that the judgement knows
// the number of requests in time.
const latestSuccess = time.Minute

// LongestWindow returns the length of the longest window that is useful to a detector with bins of
// this width and this grace: the sum of both, but at least a minute. Most of a longer window would
// be judged too late. 0 means the defaults of [Options].
func LongestWindow(bin, grace time.Duration) time.Duration {
	def(&bin, defaultBin)
	def(&grace, defaultGrace)
	return max(bin+grace, latestSuccess)
}

// longestWindow returns LongestWindow for this detector.
func (d *Detector) longestWindow() time.Duration {
	return max(d.o.Bin+d.o.Grace, latestSuccess/time.Duration(d.o.Lapse))
}
