package metamorphic

import (
	"bytes"
	"flag"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"
)

var seedFlag = flag.Uint64("metamorphic.seed", 0, "seed of random lists; 0: a new one each time")

func seed(t *testing.T) uint64 {
	t.Helper()
	s := *seedFlag
	if s == 0 {
		s = uint64(time.Now().UnixNano())
	}
	t.Logf("replay with -metamorphic.seed=%d", s)
	return s
}

func TestAListIsReadBackAsItWasWritten(t *testing.T) {
	s := seed(t)
	for n := range uint64(20) {
		list := Generate(s+n, 300, n%2 == 0)
		var text bytes.Buffer
		if err := Write(&text, list, "a comment"); err != nil {
			t.Fatal(err)
		}
		first, _, _ := bytes.Cut(text.Bytes(), []byte("\n"))
		back, err := Read(&text)
		if err != nil || len(back) != len(list) || string(first) != "# a comment" {
			t.Fatalf("seed %d: %d operations of %d, %v", s+n, len(back), len(list), err)
		}
		for i := range list {
			if back[i].String() != list[i].String() {
				t.Fatalf("seed %d: %v was %v", s+n, back[i], list[i])
			}
			if bounds := func(o Op) []bool { return []bool{o.Lower == nil, o.Upper == nil, o.Key == nil} }; !slices.Equal(bounds(back[i]), bounds(list[i])) {
				t.Fatalf("seed %d: %v has other bounds that are nil", s+n, list[i])
			}
		}
	}
}

func TestListsOfOneSeedAreTheSame(t *testing.T) {
	s := seed(t)
	if a, b := Generate(s, 500, true), Generate(s, 500, true); !reflect.DeepEqual(a, b) {
		t.Error("they are not")
	}
	for _, o := range Generate(s, 2000, false) {
		if o.Do == "stage" && slices.ContainsFunc(o.Records, func(r Record) bool { return r.Do == "range" }) {
			t.Errorf("an indexed batch deletes a range: %v", o)
		}
	}
}

func TestWhatIsNoOperationIsRefused(t *testing.T) {
	for _, line := range []string{"put key=unquoted", "put nothing=1", "put n=x", "batch records=put/0", "put value=3.x", "put value=nx", `multiget keys="a",b`} {
		if o, err := ParseOp(line); err == nil {
			t.Errorf("%s is %v", line, o)
		}
	}
}

// A list shows a fault when three of its operations are there in their order, one of them with a certain record.
func TestAFailingListIsReducedToWhatItTakes(t *testing.T) {
	s := seed(t)
	for n := range uint64(5) {
		list := Generate(s+n, 3000, true)
		list[700] = Op{Do: "snapshot", Slot: 2}
		list[1900].Do = "batch"
		list[1900].Records = append(list[1900].Records, Record{Do: "merge", Family: 1, Key: []byte("u3"), Value: Value{Number: true, Seed: 9}})
		list[2900] = Op{Do: "scan", On: "s2", Range: Range{Lower: []byte("a"), Limit: 3}}
		asked := 0
		fails := func(list []Op) bool {
			asked++
			stage := 0
			for _, o := range list {
				switch {
				case stage == 0 && o.Do == "snapshot" && o.Slot == 2,
					stage == 1 && slices.ContainsFunc(o.Records, func(r Record) bool { return r.Do == "merge" && string(r.Key) == "u3" }),
					stage == 2 && o.On == "s2" && o.Limit > 0:
					stage++
				}
			}
			return stage == 3
		}
		small := Reduce(list, 2000, fails)
		size := 0
		for _, o := range small {
			size += len(o.Records) + len(o.Keys)
		}
		if len(small) != 3 || size != 1 || !fails(small) {
			t.Fatalf("seed %d: %d operations are left after %d tries: %.1000s", s+n, len(small), asked, fmt.Sprint(small))
		}
	}
	list := Generate(s, 10, true)
	if same := Reduce(list, 100, func([]Op) bool { return false }); !reflect.DeepEqual(list, same) {
		t.Error("a list that does not fail was changed")
	}
}
