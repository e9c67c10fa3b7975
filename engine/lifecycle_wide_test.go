package engine_test

import (
	"errors"

	"github.com/rockbridge-db/rockbridge/engine"
)

// The families of the kit hold no entities: calls for such are refused by those that are alive.

// entityReader is what DB, ColumnFamily and Snapshot have in common for families with entities.
type entityReader interface {
	GetEntity(key []byte, o *engine.ReadOptions) ([]engine.Column, error)
}

// entityWriter is what DB and ColumnFamily have in common.
type entityWriter interface {
	PutEntity(key []byte, columns []engine.Column, o *engine.WriteOptions) error
}

// orNarrow lets the refusal pass.
func orNarrow(err error) error {
	if errors.Is(err, engine.ErrInvalidArgument) {
		return nil
	}
	return want(err, false, "a family without WideColumns took an entity")
}

func getEntityCall[T entityReader](h T, _ *lifecycleKit) error {
	_, err := h.GetEntity(kitKeys[0], nil)
	return orNarrow(err)
}

func putEntityCall[T entityWriter](h T, _ *lifecycleKit) error {
	return orNarrow(h.PutEntity([]byte("x"), nil, nil))
}
