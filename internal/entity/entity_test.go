package entity

import (
	"bytes"
	"encoding/hex"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
)

func TestTheFormIsRocksDBs(t *testing.T) {
	// Of {"": "v", "name": "value"}, as WideColumnSerialization has it.
	got := Append(nil, []Column{{nil, []byte("v")}, {[]byte("name"), []byte("value")}})
	if want := "01" + "02" + "0001" + "046e616d65" + "05" + "76" + "76616c7565"; hex.EncodeToString(got) != want {
		t.Errorf("encoded %x, want %s", got, want)
	}
}

func randomColumns(r *rand.Rand) []Column {
	var columns []Column
	seen := map[string]bool{}
	for range r.IntN(6) {
		name := bytes.Repeat([]byte{byte('a' + r.IntN(3))}, []int{0, 1, 2, 127, 128, 300}[r.IntN(6)])
		if !seen[string(name)] {
			seen[string(name)] = true
			columns = append(columns, Column{name, bytes.Repeat([]byte{byte(r.IntN(256))}, []int{0, 1, 127, 128, 5000}[r.IntN(5)])})
		}
	}
	return columns
}

func TestColumnsComeBackInOrder(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		columns := randomColumns(r)
		before := slices.Clone(columns)
		sorted, err := Sorted(columns)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(columns, before) {
			t.Fatal("the caller's slice was sorted")
		}
		b := Append([]byte("before"), sorted)[6:]
		if Size(sorted) != uint64(len(b)) {
			t.Fatalf("the size is %d, told was %d", len(b), Size(sorted))
		}
		got, err := Decode(b)
		if err != nil || len(got) != len(columns) {
			t.Fatalf("%d columns of %d: %v", len(got), len(columns), err)
		}
		var first []byte
		for i, c := range got {
			if !bytes.Equal(c.Name, sorted[i].Name) || !bytes.Equal(c.Value, sorted[i].Value) || cap(c.Name) != len(c.Name) || cap(c.Value) != len(c.Value) {
				t.Fatalf("seed %d: column %d is another one", seed, i)
			}
			if len(c.Name) == 0 {
				first = c.Value
			}
		}
		if v, err := Default(b); err != nil || !bytes.Equal(v, first) {
			t.Fatalf("the default column is %q, %v, want %q", v, err, first)
		}
		for n := range b {
			if Check(b[:n]) == nil {
				t.Fatalf("seed %d: the first %d bytes of %d pass", seed, n, len(b))
			}
		}
	}
}

func TestWhatRocksDBDoesNotWriteIsRefused(t *testing.T) {
	for what, text := range map[string]string{
		"nothing":                       "",
		"version 0":                     "0000",
		"version 2":                     "0201000000",
		"a number that is cut off":      "0180",
		"more columns than bytes":       "01ffffffff0f",
		"a number beyond 32 bits":       "018080808010",
		"a number that is too long":     "018100" + "0000",
		"a name that is cut off":        "0101" + "0561",
		"a name whose length is long":   "0101" + "ffffffff0f" + "61",
		"no length of the value":        "0101" + "0161",
		"a value that is cut off":       "0101" + "0161" + "02" + "76",
		"a value behind the end":        "0101" + "0161" + "01" + "76" + "76",
		"names out of order":            "0102" + "0162" + "00" + "0161" + "00",
		"a name twice":                  "0102" + "0161" + "00" + "0161" + "00",
		"the empty name twice":          "0102" + "00" + "00" + "00" + "00",
		"values that exceed everything": "0102" + "0161" + "ffffffff0f" + "0162" + "ffffffff0f",
	} {
		b, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		if c, err := Decode(b); err == nil {
			t.Errorf("%s: %v", what, c)
		}
		if Check(b) == nil {
			t.Errorf("%s passes", what)
		}
	}
}

func TestNamesThatComeTwiceAreRefused(t *testing.T) {
	if _, err := Sorted([]Column{{Name: []byte("b")}, {Name: []byte("a")}, {Name: []byte("b")}}); err == nil {
		t.Error("taken")
	}
}

func TestTheCheckAllocatesNothing(t *testing.T) {
	b := Append(nil, []Column{{[]byte("a"), []byte("1")}, {[]byte("b"), []byte("2")}})
	if n := testing.AllocsPerRun(100, func() {
		if Check(b) != nil {
			t.Fatal("refused")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte{1, 0})
	f.Add(Append(nil, []Column{{nil, []byte("v")}, {[]byte("name"), []byte("value")}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		columns, err := Decode(b)
		if (err == nil) != (Check(b) == nil) {
			t.Fatal("Decode and Check differ")
		}
		if err == nil && !bytes.Equal(Append(nil, columns), b) {
			t.Fatalf("%x is not what its columns are written as", b)
		}
	})
}
