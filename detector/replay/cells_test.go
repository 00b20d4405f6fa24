package replay_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/detector/judgement"
	"github.com/heliograph-net/heliograph/detector/replay"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// cells are ten minutes of forty clients in as many networks that make a request every other
// second; from a minute after the fifth on, a server of four refuses all. It is dead for
// three minutes.
func cells() []byte {
	var b []byte
	const start = 1_772_445_000_000
	for s := range int64(900) {
		for c := range int64(40) {
			if (s+c)%2 != 0 {
				continue
			}
			r := judgement.Row{At: start + s*1000 + c, Arrived: start + s*1000 + c + 900, App: "shop", Version: "1", OS: "linux", Target: "https://shop.example",
				Outcome: report.OK, Protocol: "h2", Status: 200, Server: "192.0.2." + string(rune('1'+(s/2+c)%4)) + ":443", ASN: 64501 + uint32(c),
				Country: "SE", Source: report.SourceAgent, Collector: "c1", Bucket: report.Bucket(1 + c*7), Client: uint64(c + 1), Raw: 1, Estimated: 1}
			if s >= 360 && s < 540 && r.Server == "192.0.2.2:443" {
				r.Outcome, r.Status = report.TCPRefused, 0
			}
			b = replay.AppendRow(b, &r)
		}
		b = replay.AppendTick(b, start+(s+2)*1000)
	}
	return b
}

func run(t *testing.T, text []byte) (events []string, summary replay.Summary) {
	t.Helper()
	var out, errs bytes.Buffer
	if err := replay.Cells(replay.Input{Reader: bytes.NewReader(text), Name: "c.jsonl"}, judgement.Options{Seed: 1}, &out, &errs); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(errs.Bytes(), &summary); err != nil || bytes.Count(errs.Bytes(), []byte("\n")) != 1 {
		t.Fatalf("%v: %s", err, &errs)
	}
	if out.Len() == 0 {
		return nil, summary
	}
	return strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n"), summary
}

// What is written is what docs/replay.md says.
func TestEvents(t *testing.T) {
	lines, summary := run(t, cells())
	if len(lines) < 2 {
		t.Fatalf("%q", lines)
	}
	want := []string{"judged", "event", "id", "onset", "app", "target", "outcomes", "verdict", "page", "late", "severity", "scope", "share", "failed",
		"requests", "expected", "clients", "buckets", "networks", "evidence"}
	id, last := "", 0.0
	for i, line := range lines {
		var e map[string]any
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		for _, key := range want {
			if _, ok := e[key]; !ok {
				t.Errorf("%q is missing in %s", key, line)
			}
		}
		_, over := e["until"]
		if kind := e["event"]; over != (kind == "cleared") || (kind == "opened") != (i == 0) || (kind == "cleared") != (i == len(lines)-1) {
			t.Errorf("event %d is %s", i, line)
		}
		if i == 0 {
			id = e["id"].(string)
		}
		judged := e["judged"].(float64)
		if e["id"] != id || judged < last || e["outcomes"].([]any)[0] != "tcp.refused" || e["verdict"] != string(model.ServerGroup) {
			t.Errorf("%s", line)
		}
		last = judged
		if scope, _ := json.Marshal(e["scope"].([]any)[0]); string(scope) != `{"server":["192.0.2.2:443"]}` {
			t.Errorf("%s", line)
		}
		if delay := judged - (1_772_445_000_000 + 360_000); i == 0 && (delay < 0 || delay > 60_000) {
			t.Errorf("judged after %v ms", delay)
		}
	}
	if summary.Cells != 18_000 || summary.Bins < 80 || summary.PeakBytes <= 0 || summary.Step.Max < summary.Step.P50 {
		t.Errorf("%+v", summary)
	}
}

// The same bytes give the same bytes, with ticks or without, since whatever arrives moves time as
// well.
func TestReplayRepeats(t *testing.T) {
	text := cells()
	first, _ := run(t, text)
	again, _ := run(t, text)
	if !slices.Equal(first, again) {
		t.Error("the same bytes give other events")
	}
	lines := strings.SplitAfter(string(text), "\n")
	without, _ := run(t, []byte(strings.Join(slices.DeleteFunc(lines, func(l string) bool { return strings.HasPrefix(l, `{"tick"`) }), "")))
	if len(without) != len(first) {
		t.Errorf("%d events without ticks, %d with them", len(without), len(first))
	}
}

// An event is there as soon as it is decided, and at the end nothing more is judged than the last
// time allows.
func TestEventsAreFlushed(t *testing.T) {
	text := cells()
	in, feed := io.Pipe()
	events, out := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := replay.Cells(replay.Input{Reader: in, Name: "-"}, judgement.Options{Seed: 1}, out, io.Discard)
		out.CloseWithError(io.EOF)
		done <- err
	}()
	told := make(chan struct{})
	go func() {
		feed.Write(text[:bytes.LastIndexByte(text[:len(text)/2], '\n')+1]) // the fault is on
		<-told
		feed.Close()
	}()
	first := make([]byte, 64)
	got := make(chan error, 1)
	go func() { _, err := io.ReadFull(events, first); got <- err }()
	select {
	case err := <-got:
		if err != nil || !bytes.Contains(first, []byte(`"event":"opened"`)) {
			t.Errorf("%v: %s", err, first)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("no event, though the input goes on")
	}
	close(told)
	rest, err := io.ReadAll(events)
	if err := errors.Join(err, <-done); err != nil || bytes.Contains(rest, []byte(`"cleared"`)) {
		t.Errorf("%v: %s", err, rest)
	}
}

func TestBadCells(t *testing.T) {
	tick := string(replay.AppendTick(nil, 1_772_445_000_000))
	for text, want := range map[string]string{
		tick + "{":           "c.jsonl:2: line: ",
		tick + "\n" + tick:   "c.jsonl:2: line: ",
		tick + `{"tok":1}`:   "c.jsonl:2: tok: ",
		tick + `{"tick":"x"`: "c.jsonl:2: tick: ",
		tick + `{"tick":1` + strings.Repeat(" ", replay.MaxLine) + "}": "c.jsonl:2: line: is longer than 65536 bytes",
	} {
		err := replay.Cells(replay.Input{Reader: strings.NewReader(text), Name: "c.jsonl"}, judgement.Options{}, io.Discard, io.Discard)
		if _, ok := errors.AsType[*replay.InputError](err); !ok || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%.80q: %v, want %q", text, err, want)
		}
	}
	if lines, s := run(t, nil); len(lines) != 0 || s.Cells != 0 {
		t.Errorf("of nothing: %q, %+v", lines, s)
	}
}

// Time that leaps, in either direction, breaks nothing, nor do reports of any other time.
func TestLeapsOfTime(t *testing.T) {
	const now, week = 1_772_445_000_000, 7 * 24 * 3_600_000
	var b []byte
	for _, tick := range []int64{now, now + week, now - week, now + week + 20_000, 0} {
		for _, at := range []int64{0, now, now + week, 253_402_300_799_999} {
			r := judgement.Row{At: at, Arrived: tick, App: "a", Target: "t", Outcome: "tcp.reset", Source: report.SourceAgent, Raw: 1 << 53, Estimated: 1e300}
			b = replay.AppendRow(b, &r)
		}
		b = replay.AppendTick(b, tick)
	}
	if lines, s := run(t, b); s.Cells != 20 || slices.ContainsFunc(lines, func(l string) bool { return strings.Contains(l, `"page":true`) }) {
		t.Errorf("%+v %q", s, lines)
	}
}

// The first report may be of any time: what is judged begins when it arrives.
func TestFirstReportOfThePast(t *testing.T) {
	r := judgement.Row{At: 60_000, Arrived: 1_772_445_000_000, App: "a", Target: "t", Outcome: "tcp.reset", Source: report.SourceAgent, Raw: 1, Estimated: 1}
	b := replay.AppendTick(replay.AppendRow(nil, &r), r.Arrived+60_000)
	if lines, s := run(t, b); len(lines) != 0 || s.Bins > 60 || s.Late != 1 {
		t.Errorf("%+v %q", s, lines)
	}
}
