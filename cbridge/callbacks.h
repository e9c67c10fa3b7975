/* callbacks.h: how the operators' files reach Go. For the glue's own files only. */
#ifndef RB_CALLBACKS_H
#define RB_CALLBACKS_H

#include "handles.h"

/* Holds c once more, for an object of RocksDB; rb_callee_free ends that. */
rb_callee *rb_callee_hold(rb_callee *c);

/* The name of c's operator, as long as c lives. */
const char *rb_callee_name(const rb_callee *c);

/* Has Go do call, on this thread if it may run Go, else on one of c's own. Where none can be had,
 * the answer is RB_ANSWER_FAILED. */
void rb_callee_call(rb_callee *c, rb_callback *call);

/* Says whether the function of the glue that Go called on this thread is one in which Go may be
 * called here (true), and gives what was said before, to be said again when it ends. */
bool rb_callee_here(bool here);

/* Gives options a merge operator that Go is asked for. */
rb_status rb_options_set_called_merge(rocksdb_options_t *options, rb_callee *c);

/* Gives options a factory of compaction filters that Go is asked for. */
rb_status rb_options_set_called_filter(rocksdb_options_t *options, rb_callee *c);

/* Gives options a prefix extractor that Go is asked for. */
rb_status rb_options_set_called_prefix(rocksdb_options_t *options, rb_callee *c);

/* Has the database of options ask Go for each of its compactions. RB_UNSUPPORTED if RocksDB's C API
 * offers it not. */
rb_status rb_options_set_compactor(rocksdb_options_t *options, rb_callee *c);

#endif
