/* tablefilter.h: which tables an iterator reads; see rb_iter_options.tables. */
#ifndef RB_TABLEFILTER_H
#define RB_TABLEFILTER_H

#include <stdbool.h>

#include "rb.h"
#include "rocksdb/c.h"

/* Conditions on tables, in memory of their own. */
typedef struct rb_table_filter rb_table_filter;

/* Whether RocksDB's C API has filters of tables, and all properties that they look at. */
bool rb_table_filter_offered(void);

/* Copies n conditions. *out, which is NULL for none and on error, lives until
 * rb_table_filter_free. RB_UNSUPPORTED if a property of them cannot be looked at; RB_NO_MEMORY. */
rb_status rb_table_filter_new(const rb_table_range *ranges, size_t n, rb_table_filter **out);

/* NULL is allowed. */
void rb_table_filter_free(rb_table_filter *f);

/* Has iterators that are made with read look at f, which must outlive them; NULL: no filter. False
 * when memory is short. */
bool rb_table_filter_set(rocksdb_readoptions_t *read, rb_table_filter *f);

#endif
