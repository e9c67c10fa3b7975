package engine_test

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/internal/rbdebug"
)

// instrumented tells whether the race detector, AddressSanitizer or the checks of the debug build are
// compiled in: all of them allocate.
func instrumented() bool {
	if rbdebug.On {
		return true
	}
	info, _ := debug.ReadBuildInfo()
	for _, s := range info.Settings {
		if (s.Key == "-race" || s.Key == "-asan") && s.Value == "true" {
			return true
		}
	}
	return false
}

func TestReadsAllocateAtMostTheResult(t *testing.T) {
	if instrumented() {
		t.Skip("what is compiled in allocates itself")
	}
	db := openWithSizes(t, true)
	absent, dst := []byte("absent"), make([]byte, 0, 2<<20)
	o := &engine.ReadOptions{}
	for name, r := range pointReaders(t, db) {
		for _, size := range []int{0, 1, 100, 16<<10 - 1, 16 << 10} {
			key := sizeKey(size)
			allocs(t, fmt.Sprintf("%s: Get of %d bytes", name, size), 1, func() { r.Get(key, nil) })
			allocs(t, fmt.Sprintf("%s: Get of %d bytes with options", name, size), 1, func() { r.Get(key, o) })
		}
		for _, size := range valueSizes {
			key := sizeKey(size)
			allocs(t, fmt.Sprintf("%s: GetAppend of %d bytes", name, size), 0, func() { r.GetAppend(dst, key, nil) })
			allocs(t, fmt.Sprintf("%s: Has of %d bytes", name, size), 0, func() { r.Has(key, nil) })
			copied := 0. // an indexed batch lends a copy
			if name == "indexed batch" && size > 16<<10 {
				copied = 1
			}
			allocs(t, fmt.Sprintf("%s: GetPinned of %d bytes", name, size), copied, func() {
				r.GetPinned(key, nil, func([]byte) error { return nil })
			})
		}
		allocs(t, name+": Get of a miss", 0, func() { r.Get(absent, nil) })
		allocs(t, name+": GetAppend of a miss", 0, func() { r.GetAppend(dst, absent, nil) })
		allocs(t, name+": Has of a miss", 0, func() { r.Has(absent, nil) })
	}
}

func allocs(t *testing.T, what string, most float64, f func()) {
	t.Helper()
	if n := testing.AllocsPerRun(200, f); n > most {
		t.Errorf("%s: %v allocations, at most %v", what, n, most)
	}
}

// cgoCalls counts the calls into C that f makes. No other goroutine may make any meanwhile.
func cgoCalls(f func()) int64 {
	before := runtime.NumCgoCall()
	f()
	return runtime.NumCgoCall() - before
}

func TestAReadIsOneCallIntoC(t *testing.T) {
	db := openWithSizes(t, true)
	dst := make([]byte, 0, 64<<10)
	for name, r := range pointReaders(t, db) {
		for _, c := range []struct {
			what string
			want int64
			f    func()
		}{
			{"Get of 100 bytes", 1, func() { r.Get(sizeKey(1), nil) }},
			{"Get of 16 KiB", 1, func() { r.Get(sizeKey(16<<10), nil) }},
			{"Get of more, and its release", 2, func() { r.Get(sizeKey(1<<20), nil) }},
			{"Get of a miss", 1, func() { r.Get([]byte("absent"), nil) }},
			{"GetAppend with room", 1, func() { r.GetAppend(dst, sizeKey(16<<10+1), nil) }},
			{"GetPinned, and its release", 2, func() { r.GetPinned(sizeKey(1), nil, func([]byte) error { return nil }) }},
			{"Has", 1, func() { r.Has(sizeKey(1<<20), nil) }},
			{"Get of a key too large", 0, func() { r.Get(make([]byte, engine.MaxKeySize+1), nil) }},
		} {
			if name == "indexed batch" && c.what == "GetPinned, and its release" {
				c.want = 1 // what it lends is a copy
			}
			if n := cgoCalls(c.f); n != c.want {
				t.Errorf("%s: %s: %d calls, want %d", name, c.what, n, c.want)
			}
		}
	}
}

func TestAKeyTooLargeIsRefusedBeforeC(t *testing.T) {
	db := openTemp(t, nil)
	key := make([]byte, engine.MaxKeySize+1)
	for name, r := range pointReaders(t, db) {
		n := cgoCalls(func() {
			_, err := r.Get(key, nil)
			expectError(t, name+": Get", err, engine.ErrTooLarge)
			dst := []byte("dst")
			got, err := r.GetAppend(dst, key, nil)
			expectError(t, name+": GetAppend", err, engine.ErrTooLarge)
			if string(got) != "dst" {
				t.Errorf("%s: dst became %.40q", name, got)
			}
			err = r.GetPinned(key, nil, func([]byte) error { t.Error("f was called"); return nil })
			expectError(t, name+": GetPinned", err, engine.ErrTooLarge)
			_, err = r.Has(key, nil)
			expectError(t, name+": Has", err, engine.ErrTooLarge)
		})
		if n != 0 {
			t.Errorf("%s: %d calls into C", name, n)
		}
	}
	if _, err := db.Get(key[1:], nil); err != engine.ErrNotFound {
		t.Errorf("a key of MaxKeySize: %v", err)
	}
}
