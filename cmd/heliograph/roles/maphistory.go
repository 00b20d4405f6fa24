package roles

import (
	"context"
	"fmt"
	"time"

	"github.com/heliograph-net/heliograph/heatmap/history"
	"github.com/heliograph-net/heliograph/internal/lifecycle"
)

// frameInterval is the time from one frame of the heat map's history to the next.
const frameInterval = time.Minute

// addMapHistory adds the history of the heat map.
func (p *Process) addMapHistory(c *Config) error {
	p.reloads.fix(map[string]func(*Config) any{"detector.map_history": func(c *Config) any { return c.Detector.MapHistory }})
	if c.Detector.MapHistory == "" {
		return nil
	}
	past, err := history.Open(history.Options{Dir: c.File(c.Detector.MapHistory)})
	if err != nil {
		return fmt.Errorf("detector.map_history: %w", err)
	}
	p.past = past
	p.parts.Add(endWork, lifecycle.Part{
		Name: "map history",
		Run: func(ctx context.Context) error {
			past.Record(ctx, p.probes, frameInterval, func(err error) { p.log.Error("a frame of the heat map is not kept", "error", err) })
			return nil
		},
		Close: past.Close,
	})
	return nil
}
