package rbdebug

import (
	"bytes"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
)

// fault is the address of the fault that f ends in, or 0.
func fault(f func()) (addr uintptr) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			addr = p.(interface{ Addr() uintptr }).Addr()
		}
	}()
	f()
	return 0
}

func TestALoanEndsInAFault(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("loans are Go memory here")
	}
	sum := byte(0)
	var before []byte
	for _, size := range []int{1, 4095, 4096, 4097, 1 << 20, reserve + 1} {
		b := bytes.Repeat([]byte{7}, size)
		l := Lend(b, "a loan")
		if !bytes.Equal(l.Data, b) || cap(l.Data) != size {
			t.Fatalf("%d bytes, cap %d, of %d", len(l.Data), cap(l.Data), size)
		}
		for _, i := range []int{0, size / 2, size - 1} {
			if addr := fault(func() { l.Data[i] = 1 }); addr != address(l.Data[i:]) {
				t.Errorf("a write to byte %d of %d faults at %x", i, size, addr)
			}
		}
		l.Expire()
		for _, i := range []int{0, size / 2, size - 1} {
			addr := fault(func() { sum += l.Data[i] })
			if text := Explain(addr); addr != address(l.Data[i:]) || !strings.Contains(text, "a loan was kept") ||
				!strings.Contains(text, "TestALoanEndsInAFault") {
				t.Errorf("a read of byte %d of %d faults at %x: %s", i, size, addr, text)
			}
		}
		if before != nil && fault(func() { sum += before[0] }) == 0 {
			t.Error("an expired loan can be read again")
		}
		before = l.Data
	}
	if text := Explain(1); text != "" {
		t.Error(text)
	}
}

func TestAnEmptyLoanHasNothingToExpire(t *testing.T) {
	l := Lend(nil, "nothing")
	l.Expire()
	(*Loan)(nil).Expire()
	if l.Data == nil || len(l.Data) != 0 {
		t.Errorf("%v", l.Data)
	}
}

func TestPoisonIsToldFromData(t *testing.T) {
	for _, size := range []int{0, 1, 31, 4096, 70_000} {
		b := make([]byte, size)
		Poison(b)
		if !Poisoned(b) {
			t.Errorf("%d bytes of poison are not", size)
		}
		for i := 0; i < size; i += max(1, size/7) {
			b[i]++
			if Poisoned(b) {
				t.Errorf("byte %d of %d is no poison", i, size)
			}
			b[i]--
		}
	}
}
