package roles

import (
	"context"
	"fmt"

	"github.com/heliograph-net/heliograph/internal/lifecycle"
	"github.com/heliograph-net/heliograph/internal/nettable"
)

// addNetworks loads the table of networks, if there is one, and again whenever it changes.
func (p *Process) addNetworks(c *Config) (err error) {
	if c.Networks == "" {
		return nil
	}
	p.names, err = nettable.Open(nettable.Files{Networks: c.File(c.Networks), Countries: c.File(c.Countries),
		Fields: nettable.Fields(c.NetworkFields)})
	if err != nil {
		return fmt.Errorf("networks: %w", err)
	}
	p.reloads.add("networks", func(next *Config) ([]any, error) { return nil, p.names.Reload() })
	p.parts.Add(endWork, lifecycle.Part{Name: "networks", Run: func(ctx context.Context) error {
		p.names.Watch(ctx, lookEvery, func(err error) { tellReload(p.log, "networks", nil, err) })
		return nil
	}})
	return nil
}
