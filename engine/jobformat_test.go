package engine

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"testing"
)

// What a worker is given and what it answers is taken whole, as it was made, or not at all.
func TestJobsAndAnswersAreTakenWholeOrNotAtAll(t *testing.T) {
	input := jobInput{newNonce(), "identity", "family", []byte("RocksDB's words")}
	result := jobResult{newNonce(), "/out", []jobTable{{"000012.sst", 1 << 40}, {"000013.sst", 7}}, []byte("RocksDB's answer")}
	if got, err := parseJobInput(input.append(nil)); err != nil || !reflect.DeepEqual(got, input) {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := parseJobResult(result.append(nil)); err != nil || !reflect.DeepEqual(got, result) {
		t.Errorf("%+v, %v", got, err)
	}
	parse := map[string]func([]byte) error{
		"input":  func(b []byte) error { _, err := parseJobInput(b); return err },
		"answer": func(b []byte) error { _, err := parseJobResult(b); return err },
	}
	refuse := func(what string, b []byte) {
		t.Helper()
		for name, f := range parse {
			if f(b) == nil {
				t.Errorf("%s as an %s is taken: %q", what, name, b)
			}
		}
	}
	for _, whole := range [][]byte{input.append(nil), result.append(nil)} {
		for i := range whole {
			damaged := bytes.Clone(whole)
			damaged[i] ^= 1 << (i % 8)
			refuse("damage", damaged)
			refuse("a part", whole[:i])
			refuse("a rest", whole[i+1:])
		}
		refuse("more", append(bytes.Clone(whole), 0))
	}
	// With a right checksum lengths may be anything.
	r := rand.New(rand.NewPCG(1, 2))
	for range 20000 {
		b := []byte(jobResultMark)
		if r.IntN(2) == 0 {
			b = []byte(jobInputMark)
		}
		b = append(b, input.nonce[:]...)
		for range r.IntN(40) {
			b = append(b, byte(r.IntN(4)*r.IntN(100)))
		}
		for _, f := range parse {
			_ = f(sealed(b)) // must not panic, nor take much memory
		}
	}
	for name, bad := range map[string]jobResult{
		"a path that is not whole": {result.nonce, "out", result.tables, result.data},
		"a name outside":           {result.nonce, "/out", []jobTable{{"../000012.sst", 1}}, result.data},
		"no words":                 {result.nonce, "/out", result.tables, nil},
	} {
		refuse(name, bad.append(nil))
	}
}
