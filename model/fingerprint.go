package model

import (
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// Fingerprint is one cause of application errors, and where it was seen.
type Fingerprint struct {
	App         string
	Fingerprint [16]byte
	Type        string         // of the error; of the first one that was stored, like Outcome
	Outcome     report.Outcome // below "app" or "browser"
	// First and Last are the times of the earliest and the latest error, and FirstVersion and
	// LastVersion the releases that they were seen in. So FirstVersion is the release that the
	// error is new in.
	First, Last               time.Time
	FirstVersion, LastVersion string
	Errors                    uint64 // how many there were
	// distinct clients among the samples that are stored, of any age
	Clients uint64
}

// FingerprintQuery selects fingerprints.
type FingerprintQuery struct {
	App   string    // empty for any
	NewIn string    // first seen in this version; empty for any
	Since time.Time // last seen since
	Until time.Time // first seen before; zero means any time
	// Fingerprint is the only one that is wanted; zero for any.
	Fingerprint [16]byte
	Limit       int // 0 means 100
}
