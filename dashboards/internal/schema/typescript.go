package schema

import (
	"fmt"
	"strconv"
	"strings"
)

// wide is the greatest length of a line of a comment.
const wide = 98

// TypeScript returns a module with the types. For a list of words, such as Colour, the module also
// exports the words, as colours.
func TypeScript(types []Type) string {
	var b strings.Builder
	b.WriteString("// Code generated from dashboards/api by dashboards/internal/tsgen. DO NOT EDIT.\n")
	for _, t := range types {
		b.WriteString("\n")
		comment(&b, "", t.Doc)
		if len(t.Words) > 0 {
			words := make([]string, len(t.Words))
			for i, w := range t.Words {
				words[i] = strconv.Quote(w.Value)
			}
			fmt.Fprintf(&b, "export type %s = %s;\n", t.Name, strings.Join(words, " | "))
			list := strings.ToLower(t.Name[:1]) + t.Name[1:] + "s"
			fmt.Fprintf(&b, "\nexport const %s: readonly %s[] = [%s];\n", list, t.Name, strings.Join(words, ", "))
			continue
		}
		fmt.Fprintf(&b, "export interface %s ", t.Name)
		if len(t.Embeds) > 0 {
			fmt.Fprintf(&b, "extends %s ", strings.Join(t.Embeds, ", "))
		}
		b.WriteString("{\n")
		for _, f := range t.Fields {
			comment(&b, "  ", f.Doc)
			fmt.Fprintf(&b, "  %s;\n", f.typeScript())
		}
		b.WriteString("}\n")
	}
	return b.String()
}

func (f Field) typeScript() string {
	name, typed := f.Name, f.Type
	if f.Optional {
		name += "?"
	}
	if f.Nullable {
		typed += " | null"
	}
	return name + ": " + typed
}

// comment writes a JSDoc comment, on one line if it fits.
func comment(b *strings.Builder, indent, text string) {
	if text == "" {
		return
	}
	if len(indent)+len("/** ")+len(text)+len(" */") <= wide {
		fmt.Fprintf(b, "%s/** %s */\n", indent, text)
		return
	}
	fmt.Fprintf(b, "%s/**\n", indent)
	line := indent + " *"
	for word := range strings.FieldsSeq(text) {
		if len(line)+1+len(word) > wide {
			b.WriteString(line + "\n")
			line = indent + " *"
		}
		line += " " + word
	}
	fmt.Fprintf(b, "%s\n%s */\n", line, indent)
}
