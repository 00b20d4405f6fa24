package schema

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// parse reads one file.
func parse(t *testing.T, source string) ([]Type, error) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"a.go": "package api\n" + source, "a_test.go": "not Go"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return Parse(dir)
}

func TestTypeScript(t *testing.T) {
	types, err := parse(t, `
// Colour is what [Lamp] shows.
type Colour string

// The colours.
const (
	Red  Colour = "red" // bad
	Blue Colour = "blue"
)

// Base is below.
type Base struct {
	At time.Time `+"`json:\"at,omitzero\"`"+` // when
}

// Lamp has a comment so long that it does not fit into a single line of the TypeScript that is made of it.
type Lamp struct {
	Base
	// one
	//
	// two
	Colour Colour `+"`json:\"colour\"`"+`
	Counts []float64 `+"`json:\"counts,omitempty\"`"+`
	Next *Lamp `+"`json:\"next\"`"+`
	Maybe *uint32 `+"`json:\"maybe,omitempty\"`"+`
	On bool `+"`json:\"on\"`"+`
	hidden int
}

type query struct { Limit int }
`)
	if err != nil {
		t.Fatal(err)
	}
	const want = `// Code generated from dashboards/api by dashboards/internal/tsgen. DO NOT EDIT.

/** Colour is what Lamp shows. */
export type Colour = "red" | "blue";

export const colours: readonly Colour[] = ["red", "blue"];

/** Base is below. */
export interface Base {
  /** when */
  at?: string;
}

/**
 * Lamp has a comment so long that it does not fit into a single line of the TypeScript that is
 * made of it.
 */
export interface Lamp extends Base {
  /** one two */
  colour: Colour;
  counts?: number[];
  next: Lamp | null;
  maybe?: number;
  on: boolean;
}
`
	if got := TypeScript(types); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if w := types[0].Words; len(w) != 2 || w[0] != (Word{"red", "bad"}) {
		t.Errorf("words %v", w)
	}
}

func TestFaultsAreNamed(t *testing.T) {
	for source, want := range map[string]string{
		"type A struct { B other.Thing }":                 "", // no type of the API
		"type A struct { B map[string]int `json:\"b\"` }": "A.B",
		"type A struct { B int `json:\",omitempty\"` }":   "A.B",
		"type A struct { B Missing `json:\"b\"` }":        "Missing",
		"type A struct { Missing; C int `json:\"c\"` }":   "Missing",
		"type A struct { B []unexported `json:\"b\"` }":   "A.B",
		"type A struct {": "expected",
		"type A struct { B Down `json:\"b\"` }; type Down int": "Down",
	} {
		_, err := parse(t, source)
		if (want == "") != (err == nil) || (err != nil && !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", source, err, want)
		}
	}
}
