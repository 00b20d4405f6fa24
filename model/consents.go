package model

import "time"

// Consents is how many batches came under which consent. Users without consent send nothing, so
// nobody knows how many they are.
type Consents struct {
	Since       time.Time // when counting began
	Counts      uint64    // batches of users who allow counts only
	Diagnostics uint64    // batches of users who allow diagnostics
	Withdrawn   uint64    // notices that consent is withdrawn
}
