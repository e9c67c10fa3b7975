package engine

import "bytes"

// What a merge operator could not make sense of is refused before it is written: RocksDB would hand
// it to the operator much later, where nobody is left to tell.

// checkMerge refuses an operand that the family's merge operator cannot take.
func (c *ColumnFamily) checkMerge(operand []byte) error {
	if !c.merges {
		return invalid("", "the family has no merge operator")
	}
	if err := c.operand.check(operand); err != nil {
		return err
	}
	return nil
}

// checkOperands refuses a batch in which an operand for family c is malformed.
func (c *ColumnFamily) checkOperands(b *Batch) error {
	if c.operand == anyOperand {
		return nil
	}
	for r := range b.Records() {
		if r.Kind != KindMerge || r.Family != c.c.ID {
			continue
		}
		if err := c.operand.check(r.Value); err != nil {
			err.Family, err.Key = c.name, bytes.Clone(r.Key)
			return err
		}
	}
	return nil
}

// operandKind is what operands a merge operator takes. It is no function, which would move every
// caller's operand to the heap.
type operandKind uint8

const (
	anyOperand operandKind = iota
	int64Operand
	listOperand
	setOperand
)

// check refuses a malformed operand.
func (k operandKind) check(operand []byte) *Error {
	switch {
	case k == int64Operand && len(operand) != int64Len:
		return invalid("", "the operand of an integer operator must be of 8 bytes")
	case k == listOperand && !validList(operand):
		return invalid("", "the operand is not a list as EncodeList makes it")
	case k == setOperand && !validSet(operand):
		return invalid("", "the operand is not a set as EncodeSet makes it")
	}
	return nil
}
