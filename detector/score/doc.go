// Package score gives each bin of one series a number from 0 to 1 that says how unusual it is, as
// the bins come: what comes later changes nothing. [Scorer] does it. It is for series that nothing
// else is known of, such as the failures of one service; incidents are the business of package
// judgement.
//
// A value is compared with all of the last four weeks and with its time of the day, on a
// logarithmic scale in units of the usual spread. What makes the score is how long ago it was last
// as unusual: people want to be told of what they have not seen for days, and not again of
// what goes on.
package score
