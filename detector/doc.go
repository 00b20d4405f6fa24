// Package detector takes sealed batches from collectors, opens and stores them, finds what is
// abnormal and says who is hit.
//
// New wires a Detector and Run drives it: one goroutine per Feed takes batches in, one evaluates
// bins as they close, one deletes what is too old. Everything a dashboard asks for is in Reader.
// The statistics are in SeriesDetector, which has no clock and no goroutine: bins of counts go in,
// events come out.
package detector
