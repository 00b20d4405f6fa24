//go:build cgo

package clickhousestore

import (
	"context"
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// ErrSchema says that the tables were written by a newer release of Heliograph.
var ErrSchema = fmt.Errorf("the tables are not of a version that this release can read")

// versions[i] has the statements that lead from version i of the tables to the next. Released
// ones must not be changed. A statement may be repeated, because ClickHouse has no transactions.
//
// Times are Unix milliseconds, and day is the UTC day of a row's time, by which all large tables
// are partitioned, because dropping a partition costs nothing. block is the number of the block
// that brought a row. A mark other than 0 makes a row a mark of that block, see the package's
// documentation.
var versions = [][]string{version1}

var version1 = []string{
	`CREATE TABLE IF NOT EXISTS batches (
		day Date, id FixedString(16), sealing FixedString(16), frames UInt32, again UInt8, feed String, received Int64, app String,
		records UInt32, asn UInt32, block UInt64
	) ENGINE = MergeTree PARTITION BY day ORDER BY (id, sealing) SETTINGS index_granularity = 1024`,
	// several rows of a series and bin are to be summed
	`CREATE TABLE IF NOT EXISTS cells (
		day Date, bin Int64, series UInt64, delivery UInt8, asn UInt32, raw UInt64, estimated Float64, clients String, spread String, places String, block UInt64
	) ENGINE = MergeTree PARTITION BY day ORDER BY (bin, series)`,
	// the series that a day's cells have
	`CREATE TABLE IF NOT EXISTS series (
		day Date, id UInt64, delivery UInt8, app String, target String, outcome String, protocol String, status UInt16, server String,
		asn UInt32, country String, source UInt8, flags UInt64
	) ENGINE = ReplacingMergeTree PARTITION BY day ORDER BY id`,
	`CREATE TABLE IF NOT EXISTS samples (
		day Date, at Int64, seq UInt32, app String, version String, os String, source UInt8, target String, url String, method String,
		outcome String, phase String, protocol String, server String, status UInt16, elapsed Int64, trace FixedString(16), flags UInt64,
		asn UInt32, country String, error_type String, message String, stack String, fingerprint FixedString(16), count UInt64,
		client UInt64, block UInt64
	) ENGINE = MergeTree PARTITION BY day ORDER BY at`,
	`CREATE TABLE IF NOT EXISTS probes (
		day Date, at Int64, seq UInt32, vantage String, vantage_asn UInt32, name String, address String, kind String, region String,
		data_centre String, cluster String, row String, judgement UInt8, outcome String, step_names Array(String), step_us Array(Int64),
		family UInt8, server String, protocol String, status UInt16, version String, block UInt64
	) ENGINE = MergeTree PARTITION BY day ORDER BY at`,

	// sums by minute and hour; clients are the sets of the rows that were summed
	`CREATE TABLE IF NOT EXISTS rollups (
		day Date, mark UInt64, step Int64, at Int64, app String, version String, os String, target String, outcome String, asn UInt32,
		country String, source UInt8,
		raw AggregateFunction(sum, UInt64), estimated AggregateFunction(sum, Float64), clients AggregateFunction(groupUniqArray, String)
	) ENGINE = AggregatingMergeTree PARTITION BY day ORDER BY (mark, step, at, app, version, os, target, outcome, asn, country, source)`,
	`CREATE TABLE IF NOT EXISTS rollups_in (
		day Date, mark UInt64, step Int64, at Int64, app String, version String, os String, target String, outcome String, asn UInt32,
		country String, source UInt8, reported UInt64, requests Float64, sketch String
	) ENGINE = Null`,
	`CREATE MATERIALIZED VIEW IF NOT EXISTS rollups_add TO rollups AS
	SELECT day, mark, step, at, app, version, os, target, outcome, asn, country, source,
		sumState(reported) AS raw, sumState(requests) AS estimated, groupUniqArrayState(sketch) AS clients
	FROM rollups_in GROUP BY day, mark, step, at, app, version, os, target, outcome, asn, country, source`,

	// requests by bucket of model.Latency
	`CREATE TABLE IF NOT EXISTS latencies (
		day Date, mark UInt64, step Int64, at Int64, target String, bucketsMap Nested(bucket UInt8, requests Float64)
	) ENGINE = SummingMergeTree PARTITION BY day ORDER BY (mark, step, at, target)`,

	// causes of application errors
	`CREATE TABLE IF NOT EXISTS causes (
		mark UInt64, app String, fingerprint FixedString(16), type AggregateFunction(any, String), outcome AggregateFunction(any, String),
		asn AggregateFunction(any, UInt32), first AggregateFunction(min, Int64), first_version AggregateFunction(argMin, String, Int64),
		last AggregateFunction(max, Int64), last_version AggregateFunction(argMax, String, Int64), errors AggregateFunction(sum, UInt64)
	) ENGINE = AggregatingMergeTree ORDER BY (mark, app, fingerprint)`,
	`CREATE TABLE IF NOT EXISTS causes_in (
		mark UInt64, app String, fingerprint FixedString(16), error_type String, error_outcome String, network UInt32, at Int64, version String,
		n UInt64
	) ENGINE = Null`,
	`CREATE MATERIALIZED VIEW IF NOT EXISTS causes_add TO causes AS
	SELECT mark, app, fingerprint, anyState(error_type) AS type, anyState(error_outcome) AS outcome, anyState(network) AS asn,
		minState(at) AS first, argMinState(version, at) AS first_version, maxState(at) AS last, argMaxState(version, at) AS last_version,
		sumState(n) AS errors
	FROM causes_in GROUP BY mark, app, fingerprint`,
}

// prepare upgrades the tables, before the first statement that the server answers. A server that
// was away at the start is found here.
func (s *Events) prepare(ctx context.Context) error {
	if s.prepared.Load() {
		return nil
	}
	s.preparing.Lock()
	defer s.preparing.Unlock()
	if s.prepared.Load() {
		return nil
	}
	if err := s.migrate(ctx); err != nil {
		return err
	}
	s.prepared.Store(true)
	return nil
}

// migrate upgrades the tables to this release's.
func (s *Events) migrate(ctx context.Context) error {
	if err := s.exec(ctx, "preparing the tables", "CREATE TABLE IF NOT EXISTS versions (version UInt32, at DateTime DEFAULT now()) ENGINE = MergeTree ORDER BY version"); err != nil {
		return err
	}
	var found int64
	if err := s.ask(ctx, "reading the version of the tables", "SELECT toInt64(max(version)) FROM versions", nil, func(rows driver.Rows) error { return rows.Scan(&found) }); err != nil {
		return err
	}
	if found > int64(len(versions)) {
		return fmt.Errorf("%w: database %s has version %d, this release knows %d; start the release that wrote it, or name another database",
			ErrSchema, s.o.Database, found, len(versions))
	}
	for i, statements := range versions[found:] {
		for _, statement := range statements {
			if err := s.exec(ctx, "upgrading the tables", statement); err != nil {
				return err
			}
		}
		if err := s.exec(ctx, "upgrading the tables", fmt.Sprintf("INSERT INTO versions (version) SELECT toUInt32(%d)", int(found)+i+1)); err != nil {
			return err
		}
	}
	return nil
}
