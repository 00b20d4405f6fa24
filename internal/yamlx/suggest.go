package yamlx

import (
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// suggestion returns what was probably meant by an unknown key of v, such as " (did you mean
// listen?)": a key that is written much the same, or the only one of that name at another place. It
// returns "" if there is none. path leads to the key from the top of the file.
func suggestion(v any, path string) string {
	known := map[string]bool{}
	collect(reflect.TypeOf(v), "", known, 0)
	parent, name := cut(index.ReplaceAllString(path, ""))
	best, least, elsewhere := "", min(2, len(name)/3)+1, []string{}
	for _, candidate := range slices.Sorted(maps.Keys(known)) {
		above, key := cut(candidate)
		if d := distance(name, key); above == parent && d < least {
			best, least = key, d
		}
		if above != parent && key == name {
			elsewhere = append(elsewhere, candidate)
		}
	}
	if best == "" && len(elsewhere) == 1 {
		best = elsewhere[0]
	}
	if best == "" {
		return ""
	}
	return " (did you mean " + best + "?)"
}

// index is the number of a list's element in a path.
var index = regexp.MustCompile(`\[\d+\]`)

// cut cuts the last key off a path.
func cut(path string) (parent, key string) {
	i := strings.LastIndexByte(path, '.')
	return path[:max(i, 0)], path[i+1:]
}

// deepest is how deep configurations may be nested, so that types which contain themselves end.
const deepest = 8

// collect adds the paths of all keys that a type reads.
func collect(t reflect.Type, prefix string, known map[string]bool, depth int) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Array {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || depth > deepest {
		return
	}
	for f := range t.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case strings.Contains(options, "inline"):
			collect(f.Type, prefix, known, depth+1)
		case name != "" && name != "-":
			known[prefix+name] = true
			collect(f.Type, prefix+name+".", known, depth+1)
		}
	}
}

// distance returns how many letters must be added, dropped or replaced to make b of a, or two
// neighbours exchanged (Damerau and Levenshtein).
func distance(a, b string) int {
	d := make([][]int, len(a)+1)
	for i := range d {
		d[i] = make([]int, len(b)+1)
		d[i][0] = i
	}
	for j := range d[0] {
		d[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			replaced := d[i-1][j-1]
			if a[i-1] != b[j-1] {
				replaced++
			}
			d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, replaced)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(a)][len(b)]
}
