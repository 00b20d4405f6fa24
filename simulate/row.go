package simulate

import "github.com/heliograph-net/heliograph/detector/judgement"

// Row and Probe are the input of the detector's judgement.
type (
	Row   = judgement.Row
	Probe = judgement.Probe
)
