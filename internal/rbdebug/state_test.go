package rbdebug

import (
	"testing"
	"unsafe"
)

func TestAStateTakesRoomInTheDebugBuildOnly(t *testing.T) {
	size := unsafe.Sizeof(struct {
		State[[4]uint64]
		uint64
	}{})
	if want := unsafe.Sizeof(uint64(0)); !On && size != want || On && size <= want {
		t.Errorf("a handle has %d bytes, debug build %v", size, On)
	}
	defer func() {
		if p := recover(); (p == nil) != On {
			t.Errorf("Of panics with %v, debug build %v", p, On)
		}
	}()
	var s State[int]
	*s.Of() = 3
	if *s.Of() != 3 {
		t.Error("a State forgets")
	}
}
