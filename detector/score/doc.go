// Package score gives each bin of one series a number from 0 to 1 that says how unusual the bin is.
// A score does not depend on later bins. Start with [New]. The package is for a single series about
// which nothing else is known, such as the failures of one service. Package detector finds
// incidents.
//
// A value is compared with all values of the last four weeks and with those of its time of day, on
// a logarithmic scale in units of the usual spread. The score grows with the time since a value was
// last about as unusual, because people want to be told of what they have not seen for days, and
// not of the same thing again.
package score
