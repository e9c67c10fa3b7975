package works

import (
	"bytes"
	"flag"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"
)

var seed = flag.Uint64("seed", uint64(time.Now().UnixNano()), "of the random values")

func random(t *testing.T) *rand.Rand {
	t.Helper()
	t.Logf("-seed=%d", *seed)
	return rand.New(rand.NewPCG(*seed, 1))
}

// someTask is of any size that a setting may have.
func someTask(r *rand.Rand) Task {
	total := 1 + r.IntN(5000)
	return Task{Total: total, Ops: 1 + r.IntN(2*total), KeyBytes: 16 + r.IntN(20), ValueBytes: 1 + r.IntN(300), Seed: r.Uint64()}
}

// keysOf gives the row of each key that a row of the task's database has.
func keysOf(t Task) map[string]int {
	out := map[string]int{}
	key := make([]byte, t.KeyBytes)
	for i := range t.Total {
		putKey(key, uint64(i), false)
		out[string(key)] = i
	}
	return out
}

func TestKeysAreInTheOrderOfRowsAndGroupsHaveAPrefix(t *testing.T) {
	r := random(t)
	for range 20 {
		task := someTask(r)
		task.Keys, task.Ops = InOrder, task.Total
		rows := choose(&task)
		for i := 1; i < rows.Len(); i++ {
			if bytes.Compare(rows.Key(i-1), rows.Key(i)) >= 0 {
				t.Fatalf("key %d does not come before the next", i-1)
			}
			if same := bytes.Equal(rows.Key(i - 1)[:PrefixBytes], rows.Key(i)[:PrefixBytes]); same != (i%groupRows != 0) {
				t.Fatalf("row %d has the prefix of the one before: %v", i, same)
			}
		}
	}
}

func TestChosenKeysAreWhatTheirNameSays(t *testing.T) {
	r := random(t)
	for range 20 {
		task := someTask(r)
		all := keysOf(task)
		for _, keys := range []Keys{AnyRow, Missing, Zipfian, HotSet, Spread} {
			task.Keys = keys
			rows := choose(&task)
			if rows.Len() != task.Ops {
				t.Fatalf("%s: %d keys, not %d", keys, rows.Len(), task.Ops)
			}
			distinct := map[string]bool{}
			for i := range rows.Len() {
				if _, is := all[string(rows.Key(i))]; is != (keys != Missing) {
					t.Fatalf("%s: key %d is that of a row: %v", keys, i, is)
				}
				distinct[string(rows.Key(i))] = true
			}
			if (keys == HotSet || keys == Spread) && len(distinct) > hotRows {
				t.Errorf("a hot set of %d", len(distinct))
			}
		}
		task.Keys, task.Ops = Shuffle, task.Total
		rows := choose(&task)
		for i := range rows.Len() {
			delete(all, string(rows.Key(i)))
		}
		if len(all) != 0 {
			t.Errorf("shuffled, %d rows of %d do not come", len(all), task.Total)
		}
	}
}

func TestHotSetsAreASmallPartOfManyRows(t *testing.T) {
	for keys, groups := range map[Keys][2]int{HotSet: {10, 11}, Spread: {900, 1000}} {
		task := Task{Keys: keys, Total: 1_000_000, Ops: 50_000, KeyBytes: 16, ValueBytes: 8, Seed: *seed}
		rows := choose(&task)
		distinct, in := map[string]bool{}, map[string]bool{}
		for i := range rows.Len() {
			distinct[string(rows.Key(i))] = true
			in[string(rows.Key(i)[:PrefixBytes])] = true
		}
		if len(distinct) > hotRows || len(distinct) < hotRows*9/10 {
			t.Errorf("%s: %d different keys", keys, len(distinct))
		}
		if len(in) < groups[0] || len(in) > groups[1] {
			t.Errorf("%s: they lie in %d of 1,000 groups", keys, len(in))
		}
	}
}

func TestZipfianPrefersSomeRows(t *testing.T) {
	task := Task{Keys: Zipfian, Total: 100_000, Ops: 100_000, KeyBytes: 16, ValueBytes: 8, Seed: *seed}
	rows := choose(&task)
	count, most := map[string]int{}, 0
	for i := range rows.Len() {
		count[string(rows.Key(i))]++
		most = max(most, count[string(rows.Key(i))])
	}
	if most < 1000 || len(count) < 10_000 {
		t.Errorf("the most frequent of %d keys comes %d times", len(count), most)
	}
}

// TestARowHasOneValue protects that an overwrite writes what was there: else the peers' sums would depend on the order.
func TestARowHasOneValue(t *testing.T) {
	r := random(t)
	for range 20 {
		task := someTask(r)
		values := map[string]string{}
		for _, keys := range []Keys{InOrder, AnyRow, HotSet} {
			task.Keys, task.Seed = keys, r.Uint64()
			task.Ops = task.Total
			rows := choose(&task)
			for i := range rows.Len() {
				key, value := string(rows.Key(i)), string(rows.Value(i))
				if old, ok := values[key]; ok && old != value || len(value) != task.ValueBytes {
					t.Fatalf("%s: row %d has another value of %d bytes", keys, i, len(value))
				}
				values[key] = value
			}
		}
	}
}

func TestAfterIsTheFirstKeyBehindAPrefix(t *testing.T) {
	for _, c := range []struct{ prefix, want string }{{"a", "b"}, {"a\xff", "b"}, {"\x00\xff\xff", "\x01"}, {"\xff", ""}, {"ab", "ac"}} {
		if got := After([]byte(c.prefix)); string(got) != c.want {
			t.Errorf("after %q comes %q, not %q", c.prefix, got, c.want)
		}
	}
}

func TestATraceComesBackAsItWasWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "trace")
	in := &Trace{KeyBytes: 2, Loaded: []byte("aabbcc"), Kinds: []byte{OpScan, OpRead}, Keys: []byte("bbcc"), Lengths: []uint16{7, 0}}
	if err := WriteTrace(file, in); err != nil {
		t.Fatal(err)
	}
	for _, load := range []bool{true, false} {
		ops, err := tracedOps(&Task{Trace: file, Load: load, ValueBytes: 5})
		if err != nil {
			t.Fatal(err)
		}
		want := map[bool]string{true: "aabbcc", false: "bbcc"}[load]
		if string(ops.Packed) != want || ops.Len() != len(want)/2 || len(ops.Value(1)) != 5 || !bytes.Equal(ops.Kinds, in.Kinds) || ops.Lengths[0] != 7 {
			t.Errorf("load %v: %+v", load, ops.Packed)
		}
	}
}
