package batchrepr_test

import (
	"errors"
	"fmt"

	"github.com/rockbridge-db/rockbridge/engine/batchrepr"
)

func Example() {
	rep := batchrepr.AppendHeader(nil)
	rep = batchrepr.AppendPut(rep, 0, []byte("key"), []byte("v"))
	rep = batchrepr.AppendDelete(rep, 300, []byte("key"))
	batchrepr.SetCount(rep, 2)
	fmt.Printf("% x | % x | % x | % x\n", rep[:8], rep[8:12], rep[12:19], rep[19:])

	for r := range batchrepr.Records(rep) {
		fmt.Printf("%v in family %d: %q %q\n", r.Kind, r.Family, r.Key, r.Value)
	}
	// Output:
	// 00 00 00 00 00 00 00 00 | 02 00 00 00 | 01 03 6b 65 79 01 76 | 04 ac 02 03 6b 65 79
	// Put in family 0: "key" "v"
	// Delete in family 300: "key" ""
}

func ExampleCheck() {
	rep := batchrepr.AppendHeader(nil)
	rep = batchrepr.AppendMerge(rep, 7, []byte("visits"), []byte("+1"))
	batchrepr.SetCount(rep, 1)

	s, err := batchrepr.Check(rep)
	fmt.Println(s.Count, s.Families, s.HasMerge, err)

	_, err = batchrepr.Check(rep[:len(rep)-1])
	var malformed *batchrepr.FormatError
	fmt.Println(errors.As(err, &malformed), err)
	// Output:
	// 1 [7] true <nil>
	// true batchrepr: malformed write batch at byte 21: length reaches beyond the end
}
