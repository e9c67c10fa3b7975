package engine_test

import (
	"bytes"
	"os"
	"testing"

	"github.com/rockbridge-db/rockbridge/internal/rbdebug"
)

// The names of all functions that were linked stand in a Go program. Those of the debug build's checks
// must stand in no other.
func TestOnlyTheDebugBuildHasChecks(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Enter", "Here", "Lend", "MustBeAlone", "Panic"} {
		if bytes.Contains(program, []byte("rockbridge/internal/rb"+"debug."+name)) != rbdebug.On {
			t.Errorf("function %s: debug build %v", name, rbdebug.On)
		}
	}
	if !bytes.Contains(program, []byte("rockbridge/iterator.(*Iterator).Nex"+"t")) {
		t.Error("the program does not have the names of its functions")
	}
}
