package batchrepr

// What the tests need to see from outside.
var (
	VarintLen = varintLen
	PutVarint = putVarint
	GetVarint = getVarint
)
