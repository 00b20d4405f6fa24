package detector

import "time"

// latestSuccess is how long after a request an agent's window with it may end for the judgement to
// know in time how many requests there are.
const latestSuccess = time.Minute

// LongestWindow is the length of the longest window that a detector with bins of this width, and
// this grace after them, can use: a minute, or as long as both. What longer ones tell is mostly
// judged late. 0 means the defaults of Options.
func LongestWindow(bin, grace time.Duration) time.Duration {
	def(&bin, defaultBin)
	def(&grace, defaultGrace)
	return max(bin+grace, latestSuccess)
}

// longestWindow is LongestWindow at the pace of the detector.
func (d *Detector) longestWindow() time.Duration {
	return max(d.o.Bin+d.o.Grace, latestSuccess/time.Duration(d.o.Lapse))
}
