package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"github.com/heliograph-net/heliograph/cmd/heliograph/roles"
	"github.com/heliograph-net/heliograph/detector/stores"
)

type migrateCmd struct {
	configFlag
	jsonFlag
	From   string `help:"SQLite file that has the reports. Default: the state's file, which has both if it was detector.store." type:"path" placeholder:"FILE"`
	DryRun bool   `help:"Only look: count what would be moved, and ask ClickHouse."`
	Delete bool   `help:"Delete the reports from the SQLite file once they are in ClickHouse, also after a migration before. There is no way back then."`
}

// Run moves the reports and prints what was compared. The exit code is 3 if ClickHouse does not
// have what the file has.
func (m *migrateCmd) Run(ctx context.Context, out *output) error {
	if m.DryRun && m.Delete {
		return &exitError{code: exitUsage, text: "--dry-run changes nothing, so it does not go with --delete"}
	}
	var at atomic.Pointer[stores.MigrationProgress]
	began := time.Now()
	var report *stores.MigrationReport
	err := whileWorking(out.stderr, func() string { return migrationText(at.Load(), time.Since(began)) }, func() (err error) {
		report, err = roles.Migrate(ctx, m.Config, stores.Migration{From: m.From, DryRun: m.DryRun, Delete: m.Delete, Progress: func(p stores.MigrationProgress) { at.Store(&p) }})
		return err
	})
	if errors.Is(err, stores.ErrDiffers) {
		return &exitError{code: exitUnsound, text: err.Error()}
	}
	if err != nil {
		return err
	}
	if m.JSON {
		return out.json(newMigrated(report, m.DryRun))
	}
	printMigration(out, report, m.DryRun)
	return nil
}

// migrationText says how far a migration has come, at what rate, and how long the rest takes.
func migrationText(p *stores.MigrationProgress, took time.Duration) string {
	switch {
	case p == nil:
		return "opening the file and ClickHouse"
	case p.Deleting:
		return "deleting the reports from the file"
	case p.Checking:
		return fmt.Sprintf("all %d rows are moved; comparing %s", p.Total, p.Part)
	}
	text := fmt.Sprintf("%s: %d of %d rows moved", p.Part, p.Done, p.Total)
	if rate := float64(p.Done-p.Before) / took.Seconds(); rate >= 1 {
		left := time.Duration(float64(p.Total-p.Done) / rate * float64(time.Second))
		text += fmt.Sprintf(", %.0f a second, %v left", rate, left.Round(time.Second))
	}
	return text
}

func printMigration(out *output, r *stores.MigrationReport, dry bool) {
	switch {
	case !r.Ended.IsZero() && r.Deleted:
		fmt.Fprintf(out.stdout, "%s was moved on %s. It has no reports any more.\n", r.From, r.Ended.UTC().Format(time.DateTime))
		return
	case !r.Ended.IsZero():
		fmt.Fprintf(out.stdout, "%s was moved on %s already. Nothing was done.\n%s", r.From, r.Ended.UTC().Format(time.DateTime), kept)
		return
	case dry:
		fmt.Fprintf(out.stdout, "Nothing was changed. %s would be moved to ClickHouse %s:\n", r.From, r.Server)
	default:
		fmt.Fprintf(out.stdout, "%s is in ClickHouse %s, with the same counts and sums on each day:\n", r.From, r.Server)
	}
	for _, p := range r.Parts {
		fmt.Fprintf(out.stdout, "%12d  %s", p.Rows, p.Name)
		if p.Days > 0 && !dry {
			fmt.Fprintf(out.stdout, ", %d days", p.Days)
		}
		fmt.Fprintln(out.stdout)
	}
	if r.Moved > 0 {
		fmt.Fprintf(out.stdout, "%d rows were moved in %v, %.0f a second.\n", r.Moved, r.Took.Round(time.Second), rate(r))
	}
	switch {
	case dry:
	case r.Deleted:
		fmt.Fprintln(out.stdout, "Start the detector. The reports are deleted from the file; the state in it is still used if it is detector.store.state.")
	default:
		fmt.Fprint(out.stdout, "Start the detector. The state in the file is still used if it is detector.store.state.\n"+kept)
	}
}

// rate returns how many rows a migration has moved in a second.
func rate(r *stores.MigrationReport) float64 {
	return float64(r.Moved) / max(r.Took.Seconds(), 1e-3)
}

// kept says what becomes of the reports in the file.
const kept = `The file keeps its reports, for the way back. Nothing deletes them there any more: no retention, and no client who withdraws consent.
When you no longer need the way back, stop the detector and delete them: heliograph migrate --delete.
`

// migrated is a migration in JSON.
type migrated struct {
	From   string         `json:"from"`
	Server string         `json:"server"`
	DryRun bool           `json:"dry_run"`
	Before *time.Time     `json:"moved_before,omitempty"`
	Parts  []migratedPart `json:"parts"`

	Moved int64   `json:"rows_moved"` // by this run
	Rate  float64 `json:"rows_per_second"`
	// Deleted says that the file has no reports any more.
	Deleted bool `json:"deleted"`
}

type migratedPart struct {
	Name string `json:"name"`
	Rows int64  `json:"rows"`
	Days int    `json:"days_compared"`
}

func newMigrated(r *stores.MigrationReport, dry bool) migrated {
	m := migrated{From: r.From, Server: r.Server, DryRun: dry, Moved: r.Moved, Rate: math.Round(rate(r)), Deleted: r.Deleted}
	if !r.Ended.IsZero() {
		m.Before = new(r.Ended)
	}
	for _, p := range r.Parts {
		m.Parts = append(m.Parts, migratedPart(p))
	}
	return m
}
