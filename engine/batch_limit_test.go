package engine

import (
	"errors"
	"math"
	"syscall"
	"testing"
)

// A batch at its limit takes 4 GiB. Here it is address space that nobody looks at: the records refused
// are those that would have to be copied behind it.
func TestABatchStopsBelowTheLimitOfItsFormat(t *testing.T) {
	const room = 100
	space, err := syscall.Mmap(-1, 0, MaxBatchSize, syscall.PROT_READ, syscall.MAP_ANON|syscall.MAP_PRIVATE|syscall.MAP_NORESERVE)
	if err != nil {
		t.Skipf("no %d bytes of address space: %v", uint64(MaxBatchSize), err)
	}
	defer syscall.Munmap(space)
	long := make([]byte, room)
	var other Batch
	if err := other.Put(long, long); err != nil {
		t.Fatal(err)
	}
	for what, add := range map[string]func(b *Batch) error{
		"put": func(b *Batch) error { return b.Put(nil, long) }, "delete": func(b *Batch) error { return b.Delete(long) },
		"single delete": func(b *Batch) error { return b.SingleDelete(long) },
		"merge":         func(b *Batch) error { return b.Merge(long, nil) },
		"delete range":  func(b *Batch) error { return b.DeleteRange(long, long) },
		"log data":      func(b *Batch) error { return b.LogData(long) },
		"append":        func(b *Batch) error { return b.Append(&other) },
	} {
		// Before the first record of its family, and after it.
		for _, b := range []*Batch{{count: 7}, {count: 7, mark: 1, epoch: 1, uses: make([]familyUse, 1)}} {
			b.rep = space[: MaxBatchSize-room : MaxBatchSize-room]
			if err := add(b); !errors.Is(err, ErrTooLarge) {
				t.Errorf("%s: %v", what, err)
			}
			if len(b.rep) != MaxBatchSize-room || b.count != 7 {
				t.Errorf("%s: the batch has %d bytes and %d records", what, len(b.rep), b.count)
			}
			if !errors.Is(b.err, ErrTooLarge) {
				t.Errorf("%s: remembered %v", what, b.err)
			}
		}
	}
}

func TestABatchStopsAtTheCountOfItsFormat(t *testing.T) {
	var one Batch
	if err := one.Put(nil, nil); err != nil {
		t.Fatal(err)
	}
	for what, add := range map[string]func(b *Batch) error{
		"put":    func(b *Batch) error { return b.Put(nil, nil) },
		"delete": func(b *Batch) error { return b.Delete(nil) },
		"append": func(b *Batch) error { return b.Append(&one) },
	} {
		for _, b := range []*Batch{{}, {mark: 1, epoch: 1, uses: make([]familyUse, 1)}} {
			b.count = math.MaxUint32
			if err := add(b); !errors.Is(err, ErrTooLarge) || b.count != math.MaxUint32 {
				t.Errorf("%s: %v, count %d", what, err, b.count)
			}
		}
	}
}
