package launch

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// script makes a program of a shell script.
func script(t *testing.T, text string) Programs {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "peer"), []byte("#!/bin/sh\n"+text), 0o755); err != nil {
		t.Fatal(err)
	}
	return Programs{dir: dir}
}

func TestAProcessAnswersOneRequestAfterTheOther(t *testing.T) {
	p, err := script(t, `while read -r line; do echo "{\"answer\":\"$1 $line\"}"; done`).Start(t.Context(), "peer", "kind")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{1, 2} {
		var answer string
		if err := p.Call(time.Minute, n, &answer); err != nil || answer != "kind "+string(rune('0'+n)) {
			t.Errorf("%q: %v", answer, err)
		}
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

func TestWhatAProgramSaysOfItsFailureIsTold(t *testing.T) {
	for what, c := range map[string]struct{ text, want string }{
		"an error":            {`read -r line; echo '{"error":"full"}'`, "peer: full"},
		"an end":              {`echo died of it >&2; exit 3`, "died of it"},
		"something else":      {`read -r line; echo no JSON`, "no JSON"},
		"nothing for so long": {`exec sleep 30`, "within 100ms"},
	} {
		begin := time.Now()
		var answer int
		limit := time.Minute
		if strings.Contains(c.want, "within") {
			limit = 100 * time.Millisecond
		}
		err := script(t, c.text).Run(t.Context(), "peer", "kind", limit, 1, &answer)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", what, err)
		}
		if time.Since(begin) > 20*time.Second {
			t.Errorf("%s took %v", what, time.Since(begin))
		}
	}
}

func TestWrapComesBeforeTheProgram(t *testing.T) {
	p := script(t, `read -r line; echo "{\"answer\":\"$WRAPPED\"}"`)
	p.Wrap = []string{"env", "WRAPPED=yes"}
	var answer string
	if err := p.Run(t.Context(), "peer", "kind", time.Minute, 1, &answer); err != nil || answer != "yes" {
		t.Errorf("%q: %v", answer, err)
	}
}

func TestAShellHasNoRocksDB(t *testing.T) {
	if l := LibraryOf("/bin/sh"); l.File != "" || l.Assertions == "" {
		t.Errorf("%+v", l)
	}
	if l := LibraryOf("/no/such/program"); !strings.HasPrefix(l.Assertions, "unknown") {
		t.Errorf("%+v", l)
	}
}
