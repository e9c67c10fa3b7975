package batchrepr

import "fmt"

// The tags of the records, as RocksDB numbers them. A tag without a family means the
// default family.
const (
	tagDelete             = 0x00
	tagPut                = 0x01
	tagMerge              = 0x02
	tagLogData            = 0x03
	tagFamilyDelete       = 0x04
	tagFamilyPut          = 0x05
	tagFamilyMerge        = 0x06
	tagSingleDelete       = 0x07
	tagFamilySingleDelete = 0x08
	tagFamilyDeleteRange  = 0x0E
	tagDeleteRange        = 0x0F
	tagPutEntity          = 0x16
	tagFamilyPutEntity    = 0x17
)

// shape says which fields follow a tag.
type shape struct {
	kind   Kind // 0: not a tag of a record that may be in a batch
	family bool
	key    bool
	value  bool
}

// shapes has an entry for every byte, so that reading a tag needs no bounds check.
var shapes = [256]shape{
	tagDelete:             {kind: KindDelete, key: true},
	tagPut:                {kind: KindPut, key: true, value: true},
	tagMerge:              {kind: KindMerge, key: true, value: true},
	tagLogData:            {kind: KindLogData, value: true},
	tagFamilyDelete:       {kind: KindDelete, family: true, key: true},
	tagFamilyPut:          {kind: KindPut, family: true, key: true, value: true},
	tagFamilyMerge:        {kind: KindMerge, family: true, key: true, value: true},
	tagSingleDelete:       {kind: KindSingleDelete, key: true},
	tagFamilySingleDelete: {kind: KindSingleDelete, family: true, key: true},
	tagFamilyDeleteRange:  {kind: KindDeleteRange, family: true, key: true, value: true},
	tagDeleteRange:        {kind: KindDeleteRange, key: true, value: true},
	tagPutEntity:          {kind: KindPutEntity, key: true, value: true},
	tagFamilyPutEntity:    {kind: KindPutEntity, family: true, key: true, value: true},
}

// familyTags gives for a tag without a family the one of the same kind with a family.
var familyTags = [256]byte{
	tagDelete:       tagFamilyDelete,
	tagPut:          tagFamilyPut,
	tagMerge:        tagFamilyMerge,
	tagSingleDelete: tagFamilySingleDelete,
	tagDeleteRange:  tagFamilyDeleteRange,
	tagPutEntity:    tagFamilyPutEntity,
}

// refusedTags names the tags that RocksDB knows, up to version 11, and a batch may not
// hold here.
var refusedTags = map[byte]string{
	0x09: "begin prepare",
	0x0A: "end prepare",
	0x0B: "commit",
	0x0C: "rollback",
	0x0D: "noop",
	0x10: "blob index, with family",
	0x11: "blob index",
	0x12: "begin persisted prepare",
	0x13: "begin unprepare",
	0x14: "deletion with timestamp",
	0x15: "commit with timestamp",
	0x18: "value with preferred sequence number",
	0x19: "value with preferred sequence number, with family",
}

// refusal says why a record with this tag is refused.
func refusal(tag byte) string {
	if name, ok := refusedTags[tag]; ok {
		return fmt.Sprintf("records of tag 0x%02x (%s) are not supported", tag, name)
	}
	return fmt.Sprintf("unknown record tag 0x%02x", tag)
}
