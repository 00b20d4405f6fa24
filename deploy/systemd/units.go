// Package systemd has the units of Heliograph's services. See [Unit].
package systemd

import "embed"

//go:embed *.service
var units embed.FS

// Unit returns the unit file of a role: collector, detector, prober or relay. Its name is
// heliograph-ROLE.service.
func Unit(role string) ([]byte, error) { return units.ReadFile("heliograph-" + role + ".service") }
