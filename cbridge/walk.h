/* walk.h: the loop over an iterator's rows that everything shares which reads many in one call. For
 * the glue's own files only. */
#ifndef RB_WALK_H
#define RB_WALK_H

#include "handles.h"
#include "predicate.h"

/* What looking at a row costs, in the unit of rb_stretch. */
static inline uint64_t rb_cost(size_t klen, size_t vlen) {
  return 1 + (((uint64_t)klen + vlen) >> 10);
}

/* The current row's value as the iterator's settings want it: absent, cut, or whole. whole gets the
 * length before a cut. */
static inline const char *rb_row_value(const rb_iter *it, size_t *vlen, size_t *whole) {
  *vlen = *whole = 0;
  if (it->keys_only) {
    return NULL;
  }
  const char *value = NULL;
  if (it->columns != NULL) {
    value = (const char *)it->columns->data;
    *vlen = it->columns->len;
  } else {
    value = rb_cursor_value(it, vlen);
  }
  *whole = *vlen;
  if (it->max_value > 0 && *vlen > it->max_value) {
    *vlen = (size_t)it->max_value;
  }
  return value;
}

/* How one call has got on. */
struct rb_search {
  uint64_t passed; /* rows looked at */
  uint64_t cost;   /* of those that the predicate looked at */
  bool late;       /* the deadline ended it */
};

/* Whether the predicate keeps the current row; it sees the value whole. */
static inline bool rb_row_kept(const rb_iter *it, uint64_t *cost) {
  size_t klen = 0, vlen = 0;
  const uint8_t *key = (const uint8_t *)rb_cursor_key(it, &klen);
  const uint8_t *value = it->predicate->values ? (const uint8_t *)rb_cursor_value(it, &vlen) : NULL;
  *cost += rb_cost(klen, vlen);
  return rb_predicate_keeps(it->predicate, key, klen, value, vlen);
}

/* What is to be had of a row that is kept before rb_row_value gives it. */
static inline bool rb_row_ready(rb_iter *it) { return it->columns == NULL || rb_columns_fetch(it); }

/* From the current row on to one that is kept. False at the end of the rows, past the deadline,
 * where columns cannot be had, or when enough was looked at: then the iterator stands on a row that
 * was not looked at. */
static inline bool rb_search_next(rb_iter *it, struct rb_search *s) {
  for (;;) {
    if (!rb_iter_on_row(it)) {
      return false;
    }
    if (rb_iter_late(it, s->passed)) {
      s->late = true;
      return false;
    }
    s->passed++;
    if (it->predicate == NULL) {
      return rb_row_ready(it);
    }
    if (s->cost >= it->pause) {
      return false;
    }
    if (rb_row_kept(it, &s->cost)) {
      return rb_row_ready(it);
    }
    rb_iter_advance(it);
  }
}

/* How a call that has searched ends: whether no row follows, and what error is why. */
static inline rb_status rb_search_end(const rb_iter *it, const struct rb_search *s, uint8_t *end) {
  *end = s->late || !rb_iter_on_row(it);
  if (s->late) {
    return rb_iter_timed_out();
  }
  rb_status columns = rb_columns_failure(it);
  if (columns.code != RB_OK) {
    *end = 1;
    return columns;
  }
  return *end ? rb_iter_status(it) : rb_ok(); /* a checksum error looks like the end of the data */
}

/* Ends what rb_family_reads began for a call on the iterator. False if the order of the keys has
 * failed: the iterator then stands nowhere, and *s says so. */
static inline bool rb_iter_was_read(rb_iter *it, rb_status *s, uint8_t *end) {
  if (rb_family_was_read(it->family, s)) {
    return true;
  }
  it->placed = false;
  *end = 1;
  return false;
}

/* One kept row, in RocksDB's memory, the value as the iterator's settings want it. */
struct rb_view {
  const uint8_t *key;
  const uint8_t *value;
  size_t klen;
  size_t vlen;
};

/* Takes a row; false leaves it to the next call, and ends this one. */
typedef bool rb_visit(void *state, const struct rb_view *row);

/* Moves, and has visit take the rows from there that are kept, as far as s says. It is compiled
 * into each caller, so that no row costs a call by pointer. */
static inline __attribute__((always_inline)) rb_passed rb_walk(rb_iter *it, uint32_t move,
                                                               rb_stretch s, rb_visit *visit,
                                                               void *state) {
  rb_passed r = {0, 0, {RB_OK, NULL}};
  struct rb_search search = {0, 0, false};
  uint64_t cost = 0;
  rb_family_reads(it->family);
  rb_iter_move(it, move, NULL, 0);
  while (r.rows < s.rows && cost < s.cost && rb_search_next(it, &search)) {
    struct rb_view row = {NULL, NULL, 0, 0};
    size_t whole = 0;
    row.key = (const uint8_t *)rb_cursor_key(it, &row.klen);
    row.value = (const uint8_t *)rb_row_value(it, &row.vlen, &whole);
    if (!visit(state, &row)) {
      break;
    }
    r.rows++;
    cost += rb_cost(row.klen, row.vlen);
    rb_iter_advance(it);
  }
  r.status = rb_search_end(it, &search, &r.end);
  (void)rb_iter_was_read(it, &r.status, &r.end);
  return r;
}

#endif
