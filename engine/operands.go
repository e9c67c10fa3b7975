package engine

import "bytes"

// What a merge operator could not make sense of is refused before it is written: RocksDB would hand
// it to the operator much later, where nobody is left to tell.

// checkMerge refuses an operand that the family's merge operator cannot take.
func (c *ColumnFamily) checkMerge(operand []byte) error {
	if !c.merges {
		return invalid("", "the family has no merge operator")
	}
	if c.operand == nil {
		return nil
	}
	if err := c.operand(operand); err != nil {
		return err
	}
	return nil
}

// checkOperands refuses a batch in which an operand for family c is malformed.
func (c *ColumnFamily) checkOperands(b *Batch) error {
	if c.operand == nil {
		return nil
	}
	for r := range b.Records() {
		if r.Kind != KindMerge || r.Family != c.c.ID {
			continue
		}
		if err := c.operand(r.Value); err != nil {
			err.Family, err.Key = c.name, bytes.Clone(r.Key)
			return err
		}
	}
	return nil
}

func checkInt64(operand []byte) *Error {
	if len(operand) != int64Len {
		return invalid("", "the operand of an integer operator must be of 8 bytes")
	}
	return nil
}

func checkList(operand []byte) *Error {
	if !validList(operand) {
		return invalid("", "the operand is not a list as EncodeList makes it")
	}
	return nil
}

func checkSet(operand []byte) *Error {
	if !validSet(operand) {
		return invalid("", "the operand is not a set as EncodeSet makes it")
	}
	return nil
}
