package detector

import "time"

// LongestWindow is the length of the longest window that a detector with bins of this width, and
// this grace after them, can use. A window counts in the bin of its middle and arrives after its
// end: of longer ones most come when their bin is judged already, amend the store and raise
// nothing. 0 means the defaults of Options.
func LongestWindow(bin, grace time.Duration) time.Duration {
	def(&bin, defaultBin)
	def(&grace, defaultGrace)
	return bin + grace
}
