package engine_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

func TestScanAndCountEndWithTheirContext(t *testing.T) {
	db := openTemp(t, nil)
	const n = 200_000
	b := db.NewBatch()
	for i := range n {
		b.Put(fmt.Appendf(nil, "%06d", i), nil)
	}
	if err := db.Write(b, nil); err != nil {
		t.Fatal(err)
	}
	cancelled, cancel := context.WithCancel(context.Background())
	defer cancel()
	rows, done := engine.Scan(db, &engine.IterOptions{Context: cancelled})
	seen := 0
	for k := range rows {
		if string(k) != fmt.Sprintf("%06d", seen) {
			t.Fatalf("row %d is %s", seen, k)
		}
		if seen++; seen == 10 {
			cancel()
		}
	}
	expectError(t, "Scan", done(), context.Canceled)
	if seen < 10 || seen == n {
		t.Errorf("%d rows", seen)
	}
	_, _, _, err := engine.Count(cancelled, db, nil)
	expectError(t, "Count", err, context.Canceled)
	_, _, _, err = engine.Count(nil, db, &engine.IterOptions{Context: cancelled})
	expectError(t, "Count of an iterator whose context has ended", err, context.Canceled)
	rest := 2 // stretches of 65,536 rows
	counted, keys, _, err := engine.Count(endingContext{context.Background(), &rest}, db, nil)
	expectError(t, "Count", err, context.Canceled)
	if counted == 0 || counted >= n || keys != 6*counted {
		t.Errorf("%d rows, %d bytes before the end of the context", counted, keys)
	}
	if counted, _, _, err := engine.Count(nil, db, nil); counted != n || err != nil {
		t.Errorf("%d, %v", counted, err)
	}
}

// endingContext ends after it was asked so many times.
type endingContext struct {
	context.Context
	left *int
}

func (c endingContext) Err() error {
	if *c.left--; *c.left < 0 {
		return context.Canceled
	}
	return nil
}
