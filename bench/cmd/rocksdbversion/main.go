// Program rocksdbversion prints the version of the RocksDB that programs are linked with here.
package main

import (
	"fmt"

	"github.com/rockbridge-db/rockbridge/engine"
)

func main() { fmt.Println(engine.Version()) }
