//go:build !race && !asan && !msan

// The sanitizers touch every byte that is allocated. Without them, the pages of a large slice
// that nobody writes to cost nothing, if the runtime has never used them before.

package batchrepr_test

import (
	"encoding/binary"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine/batchrepr"
	"github.com/rockbridge-db/rockbridge/internal/runner"
)

// beyond32 is a length that 32 bits cannot hold.
const beyond32 = uint64(1 << 32)

// childMark tells a test process that it is the child.
const childMark = "BATCHREPR_LARGE_RECORDS"

// The test runs in a process of its own, whose memory is all fresh, and which leaves no heap
// of 4 GiB behind for the benchmarks.
func TestRecordsThatRocksDBCannotHold(t *testing.T) {
	if testing.Short() || ^uint(0)>>32 == 0 {
		t.Skip("needs more than 4 GiB of address space")
	}
	if os.Getenv(childMark) == "" {
		child := runner.Command(t.Context(), os.Args[0], "-test.v", "-test.run=^"+t.Name()+"$")
		child.Env = append(os.Environ(), childMark+"=1")
		if out, err := child.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	n := beyond32 + 64
	big := make([]byte, n)
	t.Run("are refused by Append", func(t *testing.T) { appendTooLarge(t, big) })
	t.Run("are refused by Check", func(t *testing.T) { checkTooLarge(t, big) })
}

func appendTooLarge(t *testing.T, big []byte) {
	limit, over := uint64(batchrepr.MaxRecordLen), beyond32
	half := limit/2 + 1
	for name, f := range map[string]func(){
		"Put of a large value":    func() { batchrepr.AppendPut(nil, 0, nil, big[:limit+1]) },
		"Put of a large key":      func() { batchrepr.AppendPut(nil, 3, big[:limit+1], nil) },
		"Put of a large sum":      func() { batchrepr.AppendPut(nil, 0, big[:limit-9], big[:10]) },
		"Put beyond 32 bits":      func() { batchrepr.AppendPut(nil, 0, []byte("k"), big) },
		"Merge":                   func() { batchrepr.AppendMerge(nil, 0, big[:1], big[:limit]) },
		"DeleteRange":             func() { batchrepr.AppendDeleteRange(nil, 0, big[:half], big[:half]) },
		"Delete":                  func() { batchrepr.AppendDelete(nil, 0, big[:limit+1]) },
		"SingleDelete":            func() { batchrepr.AppendSingleDelete(nil, 9, big) },
		"LogData":                 func() { batchrepr.AppendLogData(nil, big[:limit+1]) },
		"LogData beyond 32 bits":  func() { batchrepr.AppendLogData(nil, big[:over]) },
		"AppendRecord of a Merge": func() { batchrepr.AppendRecord(nil, mergeOf(big)) },
	} {
		mustPanic(t, name, f)
	}
}

func mergeOf(operand []byte) batchrepr.Record {
	return batchrepr.Record{Kind: batchrepr.KindMerge, Value: operand}
}

// Check draws the line at the same length, and reads the lengths only.
func checkTooLarge(t *testing.T, big []byte) {
	limit := uint64(batchrepr.MaxRecordLen)
	for _, c := range []struct {
		tag              byte
		key, value       uint64
		count            uint32
		tooLarge         bool
		maxKey, maxValue uint64
	}{
		{0x1, 3, limit - 3, 1, false, 3, limit - 3},
		{0x1, 3, limit - 2, 1, true, 0, 0},
		{0x2, limit, 0, 1, false, limit, 0},
		{0xF, 4, limit - 4, 1, false, limit - 4, 0},
		{0xF, 4, limit - 3, 1, true, 0, 0},
		{0x3, 0, limit, 0, false, 0, limit},
		{0x3, 0, limit + 1, 0, true, 0, 0},
	} {
		head := binary.LittleEndian.AppendUint32(make([]byte, 8), c.count)
		head = append(head, c.tag)
		if c.tag != 0x3 {
			head = binary.AppendUvarint(head, c.key)
		}
		copy(big, head)
		at := uint64(len(head)) + c.key
		at += uint64(copy(big[at:], binary.AppendUvarint(nil, c.value)))
		s, err := batchrepr.Check(big[:at+c.value])
		clear(big[:32])
		clear(big[c.key : c.key+64])

		var fe *batchrepr.FormatError
		if c.tooLarge {
			if !errors.As(err, &fe) || fe.Offset != 12 || !strings.Contains(fe.Reason, "4294967269") {
				t.Errorf("%+v: got %v", c, err)
			}
			continue
		}
		if err != nil || uint64(s.MaxKey) != c.maxKey || uint64(s.MaxValue) != c.maxValue {
			t.Errorf("%+v: got %+v, %v", c, s, err)
		}
	}
}
