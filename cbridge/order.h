/* order.h: orders of keys other than the bytewise one. For the glue's own files only. */
#ifndef RB_ORDER_H
#define RB_ORDER_H

#include <stdatomic.h>
#include <stdbool.h>

#include "rb.h"
#include "rocksdb/c.h"

/* How a family orders its keys. NULL stands for the bytewise order everywhere. It must outlive the
 * RocksDB that it was given to. Safe from several threads at once. */
struct rb_order;

/* Gives *options the order that o names: *order is then the caller's, to be freed with
 * rb_order_free, or NULL if that is the bytewise one, with timestamps or without. On error both are
 * as they were. */
rb_status rb_options_set_order(rocksdb_options_t **options, rb_operators o,
                               struct rb_order **order);

/* Frees an order. NULL is allowed. */
void rb_order_free(struct rb_order *o);

/* Compares two keys. A pair of different ones for which Go has no answer, asked again too, counts
 * as ascending, in a read whichever of them comes first, and is a failure: see rb_order_reads. */
int rb_order_compare(struct rb_order *o, const uint8_t *a, size_t alen, const uint8_t *b,
                     size_t blen);

/* Whether Go is asked. o may be NULL. */
bool rb_order_calls(const struct rb_order *o);

/* From here on failures of any order on this thread are those of one read, until
 * rb_order_was_read; called again before that, it changes nothing. A failure that belongs to no
 * read is one of the order, and stays: RocksDB may have put a key, or a table, in the wrong place.
 * Go is told of it (RB_CALLBACK_ORDER_FAILED) before RocksDB has an answer. */
void rb_order_reads(void);

/* Ends what rb_order_reads began. RB_OK, or why what was read must not be believed: a failure in
 * between, or one of the order. o may be NULL. */
rb_status rb_order_was_read(const struct rb_order *o);

/* RB_OK unless an order failed outside of a read. o may be NULL. */
rb_status rb_order_sound(const struct rb_order *o);

/* The orders that a database has, the first of them; NULL: none. They are only ever added. */
typedef _Atomic(struct rb_order *) rb_orders;

/* Adds an order, which is freed with the others. NULL is allowed. One thread at a time. */
void rb_orders_add(rb_orders *all, struct rb_order *o);

/* RB_OK unless one of the orders failed outside of a read. */
rb_status rb_orders_sound(rb_orders *all);

/* Frees all. */
void rb_orders_free(rb_orders *all);

#endif
