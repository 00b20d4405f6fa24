// Package detector reads sealed batches from collectors, opens and stores them, finds what is
// abnormal and says who is affected.
//
// Start with [New] and [Detector.Run]. One goroutine for each [Feed] reads batches, one evaluates
// bins as they close, and one deletes old data. [Events] and [State] are the stores, which package
// sqlitestore implements. [Reader] answers the queries of dashboards. Package judgement has the
// statistics, which use no clock and no goroutines.
package detector
