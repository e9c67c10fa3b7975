package enginetest

import (
	"encoding/binary"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

// operations is how many a random run has.
func operations(t *testing.T) int {
	if testing.Short() {
		return 200
	}
	return 2000
}

func TestRunOfADatabase(t *testing.T) {
	Run(t, Config{Open: Databases(nil), Operations: operations(t)})
}

func TestRunOfADatabaseWithTransactions(t *testing.T) {
	Run(t, Config{Open: Databases(&engine.Options{Transactions: engine.Pessimistic}), Operations: operations(t)})
}

func TestRunOfMerges(t *testing.T) {
	o := &engine.Options{FamilyOptions: engine.FamilyOptions{MergeOperator: engine.AppendDelimited("")}}
	Run(t, Config{Open: Databases(o), Merge: appendTo, Operations: operations(t)})
	o = &engine.Options{FamilyOptions: engine.FamilyOptions{MergeOperator: engine.Uint64Add}}
	number := func(r *rand.Rand) []byte { return binary.LittleEndian.AppendUint64(nil, r.Uint64()) }
	Run(t, Config{Open: Databases(o), Operations: operations(t), Value: number, Operand: number, Merge: func(old, operand []byte) []byte {
		sum := binary.LittleEndian.Uint64(operand)
		if old != nil {
			sum += binary.LittleEndian.Uint64(old)
		}
		return binary.LittleEndian.AppendUint64(nil, sum)
	}})
}

// faults are subjects that are wrong in one way.
var faults = map[string]func(t testing.TB, s *Subject){
	"a Delete is lost": func(_ testing.TB, s *Subject) {
		s.Writer = &forgetful{s.Writer, 'a'}
	},
	"DeleteRange takes its end too": func(_ testing.TB, s *Subject) {
		deleteRange, w := s.DeleteRange, s.Writer
		s.DeleteRange = func(start, end []byte) error {
			if err := deleteRange(start, end); err != nil {
				return err
			}
			return w.Delete(end)
		}
	},
	"a batch is not committed": func(_ testing.TB, s *Subject) {
		newBatch := s.NewBatch
		n := 0
		s.NewBatch = func() (*engine.Batch, func() error) {
			b, commit := newBatch()
			if n++; n%3 == 0 {
				return b, func() error { return nil }
			}
			return b, commit
		}
	},
	"a snapshot shows what is new": func(_ testing.TB, s *Subject) {
		r := s.Reader
		s.NewSnapshot = func() (engine.Reader, func() error, error) { return r, func() error { return nil }, nil }
	},
	"Settle loses a row": func(_ testing.TB, s *Subject) {
		settle, deleteRange := s.Settle, s.DeleteRange
		s.Settle = func() error {
			if err := settle(); err != nil {
				return err
			}
			return deleteRange([]byte("b"), []byte("c"))
		}
	},
	"a crash loses a write": func(_ testing.TB, s *Subject) {
		restart := s.Restart
		s.Restart = func(t testing.TB, crash bool) Subject {
			after := restart(t, crash)
			if crash {
				check(t, after.DeleteRange(nil, []byte("\xff\xff\xff\xff")))
			}
			return after
		}
	},
	"a restart leaks": func(_ testing.TB, s *Subject) {
		restart, r := s.Restart, s.Reader
		s.Restart = func(t testing.TB, crash bool) Subject {
			_, err := r.NewIter(nil)
			check(t, err)
			return restart(t, crash)
		}
	},
	"Get panics": func(_ testing.TB, s *Subject) {
		s.Reader = &liar{Reader: s.Reader, get: func(key, v []byte, err error) ([]byte, error) {
			if len(key) == 3 && key[0] == 'c' {
				panic("planted")
			}
			return v, err
		}}
	},
}

// forgetful drops every Delete of keys that begin with a letter.
type forgetful struct {
	engine.Writer
	letter byte
}

func (f *forgetful) Delete(key []byte) error {
	if len(key) > 0 && key[0] == f.letter {
		return nil
	}
	return f.Writer.Delete(key)
}

// plant has a fault in a subject, and in what it is after restarts.
func plant(t testing.TB, s Subject, fault func(t testing.TB, s *Subject)) Subject {
	if restart := s.Restart; restart != nil {
		s.Restart = func(t testing.TB, crash bool) Subject { return plant(t, restart(t, crash), fault) }
	}
	fault(t, &s)
	return s
}

// shared gives one database again and again, emptied: to reduce a list takes many.
func shared(t *testing.T) func(t testing.TB) Subject {
	s := SubjectOf(Open(t, nil), nil)
	s.Restart = nil
	return func(t testing.TB) Subject {
		check(t, s.DeleteRange(nil, []byte("\xff\xff\xff\xff")))
		return s
	}
}

func faulty(open func(t testing.TB) Subject, fault func(t testing.TB, s *Subject)) Config {
	return Config{Operations: 2000, Open: func(t testing.TB) Subject { return plant(t, open(t), fault) }}
}

var reducedTo = regexp.MustCompile(`reduced to (\d+) operations`)

func TestRunFindsPlantedFaultsAndReducesThem(t *testing.T) {
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			open := shared(t)
			if strings.Contains(name, "restart") || strings.Contains(name, "crash") {
				if testing.Short() {
					t.Skip("opens some hundred databases")
				}
				open = Databases(nil)
			}
			text := mustFail(t, func(t testing.TB) { Run(t, faulty(open, fault)) }, "seed ")
			m := reducedTo.FindStringSubmatch(text)
			if m == nil {
				t.Fatalf("not reduced: %s", text)
			}
			if n, _ := strconv.Atoi(m[1]); n > 8 {
				t.Errorf("%d operations are left: %s", n, text)
			}
			t.Log(text)
		})
	}
}

func TestASeedRepeatsARun(t *testing.T) {
	c := faulty(shared(t), faults["a Delete is lost"])
	c.Seed = 12345
	var texts [2]string
	for i := range texts {
		texts[i] = mustFail(t, func(t testing.TB) { Run(t, c) }, "seed 12345")
	}
	if texts[0] != texts[1] {
		t.Errorf("two runs of one seed differ:\n%s\n%s", texts[0], texts[1])
	}
}

func TestRunWithoutASubjectSaysSo(t *testing.T) {
	mustFail(t, func(t testing.TB) {
		Run(t, Config{Open: func(t testing.TB) Subject { t.Fatal("planted"); return Subject{} }})
	}, "no subject", "planted")
	r := record(t, func(r *recorder) {
		Run(r, Config{Open: func(t testing.TB) Subject { t.Skip("planted"); return Subject{} }})
	})
	if r.Failed() || !r.Skipped() {
		t.Errorf("failed %v, skipped %v", r.Failed(), r.Skipped())
	}
}

func TestASubjectOfReadsAndSingleWritesIsEnough(t *testing.T) {
	Run(t, Config{Operations: operations(t), Open: func(t testing.TB) Subject {
		db := Open(t, nil)
		return Subject{Reader: db, Writer: db.Writer(nil)}
	}})
}

func TestTheRecorderKeepsFailuresAndCleansUp(t *testing.T) {
	order := ""
	r := record(t, func(r *recorder) {
		r.Cleanup(func() { order += "1" })
		r.Cleanup(func() { order += "2"; r.Fatal("in a cleanup") })
		r.Cleanup(func() { order += "3"; panic("planted") })
		r.Log("nothing")
		r.FailNow()
		order += "after FailNow"
	})
	if order != "321" || !r.Failed() || !strings.Contains(r.reason(), "in a cleanup") || !strings.Contains(r.reason(), "planted") {
		t.Errorf("order %q, %s", order, r.reason())
	}
}
