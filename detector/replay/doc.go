// Package replay runs the detector's judgement over files: rows of reports ([Cells]), one series of
// counts ([Series]), or labelled rows in the shape of the RobustSpot data set. It opens no
// connection and no store, and reads the clock only to measure its own cost. So the same bytes
// always give the same answer. docs/replay.md describes the formats.
package replay
