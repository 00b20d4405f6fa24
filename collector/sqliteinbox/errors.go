package sqliteinbox

import (
	"errors"
	"fmt"

	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/internal/sqlitedb"
)

// ErrRemoved says that a file of the inbox was removed, or replaced by another, while it is open.
// What would be stored is lost when the process ends, so that nothing new is taken; what the inbox
// holds can be read as long as the process runs.
var ErrRemoved = errors.New("let detectors read what the inbox holds, then restart the collector")

// named says what was being done, and makes the driver's ways to say "no room" collector.ErrFull,
// and those to say that the file is damaged sqlitedb.ErrDamaged.
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

// usable returns why nothing can be stored, whatever room there is.
func (i *Inbox) usable() error {
	if err := i.damaged.Load(); err != nil {
		return *err
	}
	if err := i.db.Intact(); err != nil {
		return fmt.Errorf("%w; %w", err, ErrRemoved)
	}
	return nil
}
