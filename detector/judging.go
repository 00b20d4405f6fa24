package detector

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/detector/judgement"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// judging is a judge and how far it was given rows. The store keeps rows until a snapshot of the
// judge that contains them is stored. After a crash, the rows after the snapshot are given again.
type judging struct {
	judge *judgement.Judge
	line  timeline
	seed  uint64
	given uint64 // number of the last page of rows given to the judge
	now   int64  // the time that the judge has reached
}

// judgingVersion is the version of a stored judging. Other versions are refused.
const judgingVersion = 1

// judgingHead is the first line of a stored judging. The rest is the judge's snapshot.
type judgingHead struct {
	Version int    `json:"version"`
	Seed    uint64 `json:"seed"`
	Given   uint64 `json:"given"`
	Now     int64  `json:"now"`
	timeline
}

// text returns the stored form.
func (j *judging) text() ([]byte, error) {
	snapshot, err := j.judge.Snapshot()
	if err != nil {
		return nil, err
	}
	head, err := json.Marshal(judgingHead{judgingVersion, j.seed, j.given, j.now, j.line})
	if err != nil {
		return nil, fmt.Errorf("storing the judgement: %w", err)
	}
	return append(append(head, '\n'), snapshot...), nil
}

// restoreJudging is the inverse of text.
func restoreJudging(o judgement.Options, lapse int64, text []byte) (*judging, error) {
	first, snapshot, _ := bytes.Cut(text, []byte{'\n'})
	var head judgingHead
	if err := json.Unmarshal(first, &head); err != nil {
		return nil, fmt.Errorf("reading the judgement: %w", err)
	}
	if head.Version != judgingVersion {
		return nil, fmt.Errorf("reading the judgement: version %d is not of this release", head.Version)
	}
	o.Seed = head.Seed
	judge, err := judgement.Restore(o, snapshot)
	if err != nil {
		return nil, err
	}
	head.lapse = lapse
	return &judging{judge, head.timeline, head.Seed, head.Given, head.Now}, nil
}

// rowsAtOnce is the least number of rows that are sorted by arrival at a time, because pages of
// different feeds come in any order.
const rowsAtOnce = 50_000

// take gives the judge the rows of pages in the order in which collectors received them, and then
// judges everything that can be judged by now. read returns the rows of a page. If it returns an
// error, take returns it, and the judge must not be used any more.
func (j *judging) take(pages []RowPage, now time.Time, read func(number uint64) ([]judgement.Row, error)) (events []judgement.Event, err error) {
	slices.SortStableFunc(pages, func(a, b RowPage) int { return a.Arrived.Compare(b.Arrived) })
	var rows []judgement.Row
	for i := range pages {
		more, err := read(pages[i].Number)
		if err != nil {
			return nil, err
		}
		if rows = append(rows, more...); len(rows) >= rowsAtOnce {
			events = append(events, j.give(rows, now)...)
			rows = rows[:0]
		}
		j.given = max(j.given, pages[i].Number)
	}
	events = append(events, j.give(rows, now)...)
	return append(events, j.reach(j.line.judges(now.UnixMilli()))...), nil
}

// give gives the judge rows in the order of their arrival.
func (j *judging) give(rows []judgement.Row, now time.Time) (events []judgement.Event) {
	slices.SortStableFunc(rows, func(a, b judgement.Row) int { return cmp.Compare(a.Arrived, b.Arrived) })
	end := j.line.judges(now.UnixMilli())
	for i := range rows {
		r := &rows[i]
		age := (r.Arrived - r.At) * j.line.lapse
		r.Arrived = min(j.line.judges(r.Arrived), end) // the clock was set back since then
		r.At = r.Arrived - age
		if r.Arrived > j.now { // then everything that arrived before has been given
			events = append(events, j.judge.Advance(j.now)...)
			j.now = r.Arrived
		}
		j.judge.Add(*r)
	}
	return events
}

// reach sets the judge's time and judges everything that can be judged by then.
func (j *judging) reach(now int64) []judgement.Event {
	j.now = max(j.now, now)
	return j.judge.Advance(j.now)
}

// addProbe gives the judge the result of a probe, unless the vantage doubts itself.
func (j *judging) addProbe(r *model.ProbeResult) {
	p := judgement.Probe{At: j.line.judges(r.At.UnixMilli()), Vantage: r.Vantage, VantageASN: r.VantageASN, Server: r.Server, Outcome: r.Outcome}
	switch r.Judgement {
	case report.JudgedUp:
		p.Unsettled = p.Outcome != report.OK // it is up so far
	case report.JudgedDown:
		if p.Outcome == report.OK { // the server was down before, and one success is not enough
			return
		}
		p.Sure = true
		j.judge.AddProbe(p) // twice, because the vantage has tried again before it judged so
	default:
		return
	}
	j.judge.AddProbe(p)
}
