package rbdebug

import (
	"os"
	"sync"
	"syscall"
	"unsafe"
)

// reserve is how much address space is taken from the system at once. It is never given back, so that
// an expired address stays one: the memory behind it is.
const reserve = 64 << 20

var unused struct {
	mu    sync.Mutex
	pages []byte
}

// newPages gives pages of zeros, with room for n bytes, that may be read and written; nil if there are
// none.
func newPages(n int) []byte {
	size := os.Getpagesize()
	n = (n + size - 1) / size * size
	unused.mu.Lock()
	defer unused.mu.Unlock()
	if len(unused.pages) < n {
		p, err := syscall.Mmap(-1, 0, max(n, reserve), syscall.PROT_NONE,
			syscall.MAP_ANON|syscall.MAP_PRIVATE|syscall.MAP_NORESERVE)
		if err != nil {
			return nil
		}
		unused.pages = p
	}
	p := unused.pages[:n:n]
	unused.pages = unused.pages[n:]
	if syscall.Mprotect(p, syscall.PROT_READ|syscall.PROT_WRITE) != nil {
		return nil
	}
	return p
}

// readOnly makes writing to pages a fault.
func readOnly(p []byte) { must(syscall.Mprotect(p, syscall.PROT_READ)) }

// hide makes every access to pages a fault and gives back the memory behind them.
func hide(p []byte) {
	must(syscall.Madvise(p, syscall.MADV_DONTNEED))
	must(syscall.Mprotect(p, syscall.PROT_NONE))
}

// must stops a build that cannot do its work.
func must(err error) {
	if err != nil {
		panic("rockbridge: memory for lending: " + err.Error())
	}
}

func address(p []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(p))) }
