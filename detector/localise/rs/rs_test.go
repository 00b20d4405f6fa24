package rs

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
)

const at = 1566397260

// shuffled is a table whose rows are in no order: at bitrate 2000 a fifth fails in the last minute.
func shuffled() string {
	var b strings.Builder
	b.WriteString("cnt,bitrate,min,p2p,value\n")
	for _, minute := range []int64{at, at - 120, at + 60, at - 60, at - 7200} {
		for _, bitrate := range []int{500, 2000} {
			for _, p2p := range []int{0, 1} {
				failed := 4
				if minute == at && bitrate == 2000 || minute == at+60 || minute == at-7200 {
					failed = 80
				}
				fmt.Fprintf(&b, "400,%d,%d,%d,%d\n", bitrate, minute, p2p, failed)
			}
		}
	}
	return b.String()
}

func TestRun(t *testing.T) {
	var out bytes.Buffer
	o := Options{File: "t.csv", At: []int64{at + 59, at + 7200, at}, Top: 1}
	if err := Run(&out, strings.NewReader(shuffled()), o); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 2 || !strings.HasPrefix(lines[0], `{"at":1566397319,"rank":1,"scope":{"bitrate":"2000"},`) ||
		strings.Replace(lines[0], "7319", "7260", 1) != lines[1] {
		t.Errorf("%s", out.String())
	}
}

func TestBadInput(t *testing.T) {
	const header = "min,cdn,value,cnt\n"
	for _, c := range []struct{ name, in, want string }{
		{"empty", "", "t.csv:1: the header is missing"},
		{"no count", "min,cdn,value\n", `t.csv:1: the column "cnt" is missing`},
		{"twice", "min,cdn,cdn,value,cnt\n", `t.csv:1: column 3: the name "cdn" is empty or occurs twice`},
		{"no attribute", "min,value,cnt\n", "t.csv:1: 0 attributes; a table has 1 to 16"},
		{"minute", header + "60,5,0,1\nnoon,5,0,1\n", `t.csv:3: min: "noon" is not a time in Unix seconds`},
		{"value", header + "60,5,-1,1\n", `t.csv:2: value: "-1" is not a count`},
		{"cnt", header + "60,5,0,NaN\n", `t.csv:2: cnt: "NaN" is not a count`},
		{"fields", header + "60,5,0\n", "t.csv:2: line: wrong number of fields"},
		{"quote", header + "60,\"5,0,1\n", "t.csv:2: line: extraneous or missing \" in quoted-field"},
		{"long value", header + "60," + strings.Repeat("x", 300) + ",0,1\n", "t.csv:2: cdn: the value is longer than 256 bytes"},
		{"long line", header + strings.Repeat("x", 70_000), "t.csv:2: line: is longer than 64 KiB"},
	} {
		err := Run(io.Discard, strings.NewReader(c.in), Options{File: "t.csv", At: []int64{60}})
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
	}
	if err := Run(io.Discard, strings.NewReader(header), Options{}); err == nil {
		t.Error("no minute is no error")
	}
}

// More combinations than fit count as unknown, and what fits is explained.
func TestManyCombinations(t *testing.T) {
	var b strings.Builder
	b.WriteString("min,cdn,id,value,cnt\n")
	fmt.Fprintf(&b, "%d,5,0,900,1000\n%d,5,0,10,1000\n", at, at-60)
	minutes := make([]int64, MaxAt)
	for i := range minutes {
		minutes[i] = at + int64(i)*7200 // nothing is known of the others
	}
	for i := range maxSums/MaxAt + 1000 {
		fmt.Fprintf(&b, "%d,6,%d,0,1\n", at-60, i)
	}
	var out bytes.Buffer
	if err := Run(&out, strings.NewReader(b.String()), Options{File: "t.csv", At: minutes, Top: 1}); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(out.String(), `{"at":1566397260,"rank":1,"scope":{"cdn":"5"},`) {
		t.Errorf("%.200s", out.String())
	}
}

func FuzzRun(f *testing.F) {
	f.Add([]byte(shuffled()))
	f.Add([]byte("min,cdn,value,cnt\n60,\"a\"\"b\",1e3,7\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		var out bytes.Buffer
		if err := Run(&out, bytes.NewReader(in), Options{File: "f", At: []int64{at, 60}, Top: 3}); err != nil && !strings.HasPrefix(err.Error(), "f:") {
			t.Errorf("%v does not name the file", err)
		}
	})
}
