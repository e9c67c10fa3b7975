/* events.h: how the listeners of RocksDB, in C and in C++, fill the queue of events. */
#ifndef RB_EVENTS_H
#define RB_EVENTS_H

#ifdef __cplusplus
extern "C" {
#endif

#include "rb.h"

/* Holds e for a listener; rb_events_free ends that. */
rb_events *rb_events_hold(rb_events *e);

/* An event of a kind in which nothing else is set. */
rb_event rb_event_of(uint32_t kind);

/* Puts a copy of what draft says into the queue, with number and time. Strings may be NULL. It
 * never waits for a reader, and where memory is short it drops the event. */
void rb_events_put(rb_events *e, const rb_event *draft);

#ifdef __cplusplus
}
#endif

#endif
