//go:build cgo

package stores

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/detector/clickhousestore"
	"github.com/heliograph-net/heliograph/detector/internal/stored"
	"github.com/heliograph-net/heliograph/detector/sqlitestore"
	"github.com/heliograph-net/heliograph/internal/configkind"
)

func (s *split) migrate(ctx context.Context, dir string, m Migration) (*MigrationReport, error) {
	o, err := s.options(dir)
	if err != nil {
		return nil, err
	}
	if m.From == "" {
		m.From = configkind.Below(dir, s.State)
	}
	r := &MigrationReport{From: m.From}
	look, err := clickhousestore.See(ctx, o)
	if err != nil {
		return nil, err
	}
	if r.Server = look.Server; look.Tables != 0 && look.Tables != look.Known {
		return nil, fmt.Errorf("the tables of the database are of version %d, and this release's are %d: name an empty database", look.Tables, look.Known)
	}
	if m.DryRun {
		return r, r.count(ctx, look)
	}
	source, err := sqlitestore.OpenSource(ctx, m.From)
	if err != nil {
		return nil, err
	}
	target, err := clickhousestore.OpenImporter(ctx, o)
	if err != nil {
		return nil, errors.Join(err, source.Close())
	}
	mover := &mover{source: source, target: target, report: r, told: m.Progress}
	if err := errors.Join(mover.run(ctx), target.Close(), source.Close()); err != nil || !m.Delete {
		return r, err
	}
	mover.at.Deleting = true
	m.Progress(mover.at)
	if err := sqlitestore.DeleteEvents(ctx, m.From); err != nil {
		return r, err
	}
	r.Deleted = true
	return r, nil
}

// count fills the report of a dry run.
func (r *MigrationReport) count(ctx context.Context, look clickhousestore.Look) error {
	counts, err := sqlitestore.CountSource(ctx, r.From)
	if err != nil {
		return err
	}
	for _, part := range stored.Parts {
		r.Parts = append(r.Parts, MigratedPart{Name: string(part), Rows: counts[part]})
	}
	if look.Rows > 0 {
		return fmt.Errorf("%w: the database has %d rows already. If they are of this file's migration, go on with it", clickhousestore.ErrNotEmpty, look.Rows)
	}
	return nil
}

// mover moves what a source has.
type mover struct {
	source stored.Source
	target *clickhousestore.Importer
	report *MigrationReport
	told   func(MigrationProgress)
	counts []int64 // rows by part
	at     MigrationProgress
}

func (m *mover) run(ctx context.Context) error {
	at, err := m.begin(ctx)
	if err != nil || !m.report.Ended.IsZero() {
		return err
	}
	begun := time.Now()
	for at.Part < len(stored.Parts) {
		if at, err = m.step(ctx, at); err != nil {
			return fmt.Errorf("%w (run the same command again: it goes on from here)", err)
		}
	}
	if err := m.target.Settle(ctx); err != nil {
		return fmt.Errorf("%w (run the same command again: it goes on from here)", err)
	}
	m.report.Moved, m.report.Took = m.at.Done-m.at.Before, time.Since(begun)
	m.at.Checking = true
	if err := m.compare(ctx); err != nil {
		return err
	}
	last, err := m.source.LastPage(ctx)
	if err != nil {
		return err
	}
	return m.target.End(ctx, last)
}

// begin begins a migration, or finds where an earlier one ended.
func (m *mover) begin(ctx context.Context) (at clickhousestore.Import, err error) {
	for i, part := range stored.Parts {
		n, err := m.source.Count(ctx, part)
		if err != nil {
			return at, err
		}
		m.counts = append(m.counts, n)
		m.report.Parts = append(m.report.Parts, MigratedPart{Name: string(part), Rows: m.counts[i]})
		m.at.Total += n
	}
	identity, err := m.source.Identity(ctx)
	if err != nil {
		return at, err
	}
	if at, err = m.target.State(ctx); err != nil {
		return at, err
	}
	switch m.report.Ended = at.Ended; {
	case at.Source == "":
		return at, m.target.Begin(ctx, identity)
	case !at.Ended.IsZero() && m.at.Total == 0:
		m.report.Deleted = true
		return at, nil
	case !at.Ended.IsZero() && sameEvents(at.Source, identity):
		return at, nil
	case at.Source != identity && !at.Ended.IsZero():
		return at, fmt.Errorf("%w: it was moved on %s. What a detector has added to it since then is not in ClickHouse; it has %s, and had %s",
			ErrChanged, at.Ended.UTC().Format(time.DateTime), identity, at.Source)
	case at.Source != identity:
		return at, fmt.Errorf("%w: it has %s, and had %s. Begin anew: make the database empty, and delete the journal", ErrChanged, identity, at.Source)
	}
	for _, n := range m.counts[:min(at.Part, len(m.counts))] {
		m.at.Before += n
	}
	m.at.Before += at.Rows
	m.at.Done = m.at.Before
	return at, nil
}

// sameEvents reports whether two identities differ by the state alone, which a detector changes
// after a migration.
func sameEvents(a, b string) bool {
	a, _, _ = strings.Cut(a, sqlitestore.StateFrom)
	b, _, _ = strings.Cut(b, sqlitestore.StateFrom)
	return a == b
}

// step moves some megabytes. It returns how far the migration has come.
func (m *mover) step(ctx context.Context, at clickhousestore.Import) (clickhousestore.Import, error) {
	part := stored.Parts[at.Part]
	m.at.Part = string(part)
	moved := int64(0)
	var err error
	if part == stored.Pages {
		at, moved, err = m.pages(ctx, at)
	} else {
		at, moved, err = m.rows(ctx, part, at)
	}
	m.at.Done += moved
	m.told(m.at)
	return at, err
}

func (m *mover) rows(ctx context.Context, part stored.Part, at clickhousestore.Import) (clickhousestore.Import, int64, error) {
	rows, n, next, err := m.source.Next(ctx, part, at.After)
	if err != nil {
		return at, 0, err
	}
	if n == 0 {
		return clickhousestore.Import{Part: at.Part + 1}, 0, nil
	}
	to := clickhousestore.Import{Part: at.Part, After: next, Rows: at.Rows + n}
	return to, n, m.target.Add(ctx, rows, to)
}

func (m *mover) pages(ctx context.Context, at clickhousestore.Import) (clickhousestore.Import, int64, error) {
	var after uint64
	if at.After != "" {
		if _, err := fmt.Sscan(at.After, &after); err != nil {
			return at, 0, fmt.Errorf("%q is no page: %w", at.After, err)
		}
	}
	pages, err := m.source.NextPages(ctx, after)
	if err != nil {
		return at, 0, err
	}
	if len(pages) == 0 {
		return clickhousestore.Import{Part: at.Part + 1}, 0, nil
	}
	to := clickhousestore.Import{Part: at.Part, After: fmt.Sprint(pages[len(pages)-1].Number), Rows: at.Rows + int64(len(pages))}
	return to, int64(len(pages)), m.target.AddPages(ctx, pages, to)
}

// compare compares what both stores have of each day.
func (m *mover) compare(ctx context.Context) error {
	var faults []error
	for i, part := range stored.Parts {
		m.at.Part = string(part)
		m.told(m.at)
		if part == stored.Pages {
			continue
		}
		days, err := m.source.Days(ctx, part)
		if err != nil {
			return err
		}
		m.report.Parts[i].Days = len(days)
		for number, want := range days {
			got, err := m.target.Day(ctx, part, number)
			if err != nil {
				return err
			}
			if got.Rows != want.Rows || !near(got.Sums[0], want.Sums[0]) || !near(got.Sums[1], want.Sums[1]) {
				faults = append(faults, fmt.Errorf("%s of %s: %d rows with the sums %v in the file, %d with %v in ClickHouse", part,
					time.UnixMilli(number*stored.DayMS).UTC().Format(time.DateOnly), want.Rows, want.Sums, got.Rows, got.Sums))
			}
		}
	}
	if len(faults) == 0 {
		return nil
	}
	return fmt.Errorf("%w: make the database empty, delete the journal and begin anew; the file is unchanged:\n%w", ErrDiffers, errors.Join(faults[:min(len(faults), 10)]...))
}

// near allows for the rounding of sums, which depends on their order.
func near(a, b float64) bool { return math.Abs(a-b) <= 1e-9*max(math.Abs(a), math.Abs(b)) }
