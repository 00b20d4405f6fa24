package api

import (
	"time"

	"github.com/heliograph-net/heliograph/model"
)

// Part is a part of the way of reports that can fail by itself.
type Part struct {
	// "collector", "vantage" or "detector".
	Kind model.PartKind `json:"kind"`
	// Empty for the detector.
	Name string `json:"name"`
	// "works", "impaired" or "fails".
	State model.PartState `json:"state"`
	// What is wrong and what to do about it; absent if nothing is.
	Text string `json:"text,omitempty"`
	// When the state began; absent if unknown.
	Since time.Time `json:"since,omitzero"`
}
