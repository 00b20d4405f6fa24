package main

import (
	"errors"
	"fmt"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/agent/diskspool"
)

type sentCmd struct {
	Policy string `help:"Signed policy that get was given; it says where its spool is." placeholder:"FILE"`
	JSON   bool   `name:"json" help:"Print JSON."`
	Spool  string `help:"Directory of the reports, as for get, or of another application." type:"path" placeholder:"DIR"`
}

// Run prints what was sent from this device and to whom, oldest first.
func (s *sentCmd) Run(out *output) error {
	dir := s.Spool
	if dir == "" {
		if s.Policy == "" {
			return errors.New("--spool or --policy is needed: they say whose log to show")
		}
		signed, _, err := readPolicy(s.Policy)
		if err != nil {
			return fmt.Errorf("--policy: %w", err)
		}
		if dir, err = defaultSpool(signed); err != nil {
			return err
		}
	}
	spool, err := diskspool.Open(dir, diskspool.Options{})
	if err != nil {
		return fmt.Errorf("--spool: %w", err)
	}
	defer spool.Close()
	all, err := agent.ReadSent(spool)
	if err != nil {
		return fmt.Errorf("reading the log in %s: %w", dir, err)
	}
	if s.JSON {
		return out.json(newSentList(all))
	}
	if len(all) == 0 {
		_, err := fmt.Fprintln(out.stdout, "Nothing was sent from here in the last 30 days, or consent was withdrawn since.")
		return err
	}
	for _, r := range all {
		if _, err := fmt.Fprint(out.stdout, r); err != nil {
			return err
		}
	}
	return nil
}
