package engine_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"testing/iotest"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/engine/batchrepr"
)

// forgedTrace is a trace that is made here, byte by byte. ends has where each record ends, the head first.
type forgedTrace struct {
	bytes []byte
	ends  []int
	micro uint64 // time of the next record
	step  uint64 // microseconds between them
}

func newForgedTrace(step uint64) *forgedTrace {
	f := &forgedTrace{micro: 1_700_000_000_000_000, step: step}
	return f.record(1, []byte("feedcafedeadbeef\tTrace Version: 0.2\tRocksDB Version: 7.8\tFormat: Timestamp OpType Payload\n"))
}

func (f *forgedTrace) record(kind byte, payload []byte) *forgedTrace {
	f.bytes = binary.LittleEndian.AppendUint64(f.bytes, f.micro)
	f.bytes = binary.LittleEndian.AppendUint32(append(f.bytes, kind), uint32(len(payload)))
	f.bytes = append(f.bytes, payload...)
	f.ends = append(f.ends, len(f.bytes))
	f.micro += f.step
	return f
}

// prefixed puts bytes behind their length.
func prefixed(b, more []byte) []byte {
	return append(binary.AppendUvarint(b, uint64(len(more))), more...)
}

func mapOf(fields ...int) []byte {
	m := uint64(0)
	for _, f := range fields {
		m |= 1 << f
	}
	return binary.LittleEndian.AppendUint64(nil, m)
}

func (f *forgedTrace) get(family uint32, key string) *forgedTrace {
	return f.record(4, prefixed(binary.LittleEndian.AppendUint32(mapOf(2, 3), family), []byte(key)))
}

func (f *forgedTrace) seek(kind byte, family uint32, key, lower, upper string) *forgedTrace {
	fields := []int{4, 5}
	body := prefixed(binary.LittleEndian.AppendUint32(nil, family), []byte(key))
	for i, bound := range []string{lower, upper} {
		if bound != "" {
			fields, body = append(fields, 6+i), prefixed(body, []byte(bound))
		}
	}
	return f.record(kind, append(mapOf(fields...), body...))
}

func (f *forgedTrace) multiGet(family uint32, keys ...string) *forgedTrace {
	var families, all []byte
	for _, k := range keys {
		families, all = binary.LittleEndian.AppendUint32(families, family), prefixed(all, []byte(k))
	}
	body := binary.LittleEndian.AppendUint32(mapOf(8, 9, 10), uint32(len(keys)))
	return f.record(13, prefixed(prefixed(body, families), all))
}

func (f *forgedTrace) write(family uint32, key, value string) *forgedTrace {
	rep := batchrepr.AppendPut(batchrepr.AppendHeader(nil), family, []byte(key), []byte(value))
	batchrepr.SetCount(rep, 1)
	return f.record(3, prefixed(mapOf(1), rep))
}

func (f *forgedTrace) end() *forgedTrace { return f.record(2, nil) }

// everyKind has a record of each kind.
func everyKind() *forgedTrace {
	return newForgedTrace(1000).write(0, "k", "v").get(7, "key").multiGet(0, "a", "", "c").seek(5, 0, "s", "a", "z").
		seek(6, 1, "t", "", "zz").seek(5, 0, "", "", "").end()
}

// shownBytes reads a trace, and gives the records as text and why there are no more.
func shownBytes(t testing.TB, r io.Reader) (records []string, err error) {
	t.Helper()
	tr, err := engine.ReadTrace(r)
	if err != nil {
		if tr != nil {
			t.Error("a trace and an error")
		}
		return nil, err
	}
	for tr.Next() {
		records = append(records, shownTrace(tr.Record()))
	}
	err = tr.Error()
	if tr.Next() || tr.Record().Kind != "" || fmt.Sprint(tr.Error()) != fmt.Sprint(err) {
		t.Error("it goes on behind its end")
	}
	return records, err
}

func TestATraceIsReadWhole(t *testing.T) {
	put := fmt.Sprintf("write %v 0 k=v", engine.KindPut)
	want := []string{put, "get 7 key [, )", "multi get 0 a 0  0 c", "seek 0 s [a, z)", "seek for prev 1 t [, zz)", "seek 0  [, )"}
	whole := everyKind().bytes
	for name, r := range map[string]io.Reader{"at once": bytes.NewReader(whole), "byte by byte": iotest.OneByteReader(bytes.NewReader(whole))} {
		got, err := shownBytes(t, r)
		if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	path := filepath.Join(t.TempDir(), "trace")
	mustDo(t, os.WriteFile(path, whole, 0o600))
	tr, err := engine.OpenTrace(path)
	mustDo(t, err)
	if tr.Version() != "7.8" || tr.Started().UnixMicro() != 1_700_000_000_000_000 || !tr.Next() || tr.Record().Time.Sub(tr.Started()).Milliseconds() != 1 {
		t.Errorf("%s, %v, %+v", tr.Version(), tr.Started(), tr.Record())
	}
	mustDo(t, tr.Close(), tr.Close())
	if says(t, "closed", tr.Error(), engine.ErrClosed); tr.Next() || tr.Record().Kind != "" {
		t.Error("a closed one goes on")
	}
	_, err = shownBytes(t, iotest.ErrReader(errors.New("planted")))
	expectError(t, "a reader that fails", err, engine.ErrIO)
	_, err = engine.ReadTrace(nil)
	expectError(t, "no reader", err, engine.ErrInvalidArgument)
	_, err = engine.OpenTrace(path + " 2")
	expectError(t, "no file", err, engine.ErrIO, os.ErrNotExist)
	_, err = engine.OpenTrace(t.TempDir())
	expectError(t, "a folder", err, engine.ErrIO)
}

// wholeBefore counts the records that end at or before a place.
func (f *forgedTrace) wholeBefore(at int) int {
	n := -1
	for _, end := range f.ends {
		if end <= at {
			n++
		}
	}
	return n
}

func TestWhatIsBeforeTheDamageOfATraceIsRight(t *testing.T) {
	f := everyKind()
	right, err := shownBytes(t, bytes.NewReader(f.bytes))
	mustDo(t, err)
	for cut := range f.bytes {
		got, err := shownBytes(t, bytes.NewReader(f.bytes[:cut]))
		if expectError(t, "cut", err, engine.ErrIncomplete); fmt.Sprint(got) != fmt.Sprint(right[:max(0, f.wholeBefore(cut))]) {
			t.Errorf("cut to %d bytes: %q, %v", cut, got, err)
		}
	}
	seen := map[engine.Code]int{}
	for at := range f.bytes {
		for bit := range 8 {
			damaged := bytes.Clone(f.bytes)
			damaged[at] ^= 1 << bit
			got, err := shownBytes(t, bytes.NewReader(damaged))
			n := min(len(right), max(0, f.wholeBefore(at)))
			if len(got) < n || fmt.Sprint(got[:n]) != fmt.Sprint(right[:n]) {
				t.Errorf("bit %d of byte %d: %q, %v", bit, at, got, err)
			}
			var e *engine.Error
			if err != nil && !errors.As(err, &e) {
				t.Fatalf("bit %d of byte %d: %v", bit, at, err)
			}
			if e != nil {
				seen[e.Code]++
			}
		}
	}
	for code := range seen {
		if code != engine.CodeCorruption && code != engine.CodeIncomplete && code != engine.CodeUnsupported {
			t.Errorf("%v, %d times", code, seen[code])
		}
	}
	if seen[engine.CodeCorruption] == 0 || seen[engine.CodeIncomplete] == 0 {
		t.Errorf("%v", seen)
	}
}

func TestMalformedTracesAreRefused(t *testing.T) {
	head := func(text string) []byte { return (&forgedTrace{}).record(1, []byte(text)).bytes }
	body := func(kind byte, payload []byte) []byte { return newForgedTrace(1).record(kind, payload).end().bytes }
	family := []byte{0, 0, 0, 0}
	for name, c := range map[string]struct {
		bytes []byte
		want  error
	}{
		"nothing":            {nil, engine.ErrIncomplete},
		"another file":       {bytes.Repeat([]byte("text"), 100), engine.ErrCorruption},
		"an older format":    {head("feedcafedeadbeef\tTrace Version: 0.1\tRocksDB Version: 6.0\tx\n"), engine.ErrUnsupported},
		"a later format":     {head("feedcafedeadbeef\tTrace Version: 0.3\tRocksDB Version: 12.0\tx\n"), engine.ErrUnsupported},
		"no versions":        {head("feedcafedeadbeef\tx\ty\tz"), engine.ErrCorruption},
		"a short head":       {head("feedcafedeadbeef"), engine.ErrCorruption},
		"a trace of I/O":     {head("\x10feedcafedeadbeef\x07\x00\x00\x00\x08\x00\x00\x00"), engine.ErrInvalidArgument},
		"no batch":           {body(3, mapOf()), engine.ErrCorruption},
		"a field too many":   {body(4, prefixed(append(mapOf(2, 3, 6), family...), nil)), engine.ErrCorruption},
		"an unknown field":   {body(4, prefixed(append(mapOf(2, 3, 11), family...), nil)), engine.ErrCorruption},
		"bytes behind":       {body(4, append(prefixed(append(mapOf(2, 3), family...), nil), 0)), engine.ErrCorruption},
		"a long length":      {body(4, append(append(mapOf(2, 3), family...), 5)), engine.ErrCorruption},
		"an endless length":  {body(4, append(append(mapOf(2, 3), family...), bytes.Repeat([]byte{0xff}, 10)...)), engine.ErrCorruption},
		"no keys":            {newForgedTrace(1).multiGet(0).end().bytes, engine.ErrCorruption},
		"many keys":          {body(13, prefixed(prefixed(append(mapOf(8, 9, 10), 0xff, 0xff, 0xff, 0xff), nil), nil)), engine.ErrCorruption},
		"keys left over":     {body(13, prefixed(prefixed(append(mapOf(8, 9, 10), 1, 0, 0, 0), family), []byte{0, 0})), engine.ErrCorruption},
		"another kind":       {body(14, nil), engine.ErrCorruption},
		"a second head":      {body(1, nil), engine.ErrCorruption},
		"something behind":   {append(newForgedTrace(1).end().bytes, 0), engine.ErrCorruption},
		"an end with a word": {newForgedTrace(1).record(2, []byte("x")).bytes, engine.ErrCorruption},
		"no time":            {(&forgedTrace{bytes: newForgedTrace(1).bytes, micro: 1 << 63}).end().bytes, engine.ErrCorruption},
	} {
		got, err := shownBytes(t, bytes.NewReader(c.bytes))
		if expectError(t, name, err, c.want); len(got) > 0 {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// A length that is damaged takes no memory.
func TestTheLengthsOfATraceTakeNoMemory(t *testing.T) {
	huge := newForgedTrace(1).bytes
	huge = append(huge, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0xff, 0xff, 0xff, 0xff)
	huge = append(huge, make([]byte, 1000)...)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := shownBytes(t, bytes.NewReader(huge))
	runtime.ReadMemStats(&after)
	if expectError(t, "huge", err, engine.ErrIncomplete); after.TotalAlloc-before.TotalAlloc > 1<<20 {
		t.Errorf("%d bytes were taken", after.TotalAlloc-before.TotalAlloc)
	}
	value := string(bytes.Repeat([]byte("v"), 1<<20)) // in several steps
	got, err := shownBytes(t, bytes.NewReader(newForgedTrace(1).write(0, "k", value).end().bytes))
	if want := fmt.Sprintf("write %v 0 k=%s", engine.KindPut, value); err != nil || len(got) != 1 || got[0] != want {
		t.Errorf("a large record: %v", err)
	}
}

// FuzzTrace gives files of any bytes to the reader of traces: an error has a code that files can cause, and records are no
// larger than the file.
func FuzzTrace(f *testing.F) {
	f.Add(everyKind().bytes)
	f.Add(newForgedTrace(1).end().bytes)
	f.Fuzz(func(t *testing.T, file []byte) {
		tr, err := engine.ReadTrace(bytes.NewReader(file))
		if err == nil {
			size := 0
			for tr.Next() {
				r := tr.Record()
				size += 13 + len(r.Key) + len(r.Lower) + len(r.Upper) + len(r.Batch)
				for _, k := range r.Keys {
					size += 5 + len(k.Key)
				}
			}
			if size > len(file) {
				t.Fatalf("records of %d bytes in %d", size, len(file))
			}
			err = tr.Error()
		}
		for _, target := range []error{engine.ErrCorruption, engine.ErrIncomplete, engine.ErrUnsupported, engine.ErrInvalidArgument} {
			if errors.Is(err, target) {
				return
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	})
}
