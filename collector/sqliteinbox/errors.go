package sqliteinbox

import (
	"fmt"

	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/internal/sqlitedb"
)

// named says what was being done, and makes the driver's ways to say "no room" collector.ErrFull.
func named(doing string, err error) error {
	if err == nil {
		return nil
	}
	if sqlitedb.NoRoom(err) {
		return fmt.Errorf("%s: %w: %w", doing, collector.ErrFull, err)
	}
	return fmt.Errorf("%s: %w", doing, err)
}
