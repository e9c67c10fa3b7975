/* multiget.h: the parts of a lookup of many keys, for reads of the database alone and of a batch
 * over it. */
#ifndef RB_MULTIGET_H
#define RB_MULTIGET_H

#include "handles.h"

/* A key on its way into order. */
struct rb_sought {
  const uint8_t *key;
  uint32_t len;
  uint32_t family;
  uint32_t index; /* in the caller's order */
};

/* A value that is not RocksDB's to hold. */
struct rb_laid {
  const char *data; /* NULL: none. Else made, or lent by an overlay */
  size_t len;
  char *made; /* to be freed with rb_free; NULL: nothing */
};

/* One lookup of many keys. The arrays lie behind the struct, in the same allocation. Keys are
 * sorted and distinct: RocksDB then need not sort, and before 9.0 it may answer a key that is asked
 * for twice wrongly when a block cannot be read. */
struct rb_rest {
  struct rb_sought *sought;
  const char **keys; /* distinct from here on */
  size_t *lens;
  rocksdb_pinnableslice_t **pins;
  char **errs;
  struct rb_laid *laid; /* what a batch says; an allocation of its own. NULL: there is no batch */
  size_t distinct;
  uint32_t *families;
  uint32_t *which; /* by the caller's index: the distinct key */
  uint32_t *left;  /* distinct keys that did not fit, in the order of delivery */
  size_t nleft;
};

/* Room for n keys, all zero; NULL when memory is short. To be freed with rb_rest_free. */
rb_rest *rb_rest_new(size_t n);

/* Fills in the distinct keys in order. Input that is in order already is not sorted again. */
void rb_rest_order(rb_rest *r, const rb_key *keys, size_t n, const uint8_t *bytes);

/* Looks all distinct keys up, of which there is one at least, family by family and in one state.
 * False when memory is short. */
bool rb_look_up_all(rb_rest *r, rb_family *const *families, rb_read how);

/* Tells what became of each of n keys, and copies what fits. m takes the rest if not everything
 * did; otherwise it is freed. */
void rb_deliver(rb_rest *r, size_t n, uint8_t *buf, size_t cap, rb_answer *found, rb_multi *m);

#endif
