package cbridge

// #include "rb.h"
// #cgo noescape rb_events_new
// #cgo nocallback rb_events_new
// #cgo noescape rb_events_free
// #cgo nocallback rb_events_free
// #cgo noescape rb_events_take
// #cgo nocallback rb_events_take
// #cgo noescape rb_event_list_free
// #cgo nocallback rb_event_list_free
// #cgo noescape rb_events_count
// #cgo nocallback rb_events_count
// #cgo noescape rb_plan_events
// #cgo nocallback rb_plan_events
// #cgo noescape rb_cxx_words
// #cgo nocallback rb_cxx_words
import "C"

import (
	"time"

	"github.com/rockbridge-db/rockbridge/dberr"
)

// The kinds of events.
const (
	EventFlushBegun          = C.RB_EVENT_FLUSH_BEGUN
	EventFlushCompleted      = C.RB_EVENT_FLUSH_COMPLETED
	EventCompactionBegun     = C.RB_EVENT_COMPACTION_BEGUN
	EventCompactionCompleted = C.RB_EVENT_COMPACTION_COMPLETED
	EventTableCreated        = C.RB_EVENT_TABLE_CREATED
	EventTableDeleted        = C.RB_EVENT_TABLE_DELETED
	EventRecoveryEnded       = C.RB_EVENT_RECOVERY_ENDED
	EventBackgroundError     = C.RB_EVENT_BACKGROUND_ERROR
	EventStallChanged        = C.RB_EVENT_STALL_CHANGED
	EventFileIngested        = C.RB_EVENT_FILE_INGESTED
	EventMemtableSealed      = C.RB_EVENT_MEMTABLE_SEALED
	EventKinds               = C.RB_EVENT_KINDS // one more than the last
)

// Event is one event, as rb.h says.
type Event struct {
	Number                                                               uint64
	At                                                                   time.Time
	Kind                                                                 uint32
	Job, Reason, Level, OutputLevel                                      int
	Stall, StallBefore                                                   uint32
	Entries, Deletes                                                     uint64
	FirstSequence, LastSequence                                          uint64
	FilesIn, FilesOut, RecordsIn, RecordsOut, BytesIn, BytesOut, Elapsed uint64 // Elapsed: microseconds
	Family, Path                                                         string
	Err                                                                  error
}

// Events is a bounded queue that RocksDB's threads put events into.
type Events struct{ p *C.rb_events }

// NewEvents makes a queue for up to most events. Free it.
func NewEvents(most uint64) (*Events, error) {
	p := C.rb_events_new(C.uint64_t(most))
	if p == nil {
		return nil, dberr.New("events", dberr.NoMemory, "")
	}
	return &Events{p}, nil
}

// Free gives the queue up; databases that put into it go on until they are closed.
func (e *Events) Free() {
	C.rb_events_free(e.p)
	e.p = nil
}

// Take takes what is in the queue, oldest first.
func (e *Events) Take() (all []Event) {
	first := C.rb_events_take(e.p)
	for v := first; v != nil; v = v.next {
		one := Event{
			Number: uint64(v.number), At: time.UnixMicro(int64(v.at)), Kind: uint32(v.kind), Job: int(v.job), Reason: int(v.reason),
			Level: int(v.level), OutputLevel: int(v.output_level), Stall: uint32(v.stall), StallBefore: uint32(v.stall_before),
			Entries: uint64(v.entries), Deletes: uint64(v.deletes),
			FirstSequence: uint64(v.first_sequence), LastSequence: uint64(v.last_sequence),
			FilesIn: uint64(v.files_in), FilesOut: uint64(v.files_out), RecordsIn: uint64(v.records_in),
			RecordsOut: uint64(v.records_out), BytesIn: uint64(v.bytes_in), BytesOut: uint64(v.bytes_out),
			Elapsed: uint64(v.micros), Family: C.GoString(v.family), Path: C.GoString(v.path),
		}
		if v.code != C.RB_OK {
			one.Err = &dberr.Error{Code: dberr.Code(v.code), Msg: C.GoString(v.text)}
		}
		all = append(all, one)
	}
	C.rb_event_list_free(first)
	return all
}

// EventCounts is what a queue has counted.
type EventCounts struct {
	OfKind           [EventKinds]uint64 // dropped ones too
	Dropped, Waiting uint64
}

// Count looks at the counts.
func (e *Events) Count() EventCounts {
	c := C.rb_events_count(e.p)
	n := EventCounts{Dropped: uint64(c.dropped), Waiting: uint64(c.waiting)}
	for i := range n.OfKind {
		n.OfKind[i] = uint64(c.of_kind[i])
	}
	return n
}

// Events has the plan's database put its events into e.
func (p *Plan) Events(e *Events) { C.rb_plan_events(p.p, e.p) }

// CXXWords says why the C++ part, which is compiled in, is not used with the RocksDB that is linked; empty: it
// is, or there is none.
func CXXWords() string {
	if w := C.rb_cxx_words(); w != nil {
		return C.GoString(w)
	}
	return ""
}
