package program

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func TestServeAnswersEachRequestByALine(t *testing.T) {
	double := func(request []byte) (any, error) {
		var n int
		if err := json.Unmarshal(request, &n); err != nil {
			return nil, err
		}
		if n < 0 {
			return nil, errors.New("negative")
		}
		return 2 * n, nil
	}
	for _, c := range []struct {
		in, out string
		good    bool
	}{
		{"1 2\n3", "{\"answer\":2}\n{\"answer\":4}\n{\"answer\":6}\n", true},
		{"", "", true},
		{"-1 5", "{\"error\":\"negative\"}\n{\"answer\":10}\n", false},
	} {
		var out strings.Builder
		if good := serve(double, strings.NewReader(c.in), &out); good != c.good || out.String() != c.out {
			t.Errorf("%q gives %q, good: %v", c.in, out.String(), good)
		}
	}
	var out strings.Builder
	if serve(double, strings.NewReader("1 {"), &out) || !strings.Contains(out.String(), `"error"`) {
		t.Errorf("a request that breaks off: %q", out.String())
	}
}

func TestUsedTellsOfAllocations(t *testing.T) {
	before := Now()
	kept := make([][]byte, 1000)
	for i := range kept {
		kept[i] = make([]byte, 100)
	}
	used := Now().Since(before)
	if used.Mallocs < 1000 || used.AllocBytes < 100_000 || used.PeakRSS == 0 || used.Threads == 0 || len(kept) != 1000 {
		t.Errorf("%+v", used)
	}
}
