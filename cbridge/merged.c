/*
 * merged.c: an iterator over a batch and the database below it.
 *
 * Two cursors go the same way: RocksDB's iterator, which has bounds of its own, and a place among
 * the batch's entries, which is kept inside the bounds here. Each stands on its next row; the
 * nearer of the two is the current one, and when both stand on the same key the batch says what it
 * is worth.
 */
#include <stdlib.h>

#include "overlay.h"

/* Keys of the database that a range deletion of the batch hides: [start, end). */
struct rb_hole {
  const uint8_t *start;
  const uint8_t *end;
  size_t start_len;
  size_t end_len;
};

struct rb_merged {
  rb_overlay *over;
  uint64_t limit;
  struct rb_hole *holes; /* apart from each other, in order */
  size_t hole_count;

  struct rb_entry *entry; /* first entry of the key where the batch's cursor stands; NULL: none */
  struct rb_layer layer;  /* what it says */
  bool base_valid;
  bool on_base;  /* the current row is the database's */
  bool on_entry; /* the current row is the batch's; both: the batch has the same key */
  bool backward; /* the way that the cursors go */
  bool failed;
  char *made; /* the current value, if it had to be merged */
  size_t made_len;
  rb_status failure; /* of a merge; RB_OK if the database's iterator is what failed */
};

/* ---- holes ---------------------------------------------------------------------------------- */

static int rb_hole_order(const void *a, const void *b) {
  const struct rb_hole *x = a;
  const struct rb_hole *y = b;
  return rb_compare(x->start, x->start_len, y->start, y->start_len);
}

/* Joins holes that overlap or touch; they are in order. */
static size_t rb_holes_join(struct rb_hole *h, size_t n) {
  size_t kept = 0;
  for (size_t i = 0; i < n; i++) {
    struct rb_hole *last = kept > 0 ? &h[kept - 1] : NULL;
    if (last == NULL || rb_compare(h[i].start, h[i].start_len, last->end, last->end_len) > 0) {
      h[kept++] = h[i];
    } else if (rb_compare(h[i].end, h[i].end_len, last->end, last->end_len) > 0) {
      last->end = h[i].end;
      last->end_len = h[i].end_len;
    }
  }
  return kept;
}

/* Collects the range deletions that the reader sees in a family; false when memory is short. */
static bool rb_holes_find(struct rb_merged *m, uint32_t family) {
  struct rb_entry *ranges = atomic_load_explicit(&m->over->ranges, memory_order_acquire);
  size_t n = 0;
  for (struct rb_entry *e = ranges; e != NULL; e = rb_entry_next(e)) {
    n++;
  }
  if (n == 0) {
    return true;
  }
  m->holes = malloc(n * sizeof *m->holes);
  if (m->holes == NULL) {
    return false;
  }
  n = 0;
  for (struct rb_entry *e = ranges; e != NULL; e = rb_entry_next(e)) {
    if (e->family == family && rb_entry_visible(e, m->limit) &&
        rb_compare(e->key, e->klen, e->value, e->vlen) < 0) {
      struct rb_hole h = {e->key, e->value, e->klen, e->vlen};
      m->holes[n++] = h;
    }
  }
  qsort(m->holes, n, sizeof *m->holes, rb_hole_order);
  m->hole_count = rb_holes_join(m->holes, n);
  return true;
}

/* The hole that a key lies in, or NULL. */
static const struct rb_hole *rb_hole_over(const struct rb_merged *m, const uint8_t *key,
                                          size_t klen) {
  size_t low = 0;
  size_t high = m->hole_count;
  while (low < high) { /* the first hole that ends above key */
    size_t mid = low + (high - low) / 2;
    if (rb_compare(m->holes[mid].end, m->holes[mid].end_len, key, klen) <= 0) {
      low = mid + 1;
    } else {
      high = mid;
    }
  }
  const struct rb_hole *h = &m->holes[low];
  return low < m->hole_count && rb_compare(h->start, h->start_len, key, klen) <= 0 ? h : NULL;
}

/* ---- the two cursors ------------------------------------------------------------------------ */

static const uint8_t *rb_base_key(const rb_iter *it, size_t *n) {
  return (const uint8_t *)rocksdb_iter_key(it->it, n);
}

/* To be called after every move of RocksDB's iterator: an error looks like its end. */
static void rb_base_moved(rb_iter *it) {
  struct rb_merged *m = it->merged;
  m->base_valid = rocksdb_iter_valid(it->it) != 0;
  if (!m->base_valid) {
    char *err = NULL;
    rocksdb_iter_get_error(it->it, &err);
    m->failed = m->failed || err != NULL;
    free(err);
  }
}

static void rb_base_advance(rb_iter *it) {
  rb_native_advance(it);
  rb_base_moved(it);
}

/* To the first row at or after key or, backwards, the last one at or before it. */
static void rb_base_seek(rb_iter *it, const uint8_t *key, size_t klen) {
  rb_native_seek(it, key, klen);
  rb_base_moved(it);
}

/* Passes the rows that range deletions hide. */
static void rb_base_skip(rb_iter *it) {
  struct rb_merged *m = it->merged;
  while (m->base_valid && m->hole_count > 0) {
    size_t n;
    const uint8_t *key = rb_base_key(it, &n);
    const struct rb_hole *h = rb_hole_over(m, key, n);
    if (h == NULL) {
      return;
    }
    if (!it->backward) {
      rb_base_seek(it, h->end, h->end_len);
      continue;
    }
    rb_base_seek(it, h->start, h->start_len);
    if (m->base_valid) {
      key = rb_base_key(it, &n);
      if (rb_compare(key, n, h->start, h->start_len) >= 0) {
        rb_base_advance(it);
      }
    }
  }
}

/* Places the batch's cursor on the first key from e on, in the iterator's direction, of which the
 * batch says something. e is the first entry of its key or, backwards, any. */
static void rb_entry_place(rb_iter *it, struct rb_entry *e) {
  struct rb_merged *m = it->merged;
  uint32_t family = it->family->id;
  const struct rb_bound *b = it->backward ? &it->lower : &it->upper;
  m->entry = NULL;
  while (e != NULL && e->family == family) {
    int c = b->set ? rb_compare(e->key, e->klen, b->data, b->len) : 0;
    if (b->set && (it->backward ? c < 0 : c >= 0)) {
      return;
    }
    struct rb_entry *first =
        it->backward ? rb_overlay_from(m->over, family, e->key, e->klen, RB_NEWEST) : e;
    m->layer = rb_overlay_layer(first, m->limit);
    if (m->layer.kind != RB_LAYER_NONE || m->layer.merge != NULL) {
      m->entry = first;
      return;
    }
    e = it->backward ? rb_overlay_before(m->over, family, e->key, e->klen, RB_NEWEST)
                     : rb_overlay_next_key(m->over, e);
  }
}

/* The batch's cursor to the first key above key or, backwards, the last one below it, inside the
 * bounds: the database's row that is left may lie outside. */
static void rb_entry_pass(rb_iter *it, const uint8_t *key, size_t klen) {
  rb_overlay *o = it->merged->over;
  uint32_t family = it->family->id;
  const struct rb_bound *b = it->backward ? &it->upper : &it->lower;
  int c = b->set ? rb_compare(key, klen, b->data, b->len) : 0;
  if (it->backward) {
    bool outside = b->set && c > 0;
    rb_entry_place(it, rb_overlay_before(o, family, outside ? b->data : key,
                                         outside ? b->len : klen, RB_NEWEST));
  } else if (b->set && c < 0) {
    rb_entry_place(it, rb_overlay_from(o, family, b->data, b->len, RB_NEWEST));
  } else {
    rb_entry_place(it, rb_overlay_from(o, family, key, klen, RB_OLDEST));
  }
}

/* The batch's cursor to the first key at or above key or, backwards, the last one at or below it.
 */
static void rb_entry_seek(rb_iter *it, const uint8_t *key, size_t klen) {
  rb_overlay *o = it->merged->over;
  uint32_t family = it->family->id;
  rb_entry_place(it, it->backward ? rb_overlay_before(o, family, key, klen, RB_OLDEST)
                                  : rb_overlay_from(o, family, key, klen, RB_NEWEST));
}

static void rb_entry_advance(rb_iter *it) {
  struct rb_entry *e = it->merged->entry;
  if (it->backward) {
    rb_entry_pass(it, e->key, e->klen);
  } else {
    rb_entry_place(it, rb_overlay_next_key(it->merged->over, e));
  }
}

/* ---- the current row ------------------------------------------------------------------------ */

/* Leaves the row: what was made for it is freed. */
static void rb_merged_leave(struct rb_merged *m) {
  rb_free(m->made);
  m->made = NULL;
  m->made_len = 0;
}

/* Merges the current row's value. On an error the iterator stands nowhere and keeps it. */
static void rb_merged_make(rb_iter *it) {
  struct rb_merged *m = it->merged;
  static const uint8_t empty[1] = {0};
  const uint8_t *base = NULL;
  size_t len = 0;
  if (m->layer.kind == RB_LAYER_PUT) {
    base = m->layer.put->value;
    len = m->layer.put->vlen;
  } else if (m->layer.kind == RB_LAYER_NONE && m->on_base) {
    base = (const uint8_t *)rocksdb_iter_value(it->it, &len);
    base = base == NULL ? empty : base;
  }
  m->failure =
      rb_overlay_merge(m->over, it->family, &m->layer, m->limit, base, len, &m->made, &m->made_len);
  m->failed = m->failure.code != RB_OK;
}

/* Sets which cursor has the current row, as they stand. */
static void rb_merged_choose(rb_iter *it) {
  struct rb_merged *m = it->merged;
  m->on_base = m->base_valid;
  m->on_entry = m->entry != NULL;
  if (m->on_base && m->on_entry) {
    size_t n;
    const uint8_t *key = rb_base_key(it, &n);
    int c = rb_compare(key, n, m->entry->key, m->entry->klen);
    c = it->backward ? -c : c;
    m->on_base = c <= 0;
    m->on_entry = c >= 0;
  }
}

/* Past the current row, with whichever cursors stand on it. */
static void rb_merged_pass(rb_iter *it) {
  struct rb_merged *m = it->merged;
  if (m->on_base) {
    rb_base_advance(it);
  }
  if (m->on_entry) {
    rb_entry_advance(it);
  }
}

/* From where the cursors stand to the nearest row that is there. */
static void rb_merged_settle(rb_iter *it) {
  struct rb_merged *m = it->merged;
  rb_merged_leave(m);
  for (;;) {
    rb_base_skip(it);
    rb_merged_choose(it);
    if (m->failed || !m->on_entry) {
      return;
    }
    if (m->layer.merge != NULL) {
      if (!it->no_values) {
        rb_merged_make(it);
      }
      return;
    }
    if (m->layer.kind == RB_LAYER_PUT) {
      return;
    }
    rb_merged_pass(it);
  }
}

/* ---- what iter.c, move.c and fill.c see ----------------------------------------------------- */

bool rb_merged_valid(const rb_iter *it) {
  const struct rb_merged *m = it->merged;
  return !m->failed && (m->on_base || m->on_entry);
}

const char *rb_merged_key(const rb_iter *it, size_t *n) {
  const struct rb_merged *m = it->merged;
  if (m->on_base) {
    return rocksdb_iter_key(it->it, n);
  }
  *n = m->entry->klen;
  return (const char *)m->entry->key;
}

const char *rb_merged_value(const rb_iter *it, size_t *n) {
  const struct rb_merged *m = it->merged;
  if (m->made != NULL) {
    *n = m->made_len;
    return m->made;
  }
  if (m->on_entry) {
    *n = m->layer.put->vlen;
    return (const char *)m->layer.put->value;
  }
  return rocksdb_iter_value(it->it, n);
}

rb_status rb_merged_failure(const rb_iter *it) {
  const struct rb_merged *m = it->merged;
  return m->failure.code == RB_OK ? rb_ok() : rb_status_make(m->failure.code, m->failure.msg);
}

/* Begins an absolute move. */
static void rb_merged_begin(rb_iter *it) {
  struct rb_merged *m = it->merged;
  rb_free(m->failure.msg);
  m->failure = rb_ok();
  m->failed = false;
  m->backward = it->backward;
}

void rb_merged_seek(rb_iter *it, const uint8_t *key, size_t klen) {
  rb_merged_begin(it);
  rb_base_seek(it, key, klen);
  rb_entry_seek(it, key, klen);
  rb_merged_settle(it);
}

/* The batch's cursor to the first key inside the bounds or, backwards, the last one. */
static void rb_entry_outermost(rb_iter *it) {
  rb_overlay *o = it->merged->over;
  uint64_t family = it->family->id;
  const struct rb_bound *b = it->backward ? &it->upper : &it->lower;
  if (b->set) {
    rb_entry_place(it, it->backward ? rb_overlay_before(o, family, b->data, b->len, RB_NEWEST)
                                    : rb_overlay_from(o, family, b->data, b->len, RB_NEWEST));
  } else {
    rb_entry_place(it, it->backward ? rb_overlay_before(o, family + 1, NULL, 0, RB_NEWEST)
                                    : rb_overlay_from(o, family, NULL, 0, RB_NEWEST));
  }
}

void rb_merged_outermost(rb_iter *it) {
  rb_merged_begin(it);
  rb_native_outermost(it);
  rb_base_moved(it);
  rb_entry_outermost(it);
  rb_merged_settle(it);
}

/* Turns the cursors round, the current row being left: each goes to its next row the new way. The
 * base's key is read before the base moves. */
static void rb_merged_turn(rb_iter *it) {
  struct rb_merged *m = it->merged;
  size_t n;
  const uint8_t *key = (const uint8_t *)rb_merged_key(it, &n);
  rb_entry_pass(it, key, n);
  if (m->on_base) {
    rb_base_advance(it);
  } else { /* the key is the batch's, and no row of the database that shows has it */
    rb_base_seek(it, key, n);
  }
}

void rb_merged_advance(rb_iter *it) {
  struct rb_merged *m = it->merged;
  if (m->backward != it->backward) {
    rb_merged_turn(it);
  } else {
    rb_merged_pass(it);
  }
  m->backward = it->backward;
  rb_merged_settle(it);
}

/* ---- life ----------------------------------------------------------------------------------- */

/* Makes what an iterator over the overlay's present state needs; NULL when memory is short. */
static struct rb_merged *rb_merged_new(rb_overlay *o, rb_family *f) {
  struct rb_merged *m = calloc(1, sizeof *m);
  if (m == NULL) {
    return NULL;
  }
  rb_overlay_hold(o);
  m->over = o;
  m->limit = o->stamp;
  if (!rb_holes_find(m, f->id)) {
    rb_merged_free(m);
    return NULL;
  }
  return m;
}

void rb_merged_free(struct rb_merged *m) {
  if (m == NULL) {
    return;
  }
  rb_merged_leave(m);
  rb_free(m->failure.msg);
  free(m->holes);
  rb_overlay_free(m->over);
  free(m);
}

rb_iter_result rb_iter_new_over(rb_overlay *o, uint64_t keep, const uint8_t *records,
                                size_t records_len, rb_family *f, rb_iter_options opts,
                                const uint8_t *lower, size_t lower_len, const uint8_t *upper,
                                size_t upper_len) {
  rb_iter_result r = {NULL, {RB_OK, NULL}};
  r.status = rb_overlay_replay(o, keep, records, records_len);
  if (r.status.code != RB_OK) {
    return r;
  }
  struct rb_merged *m = rb_merged_new(o, f);
  if (m == NULL) {
    r.status = rb_status_make(RB_NO_MEMORY, NULL);
    return r;
  }
  r = rb_iter_new(f, o->base, opts, lower, lower_len, upper, upper_len);
  if (r.iter == NULL) {
    rb_merged_free(m);
    return r;
  }
  r.iter->merged = m;
  return r;
}

rb_status rb_iter_refresh_over(rb_iter *it, rb_overlay *o, uint64_t keep, const uint8_t *records,
                               size_t records_len) {
  rb_status s = rb_overlay_replay(o, keep, records, records_len);
  if (s.code != RB_OK) {
    return s;
  }
  struct rb_merged *m = rb_merged_new(o, it->family);
  if (m == NULL) {
    return rb_status_make(RB_NO_MEMORY, NULL);
  }
  s = rb_iter_refresh_to(it, o->base);
  if (s.code != RB_OK) {
    rb_merged_free(m);
    return s;
  }
  rb_merged_free(it->merged);
  it->merged = m;
  return s;
}
