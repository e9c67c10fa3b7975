package iterator

import (
	"bytes"

	"github.com/rockbridge-db/rockbridge/internal/entity"
	"github.com/rockbridge-db/rockbridge/internal/rbdebug"
)

// rowKey aliases the current row's key in the window; nil in a gap.
func (it *Iterator) rowKey() []byte {
	if it == nil || !it.on {
		return nil
	}
	return it.win.key(it.i)
}

// rowValue aliases the current row's value as rowKey does its key; nil for keys only.
func (it *Iterator) rowValue() []byte {
	if it == nil || !it.on {
		return nil
	}
	return it.win.value(it.i)
}

// unsafeKey aliases the current row's key in the window, until the next move; nil in a gap. It is
// not exported: a caller who kept it would read another row's bytes. In the debug build it is a loan,
// whose use after the next move is a fault.
func (it *Iterator) unsafeKey() []byte {
	if rbdebug.On {
		return it.lendKey()
	}
	return it.rowKey()
}

// unsafeValue aliases the current row's value as unsafeKey does its key; nil for keys only.
func (it *Iterator) unsafeValue() []byte {
	if rbdebug.On {
		return it.lendValue()
	}
	return it.rowValue()
}

// Key returns a copy of the current row's key, valid for ever; never nil on a row, nil in a gap. On
// a closed iterator it still gives the row on which it stood.
func (it *Iterator) Key() []byte {
	if rbdebug.On {
		defer it.inside("Key")()
	}
	if it == nil || !it.on {
		return nil
	}
	return copied(it.rowKey())
}

// Value returns a copy of the current row's value, valid for ever; nil in a gap and for keys only.
func (it *Iterator) Value() []byte {
	if rbdebug.On {
		defer it.inside("Value")()
	}
	v := it.rowValue()
	if v == nil {
		return nil
	}
	return copied(v)
}

// Column is one column of a row of a family with WideColumns.
type Column = entity.Column

// Columns returns copies of the current row's columns, in bytewise order of their names, valid for ever and sharing
// memory; a row that has a value has one, with the empty name. Nil in a gap, for keys only, and without
// IterOptions.Columns.
func (it *Iterator) Columns() []Column {
	if rbdebug.On {
		defer it.inside("Columns")()
	}
	v := it.rowValue()
	if v == nil || !it.cfg.Columns {
		return nil
	}
	columns, _ := entity.Decode(copied(v)) // the glue has made it
	return columns
}

// copied clones b without rounding up, and never gives nil.
func copied(b []byte) []byte {
	c := make([]byte, len(b))
	copy(c, b)
	return c
}

// Timestamp is the timestamp of the version on which the iterator stands, of a family with timestamps; 0 in a
// gap and of other families.
func (it *Iterator) Timestamp() uint64 {
	if rbdebug.On {
		defer it.inside("Timestamp")()
	}
	if it == nil || !it.on {
		return 0
	}
	return it.win.timestamp(it.i)
}

// HasPrefix reports whether the current row's key begins with p; false in a gap. It does not
// allocate.
func (it *Iterator) HasPrefix(p []byte) bool {
	if rbdebug.On {
		defer it.inside("HasPrefix")()
	}
	return it != nil && it.on && bytes.HasPrefix(it.win.key(it.i), p)
}

// EqualKey reports whether the current row's key is k; false in a gap. It does not allocate.
func (it *Iterator) EqualKey(k []byte) bool {
	if rbdebug.On {
		defer it.inside("EqualKey")()
	}
	return it != nil && it.on && bytes.Equal(it.win.key(it.i), k)
}

// AppendKey appends the current row's key to dst; nothing in a gap.
func (it *Iterator) AppendKey(dst []byte) []byte {
	if rbdebug.On {
		defer it.inside("AppendKey")()
	}
	return append(dst, it.unsafeKey()...)
}

// AppendValue appends the current row's value to dst; nothing in a gap.
func (it *Iterator) AppendValue(dst []byte) []byte {
	if rbdebug.On {
		defer it.inside("AppendValue")()
	}
	return append(dst, it.unsafeValue()...)
}

// KeyLen is the length of the current row's key in bytes; 0 in a gap.
func (it *Iterator) KeyLen() int {
	if rbdebug.On {
		defer it.inside("KeyLen")()
	}
	return len(it.unsafeKey())
}

// ValueLen is the length of the current row's value in bytes, before a cut by ValuesUpTo; 0 in a gap
// and for keys only.
func (it *Iterator) ValueLen() int {
	if rbdebug.On {
		defer it.inside("ValueLen")()
	}
	if it == nil || !it.on {
		return 0
	}
	return it.win.valueLen(it.i)
}
