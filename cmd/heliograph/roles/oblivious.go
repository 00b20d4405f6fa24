package roles

import (
	"fmt"

	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/privacy/keyfile"
)

// obliviousSettings reads the keys of the collector's Oblivious HTTP gateway, and those of the
// relays that it knows.
func obliviousSettings(c *Config, s *collector.Settings) error {
	for _, name := range c.Collector.ObliviousKeys {
		key, err := readKey(c.dir, name, keyfile.ParseObliviousKey)
		if err != nil {
			return fmt.Errorf("collector.oblivious_keys: %w", err)
		}
		s.ObliviousKeys = append(s.ObliviousKeys, key)
	}
	for _, name := range c.Collector.RelayKeys {
		key, err := readKey(c.dir, name, keyfile.ParsePublicKey)
		if err != nil {
			return fmt.Errorf("collector.relay_keys: %w", err)
		}
		s.RelayKeys = append(s.RelayKeys, key)
	}
	return nil
}
