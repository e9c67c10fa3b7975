/*
 * overlay.h: the records of a batch, ordered by family, key and age, as they lie over the database.
 *
 * One skip list holds an entry for every record that touches a key. The writer, one thread at a
 * time, only adds to it and publishes each entry with a release store, so that iterators read it in
 * other threads without a lock. Every entry has a stamp: a reader sees those below its limit, which
 * makes it see the batch as it was. A rollback marks entries dead, for readers that come later.
 */
#ifndef RB_OVERLAY_H
#define RB_OVERLAY_H

#include "handles.h"

enum { RB_OVERLAY_HEIGHT = 12 };

/* Stamps for looking up: before all entries of a key, and after them. Newer ones come first. */
#define RB_NEWEST UINT64_MAX
#define RB_OLDEST ((uint64_t)0)

/* A record, or what a range deletion means for one key. Bytes lie in the overlay's memory. */
struct rb_entry {
  struct rb_entry *older; /* the entry that was added before it and is not dead; for the writer */
  uint64_t stamp;
  _Atomic uint64_t dead; /* readers whose limit is above this do not see it */
  uint64_t at;           /* where its record begins in the batch */
  const uint8_t *key;
  const uint8_t *value; /* of RB_DELETE_RANGE the end */
  size_t klen;
  size_t vlen;
  uint32_t family;
  uint8_t kind; /* RB_PUT ... RB_DELETE_RANGE */
  uint8_t height;
  _Atomic(struct rb_entry *) next[]; /* of a range: the range added before, in next[0] */
};

struct rb_chunk;

struct rb_overlay {
  atomic_uint holders; /* the caller and the iterators made over it */
  uint64_t stamp;      /* of the next record; the limit of readers that begin now */
  uint64_t random;
  struct rb_chunk *chunks;
  struct rb_entry *newest;
  rb_snapshot *base;          /* what is read of the database; NULL: its newest state */
  rocksdb_options_t *options; /* RocksDB asks for some where it merges within a batch */
  _Atomic(struct rb_entry *) ranges;
  _Atomic(struct rb_entry *) head[RB_OVERLAY_HEIGHT];
};

/* What the batch says of one key, for a reader. */
struct rb_layer {
  enum {
    RB_LAYER_NONE,   /* nothing */
    RB_LAYER_PUT,    /* a value: put's */
    RB_LAYER_DELETED /* no value below */
  } kind;
  struct rb_entry *put;
  struct rb_entry *merge; /* the newest operand on top; NULL: none */
  size_t merges;
};

/* Records in RocksDB's WriteBatch format, as they are read. */
struct rb_records {
  const uint8_t *data;
  size_t len;
  size_t at;
};

enum { RB_LOG = 0xFE }; /* the kind of a record that touches no key */

/* Reads the record at r->at, which is below r->len, and passes it; false if it is malformed. Its
 * bytes stay where they are. */
bool rb_read_record(struct rb_records *r, struct rb_entry *e);

/* Memory that lives as long as the overlay, aligned for an entry; NULL when there is none. */
void *rb_overlay_alloc(rb_overlay *o, size_t n);

/* Takes one more hold, which rb_overlay_free ends. */
void rb_overlay_hold(rb_overlay *o);

/* Brings the overlay up to the batch: forgets what lies at keep and beyond, and adds the records in
 * RocksDB's WriteBatch format that lie there now. RB_NO_MEMORY and RB_CORRUPTION leave it in
 * between: repeat it before the next read. */
rb_status rb_overlay_replay(rb_overlay *o, uint64_t keep, const uint8_t *records, size_t len);

/* Adds an entry; false when memory is short. */
bool rb_overlay_add(rb_overlay *o, const struct rb_entry *e);

/* Adds a range deletion: what the batch says of keys in it is deleted one by one, and the range is
 * noted for the database's rows. False when memory is short. */
bool rb_overlay_add_range(rb_overlay *o, const struct rb_entry *e);

/* The first entry at or after (family, key, stamp), or NULL. */
struct rb_entry *rb_overlay_from(rb_overlay *o, uint64_t family, const uint8_t *key, size_t klen,
                                 uint64_t stamp);

/* The last entry before (family, key, stamp), or NULL. */
struct rb_entry *rb_overlay_before(rb_overlay *o, uint64_t family, const uint8_t *key, size_t klen,
                                   uint64_t stamp);

/* The first entry of a key, or NULL if the batch has none. */
struct rb_entry *rb_overlay_key(rb_overlay *o, uint32_t family, const uint8_t *key, size_t klen);

/* The first entry of the next key, or NULL. */
struct rb_entry *rb_overlay_next_key(rb_overlay *o, struct rb_entry *e);

/* What the entries of one key, from its first one on, say to a reader. NULL says nothing. */
struct rb_layer rb_overlay_layer(struct rb_entry *first, uint64_t limit);

/* Whether a reader sees a range deletion over a key. */
bool rb_overlay_covered(rb_overlay *o, uint32_t family, const uint8_t *key, size_t klen,
                        uint64_t limit);

/* Lets the family's operator merge a layer's operands onto base (NULL: none). *out is then to be
 * freed with rb_free; it is NULL on an error. */
rb_status rb_overlay_merge(rb_overlay *o, rb_family *f, const struct rb_layer *l, uint64_t limit,
                           const uint8_t *base, size_t base_len, char **out, size_t *out_len);

/* Whether a reader sees an entry. */
static inline bool rb_entry_visible(struct rb_entry *e, uint64_t limit) {
  return e->stamp < limit && atomic_load_explicit(&e->dead, memory_order_relaxed) >= limit;
}

/* The entry after e, or NULL. */
static inline struct rb_entry *rb_entry_next(struct rb_entry *e) {
  return atomic_load_explicit(&e->next[0], memory_order_acquire);
}

#endif
