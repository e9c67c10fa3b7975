package engine_test

import (
	"bytes"
	"syscall"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

// addressSpace is n bytes that cost no memory as long as nobody looks at them. It is not of Go's heap,
// which might clear it first.
func addressSpace(t *testing.T, n int) []byte {
	t.Helper()
	b, err := syscall.Mmap(-1, 0, n, syscall.PROT_READ, syscall.MAP_ANON|syscall.MAP_PRIVATE|syscall.MAP_NORESERVE)
	if err != nil {
		t.Skipf("no %d bytes of address space: %v", n, err)
	}
	t.Cleanup(func() { syscall.Munmap(b) })
	return b
}

func TestAValueTooLargeIsRefusedBeforeC(t *testing.T) {
	db := openTemp(t, &engine.Options{FamilyOptions: adding})
	huge := addressSpace(t, engine.MaxValueSize+1)
	var b engine.Batch
	if err := b.Put([]byte("first"), nil); err != nil {
		t.Fatal(err)
	}
	repr := bytes.Clone(b.Repr())
	calls := cgoCalls(func() {
		for what, err := range map[string]error{
			"put": db.Put([]byte("k"), huge, nil), "merge": db.Merge([]byte("k"), huge, nil),
			"writer": db.Writer(nil).Put([]byte("k"), huge), "batch put": b.Put([]byte("k"), huge),
			"batch merge": b.Merge([]byte("k"), huge), "log data": b.LogData(huge),
		} {
			expectError(t, what, err, engine.ErrTooLarge)
		}
	})
	if calls != 0 || !bytes.Equal(b.Repr(), repr) {
		t.Errorf("%d calls into C, the batch has %d bytes", calls, b.Size())
	}
	expectError(t, "write", db.Write(&b, nil), engine.ErrTooLarge)
	expectRows(t, "afterwards", db, map[string]string{})
}

func TestTheLargestKeyIsTaken(t *testing.T) {
	db := openTemp(t, nil)
	key := bytes.Repeat([]byte("k"), engine.MaxKeySize)
	if err := db.Put(key, []byte("v"), nil); err != nil {
		t.Fatal(err)
	}
	if err := db.Flush(); err != nil {
		t.Fatal(err)
	}
	if v, err := db.Get(key, nil); err != nil || string(v) != "v" {
		t.Errorf("%q, %v", v, err)
	}
	if err := db.DeleteRange(nil, append(key[:len(key)-1:len(key)-1], 'l'), nil); err != nil {
		t.Fatal(err)
	}
	expectRows(t, "after its range was deleted", db, map[string]string{})
}
