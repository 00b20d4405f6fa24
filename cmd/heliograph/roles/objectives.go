package roles

import (
	"fmt"

	"github.com/heliograph-net/heliograph/detector/slo"
	"github.com/heliograph-net/heliograph/internal/lifecycle"
	"github.com/heliograph-net/heliograph/model"
)

// addObjectives adds the watcher of the targets' objectives. It must be added before the detector,
// which makes incidents of what the watcher says.
func (p *Process) addObjectives(c *Config) error {
	w, err := slo.New(slo.Options{Objectives: c.objectives(), Store: p.Store, Logger: p.log})
	if err != nil {
		return fmt.Errorf("detector.objectives: %w", err)
	}
	if err := p.metrics.Register(w); err != nil {
		return fmt.Errorf("metrics of objectives: %w", err)
	}
	p.objectives = w
	p.budgets = func() ([]model.ObjectiveStatus, bool) {
		all := w.Status()
		return all, len(all) > 0 || len(c.Detector.Objectives) == 0
	}
	p.parts.Add(endWork, lifecycle.Part{Name: "objectives", Run: w.Run})
	return nil
}
