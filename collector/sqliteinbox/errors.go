package sqliteinbox

import (
	"errors"
	"fmt"

	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/internal/sqlitedb"
)

// ErrRemoved says that a file of the open inbox was removed or replaced. Anything stored now would
// be lost when the process ends, so no new batches are accepted. The batches in the inbox can be
// read as long as the process runs.
var ErrRemoved = errors.New("let detectors read what the inbox holds, then restart the collector")

// named adds to an error what was being done. It turns the driver's errors about missing room into
// collector.ErrFull and those about a damaged file into sqlitedb.ErrDamaged.
func (i *Inbox) named(doing string, err error) error {
	if err == nil {
		return nil
	}
	if sqlitedb.NoRoom(err) {
		return fmt.Errorf("%s: %w: %w", doing, collector.ErrFull, err)
	}
	if sqlitedb.Damaged(err) {
		err = fmt.Errorf("%w: %w", sqlitedb.ErrDamaged, err)
		i.damaged.CompareAndSwap(nil, &err)
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// usable returns the reason why nothing can be stored, apart from missing room.
func (i *Inbox) usable() error {
	if err := i.damaged.Load(); err != nil {
		return *err
	}
	if err := i.db.Intact(); err != nil {
		return fmt.Errorf("%w; %w", err, ErrRemoved)
	}
	return nil
}
