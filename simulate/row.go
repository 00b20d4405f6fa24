package simulate

import "github.com/heliograph-net/heliograph/detector/judgement"

// Row and Probe are what the detector's judgement takes.
type (
	Row   = judgement.Row
	Probe = judgement.Probe
)
