package ondisk

// The tags of what a manifest's record consists of.
const (
	tagComparator      = 1
	tagLog             = 2
	tagNextFile        = 3
	tagSequence        = 4
	tagCompactCursor   = 5
	tagDeletedFile     = 6
	tagNewFile         = 7
	tagPreviousLog     = 9
	tagKeepLog         = 10
	tagNewFile2        = 100
	tagNewFile3        = 102
	tagNewFile4        = 103
	tagFamily          = 200
	tagFamilyAdd       = 201
	tagFamilyDrop      = 202
	tagMaxFamily       = 203
	tagGroup           = 300
	tagBlobAddition    = 400
	tagBlobGarbage     = 401
	tagSkippable       = 1 << 13 // from here on: a length and as many bytes
	tagBlobAdditionOld = tagSkippable + 2
	tagBlobGarbageOld  = tagSkippable + 3
	tagHistory         = tagSkippable + 6
)

// The tags of what may follow a new file's fixed part.
const (
	fileEnd      = 1
	fileKeepLog  = 3
	fileOldest   = 4 // file of blobs
	fileChecksum = 7
	fileMethod   = 8
	fileRequired = 1 << 6 // who does not know a tag with this bit must not go on
	filePath     = fileRequired + 1
)

// edit is one record of a manifest: a change of one family, and of what all share.
type edit struct {
	family                           uint32
	name, comparator                 string
	added, dropped, grouped          bool
	following                        uint64 // records of the group that follow
	log, keepLog, nextFile, sequence uint64
	history                          []byte
	deleted                          []uint64
	files                            []File
	blobs, garbage                   []Blob
}

func parseEdit(record []byte) (*edit, error) {
	e, d := &edit{}, &decoder{b: record}
	for len(d.b) > 0 && !d.bad {
		tag := d.varint()
		if !e.field(d, tag) && !e.file(d, tag) {
			if tag < tagSkippable {
				return nil, damaged("a manifest's record has the unknown tag %d", tag)
			}
			d.bytes()
		}
	}
	if d.bad {
		return nil, damaged("a manifest's record ends too early or makes no sense")
	}
	return e, nil
}

// field reads what stands behind tag, unless it is about files.
func (e *edit) field(d *decoder, tag uint64) bool {
	switch tag {
	case tagComparator:
		e.comparator = string(d.bytes())
	case tagLog:
		e.log = d.varint()
	case tagNextFile:
		e.nextFile = d.varint()
	case tagSequence:
		e.sequence = d.varint()
	case tagCompactCursor:
		d.varint()
		d.bytes()
	case tagPreviousLog, tagMaxFamily:
		d.varint()
	case tagKeepLog:
		e.keepLog = d.varint()
	case tagFamily:
		e.family = uint32(d.varint())
	case tagFamilyAdd:
		e.added, e.name = true, string(d.bytes())
	case tagFamilyDrop:
		e.dropped = true
	case tagHistory:
		e.history = d.bytes()
	case tagGroup:
		e.grouped, e.following = true, d.varint()
	default:
		return false
	}
	return true
}

// file reads what stands behind tag if it is about files.
func (e *edit) file(d *decoder, tag uint64) bool {
	switch tag {
	case tagDeletedFile:
		d.varint()
		e.deleted = append(e.deleted, d.varint())
	case tagNewFile, tagNewFile2, tagNewFile3, tagNewFile4:
		e.files = append(e.files, e.newFile(d, tag))
	case tagBlobAddition, tagBlobAdditionOld:
		b := Blob{Number: d.varint(), Values: d.varint(), Bytes: d.varint()}
		b.Method, b.Checksum = string(d.bytes()), string(d.bytes())
		skipRest(d)
		e.blobs = append(e.blobs, b)
	case tagBlobGarbage, tagBlobGarbageOld:
		e.garbage = append(e.garbage, Blob{Number: d.varint(), Values: d.varint(), Bytes: d.varint()})
		skipRest(d)
	default:
		return false
	}
	return true
}

func (e *edit) newFile(d *decoder, tag uint64) File {
	f := File{Level: int(d.varint()), Number: d.varint()}
	if tag == tagNewFile3 {
		f.Path = d.varint()
	}
	f.Size = int64(d.varint())
	smallest, largest := d.bytes(), d.bytes()
	var ok [2]bool
	f.Smallest, ok[0] = userKey(smallest)
	f.Largest, ok[1] = userKey(largest)
	if d.bad || !ok[0] || !ok[1] {
		d.b, d.bad = nil, true
		return f
	}
	if tag == tagNewFile {
		f.FirstSeq, f.LastSeq = keySequence(smallest), keySequence(largest)
		return f
	}
	f.FirstSeq, f.LastSeq = d.varint(), d.varint()
	for tag == tagNewFile4 && !d.bad {
		what := d.varint()
		if what == fileEnd {
			break
		}
		value := &decoder{b: d.bytes()}
		switch {
		case what == filePath:
			f.Path = value.varint()
		case what == fileOldest:
			f.oldestBlob = value.varint()
		case what == fileChecksum:
			f.Checksum = string(value.b)
		case what == fileMethod:
			f.Method = string(value.b)
		case what == fileKeepLog && len(value.b) == 8:
			e.keepLog = fixed64(value.b)
		case what&fileRequired != 0:
			d.b, d.bad = nil, true
		}
	}
	return f
}

// skipRest passes over what later versions may add to a blob's record.
func skipRest(d *decoder) {
	for !d.bad && d.varint() != 0 {
		d.bytes()
	}
}
