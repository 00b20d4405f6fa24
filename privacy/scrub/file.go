package scrub

import "strings"

// File returns the base name of a source file, for a frame of a stack. For an inline script, path
// is the page's URL, so query and fragment are left out, and a name that does not look like a
// file's is scrubbed as the end of a URL. The result has no slash or backslash. It may be empty and
// has no limit of its own.
func File(path string) string {
	if i := strings.IndexAny(path, "?#"); i >= 0 {
		path = path[:i]
	}
	name := base(path)
	if dot := strings.LastIndexByte(name, '.'); dot > 0 && isExtension(name[dot+1:]) && !strings.ContainsAny(name, "@%") {
		return name
	}
	return base(URL("https://page.example/" + name))
}

func isExtension(s string) bool {
	return len(s) >= 1 && len(s) <= 4 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz") == ""
}

// base returns the part of path after the last slash or backslash.
func base(path string) string { return path[strings.LastIndexAny(path, `/\`)+1:] }
