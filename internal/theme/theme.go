// Package theme has the style sheet that Heliograph's pages share. The dashboard's bundle contains
// it; other pages serve [CSS] and link to it before their own style sheet.
package theme

import _ "embed"

// CSS is the style sheet.
//
//go:embed theme.css
var CSS []byte
