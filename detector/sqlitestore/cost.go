package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/heliograph-net/heliograph/detector/answers"
	"github.com/heliograph-net/heliograph/internal/sqlitedb"
	"github.com/heliograph-net/heliograph/model"
)

// Limits of what one query reads and keeps in memory. They are variables for tests.
var (
	maxCellsRead   = answers.MaxCells
	maxSeriesRead  = answers.MaxSeries
	maxGroups      = answers.MaxGroups
	maxRollupsRead = answers.MaxRollups
)

// judgeCost refuses a query that would read more cells than maxCellsRead, before it is run. Its
// error says from what time on the query would be allowed. judgeCost reads only the keys of the
// cells.
func (s *Events) judgeCost(ctx context.Context, q model.TotalsQuery) error {
	s.settle(ctx)
	var bin int64
	err := s.asked.QueryRowContext(ctx, "SELECT bin FROM cells WHERE bin > ? AND bin <= ? ORDER BY bin DESC LIMIT 1 OFFSET ?",
		append(spanArgs(q), maxCellsRead)...).Scan(&bin)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil
	case err != nil:
		return sqlitedb.Doing("judging what a query costs", err)
	}
	return &model.CostError{Of: "sums", Most: maxCellsRead, Since: time.UnixMilli(bin)}
}
