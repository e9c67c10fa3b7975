/* listen.h: how a database comes to tell its events. For the glue's own files only. */
#ifndef RB_LISTEN_H
#define RB_LISTEN_H

#include <stdbool.h>

#include "events.h"
#include "later.h"

/* Whether RocksDB's C API has listeners. */
bool rb_listeners(void);

/* Has the databases that are opened with o put their events into e, which o holds from then on:
 * by C++ where that is compiled in, since it tells more. RB_UNSUPPORTED if neither has it. */
rb_status rb_listen(rocksdb_options_t *o, rb_events *e);

#endif
