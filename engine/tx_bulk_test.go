package engine_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

// What is written to many rows at once takes their locks, or is refused: no transaction is passed by.
func TestRowsInBulkDoNotPassByTransactions(t *testing.T) {
	for name, mode := range map[string]engine.TxMode{"optimistic": engine.Optimistic, "pessimistic": engine.Pessimistic} {
		t.Run(name, func(t *testing.T) {
			o := &engine.Options{Transactions: mode}
			if mode == engine.Pessimistic {
				o.TxDB.WriteLockTimeout = 20 * time.Millisecond
			}
			db := openTemp(t, o)
			for i := range 10 {
				if err := db.Put(fmt.Appendf(nil, "%d", i), []byte("v"), nil); err != nil {
					t.Fatal(err)
				}
			}
			c, err := db.ColumnFamily("default")
			if err != nil {
				t.Fatal(err)
			}
			tx, err := db.Begin(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer tx.Rollback()
			if _, err := tx.GetForUpdate([]byte("5"), nil); err != nil {
				t.Fatal(err)
			}
			_, err = engine.DeleteWhere(t.Context(), c, &engine.IterOptions{Prefix: []byte("5")}, nil)
			if mode == engine.Pessimistic && !errors.Is(err, engine.ErrTimedOut) || mode == engine.Optimistic && err != nil {
				t.Errorf("a locked row is deleted: %v", err)
			}
			if mode == engine.Optimistic {
				if err := tx.Put([]byte("5"), nil); err != nil {
					t.Fatal(err)
				}
				if err := tx.Commit(); !errors.Is(err, engine.ErrBusy) {
					t.Errorf("the commit has not seen the deletion: %v", err)
				}
			}
			if err := c.Ingest(t.Context(), []string{"/no/file.sst"}, nil); !errors.Is(err, engine.ErrUnsupported) {
				t.Errorf("ingest: %v", err)
			}
			if _, err := c.Import(t.Context(), bytes.NewReader(nil), nil); !errors.Is(err, engine.ErrUnsupported) {
				t.Errorf("import: %v", err)
			}
			if _, err := c.NewLoader(t.Context(), nil); !errors.Is(err, engine.ErrUnsupported) {
				t.Errorf("loader: %v", err)
			}
		})
	}
}
