package dist

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// testShells completes a command line in each shell, with the files of the package in their places.
func testShells(t *testing.T, deb string) {
	root := t.TempDir()
	run(t, "", "dpkg-deb", "--extract", deb, root)
	for shell, script := range map[string]string{
		"bash": `. "$0/usr/share/bash-completion/completions/heliograph"; complete -p heliograph >/dev/null &&
			COMP_LINE="heliograph config che" heliograph`,
		"fish": `source $argv[1]/usr/share/fish/vendor_completions.d/heliograph.fish; complete -C "heliograph config che"`,
		// zsh completes only where somebody types: in a terminal, which zpty makes.
		"zsh": `zmodload zsh/zpty
			zpty user "TERM=dumb PS1='> ' zsh -f -i"
			zpty -w user "fpath=($0/usr/share/zsh/vendor-completions \$fpath); autoload -U compinit; compinit -u -D; echo rea''dy"
			zpty -r -m user ready '*ready*'
			zpty -w -n user $'heliograph config che\t'
			zpty -r -m user out '*check *'
			print -r -- "$out"`,
	} {
		t.Run(shell, func(t *testing.T) {
			flag := map[string][]string{"bash": {"--norc", "-c"}, "fish": {"--no-config", "-c"}, "zsh": {"-f", "-c"}}[shell]
			cmd := exec.CommandContext(t.Context(), shell, append(flag, script, root)...)
			cmd.Env = append(os.Environ(), "HOME="+t.TempDir(), "PATH="+filepath.Join(root, "usr/bin")+":"+os.Getenv("PATH"))
			if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "check") {
				t.Errorf("%v: %s, want the command completed to check", err, out)
			}
		})
	}
}
