package rbdebug

import (
	"fmt"
	"sync"
)

// Loan is a copy of bytes that are lent for a while. Data may be read until Expire; to write it, or to
// read it afterwards, is a fault: the program ends, or panics where debug.SetPanicOnFault says so. Its
// address is never used again. Where the system offers no such memory, expired data is overwritten.
type Loan struct {
	Data  []byte
	pages []byte // of which Data is the beginning; nil: it is Go memory
	what  string
	lent  Stack
}

// Lend lends a copy of b; what names it in Explain. An empty b needs no memory that could expire.
func Lend(b []byte, what string) *Loan {
	l := &Loan{what: what, lent: Here(1)}
	if len(b) == 0 {
		l.Data = []byte{}
		return l
	}
	l.pages = newPages(len(b))
	if l.pages == nil {
		l.Data = append(make([]byte, 0, len(b)), b...)
		return l
	}
	copy(l.pages, b)
	readOnly(l.pages)
	l.Data = l.pages[:len(b):len(b)]
	recent.add(l)
	return l
}

// Expire takes Data back. It may be called once. A nil Loan has expired.
func (l *Loan) Expire() {
	if l == nil {
		return
	}
	if l.pages != nil {
		hide(l.pages)
		return
	}
	Poison(l.Data)
}

// Explain says what was lent at the address of a fault, and where, of the newest loans; empty if
// nothing is known of it.
func Explain(addr uintptr) string {
	if l := recent.find(addr); l != nil {
		return fmt.Sprintf("rockbridge: %s was kept after it had expired, or was written to. It was lent by:\n%s", l.what, l.lent)
	}
	return ""
}

// loans are the newest loans.
type loans struct {
	mu   sync.Mutex
	all  [1 << 12]*Loan
	next int
}

var recent loans

func (r *loans) add(l *Loan) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all[r.next] = l
	r.next = (r.next + 1) % len(r.all)
}

func (r *loans) find(addr uintptr) *Loan {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, l := range r.all {
		if l != nil && addr >= address(l.pages) && addr-address(l.pages) < uintptr(len(l.pages)) {
			return l
		}
	}
	return nil
}
