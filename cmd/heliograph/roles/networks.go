package roles

import (
	"context"
	"fmt"

	"github.com/heliograph-net/heliograph/internal/lifecycle"
	"github.com/heliograph-net/heliograph/internal/nettable"
)

// addNetworks loads the table of networks, if there is one, and loads it again whenever it changes.
func (p *Process) addNetworks(c *Config) (err error) {
	if c.Networks == "" {
		return nil
	}
	if p.names, err = nettable.Open(networkFiles(c)); err != nil {
		return fmt.Errorf("networks: %w", err)
	}
	p.reloads.add("networks", func(next *Config) ([]any, error) {
		if next.Networks == "" { // the table in use stays
			next = c
		}
		err := p.names.Load(networkFiles(next))
		return []any{"modified", p.names.Modified()}, err
	})
	p.parts.Add(endWork, lifecycle.Part{Name: "networks", Run: func(ctx context.Context) error {
		p.names.Watch(ctx, lookEvery, func(err error) {
			p.reloads.report.tell("networks", []any{"modified", p.names.Modified()}, err)
		})
		return nil
	}})
	return nil
}

func networkFiles(c *Config) nettable.Files {
	return nettable.Files{Networks: c.File(c.Networks), Countries: c.File(c.Countries), Fields: nettable.Fields(c.NetworkFields)}
}
