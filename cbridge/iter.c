/* iter.c: the life of an iterator, and its bounds. */
#include <stdlib.h>
#include <string.h>

#include "cxx.h"
#include "handles.h"
#include "predicate.h"
#include "tablefilter.h"

/* Copies a bound. A set bound of length 0 has memory too: RocksDB takes NULL for "no bound". */
static bool rb_bound_copy(struct rb_bound *b, uint8_t has, const uint8_t *data, size_t len) {
  b->data = NULL;
  b->len = 0;
  b->set = has != 0;
  if (!has) {
    return true;
  }
  b->data = malloc(len + 1);
  if (b->data == NULL) {
    return false;
  }
  if (len > 0) {
    memcpy(b->data, data, len);
  }
  b->len = len;
  return true;
}

rocksdb_readoptions_t *rb_iter_options_make(const rb_iter *it, const rb_snapshot *snap) {
  rocksdb_readoptions_t *read = rb_readoptions_new(it->flags);
  if (read == NULL) {
    return NULL;
  }
  if (snap != NULL) {
    rocksdb_readoptions_set_snapshot(read, snap->snap);
  }
  if (it->deadline > 0) {
    rocksdb_readoptions_set_deadline(read, it->deadline);
  }
  if (it->readahead > 0) {
    rocksdb_readoptions_set_readahead_size(read, (size_t)it->readahead);
  }
  if (it->timed) {
    rocksdb_readoptions_set_timestamp(read, it->at.bytes, RB_STAMP);
  }
  if (it->versions) {
    rocksdb_readoptions_set_iter_start_ts(read, it->since.bytes, RB_STAMP);
  }
  /* Freeing an iterator may delete files: leave that to a background thread. */
  rocksdb_readoptions_set_background_purge_on_iterator_cleanup(read, 1);
  /* Of another order than the bytewise one, there is no bound that stands for none: see
   * rb_iter_set_bounds. The glue compares each row with bounds itself then. */
  bool native = it->family->order == NULL;
  if (native && it->lower.set) {
    rocksdb_readoptions_set_iterate_lower_bound(read, (const char *)it->lower.data, it->lower.len);
  }
  if (native && it->upper.set) {
    rocksdb_readoptions_set_iterate_upper_bound(read, (const char *)it->upper.data, it->upper.len);
  }
  if (!rb_table_filter_set(read, it->tables)) {
    rocksdb_readoptions_destroy(read);
    return NULL;
  }
  return read;
}

/* What an iterator of ours reads from. */
struct rb_source {
  rocksdb_readoptions_t *read;
  rocksdb_iterator_t *it;
  struct rb_seams *seams;
};

static void rb_source_free(struct rb_source *s) {
  if (s->it != NULL) {
    rocksdb_iter_destroy(s->it);
  }
  if (s->read != NULL) {
    rocksdb_readoptions_destroy(s->read);
  }
  rb_seams_free(s->seams);
  memset(s, 0, sizeof *s);
}

/* Makes a RocksDB iterator, and finds the seams of the state that it is of. */
static rb_status rb_source_open(const rb_iter *it, struct rb_source *s) {
  rb_status found = rb_seams_get(it->family, it->timed ? RB_STAMP : 0, &s->seams);
  if (found.code != RB_OK) {
    return found;
  }
  s->it = rocksdb_create_iterator_cf(it->family->db->db, s->read, it->family->handle);
  char *err = NULL;
  rocksdb_iter_get_error(s->it, &err);
  return rb_status_from(err);
}

/* Makes what an iterator with the settings of it reads from. On error there is nothing in *s. */
static rb_status rb_iter_make(const rb_iter *it, const rb_snapshot *snap, struct rb_source *s) {
  memset(s, 0, sizeof *s);
  s->read = rb_iter_options_make(it, snap);
  if (s->read == NULL) {
    return rb_status_make(RB_NO_MEMORY, NULL);
  }
  rb_status made = rb_source_open(it, s);
  while (made.code == RB_OK && !rb_seams_fit(it->family, s->seams)) {
    rocksdb_iter_destroy(s->it); /* files have changed in between: another one, of the new state */
    s->it = NULL;
    rb_seams_free(s->seams);
    made = rb_source_open(it, s);
  }
  if (made.code != RB_OK) {
    rb_source_free(s);
  }
  s->seams = rb_seams_or_none(s->seams);
  return made;
}

static void rb_iter_adopt(rb_iter *it, rb_snapshot *snap, const struct rb_source *s) {
  it->snap = snap;
  if (snap != NULL) {
    atomic_fetch_add(&snap->holders, 1);
  }
  it->read = s->read;
  it->it = s->it;
  it->seams = s->seams;
  bool native = it->family->order == NULL;
  it->native_lower = native && it->lower.set;
  it->native_upper = native && it->upper.set;
  it->checked = !native;
  it->placed = false;
  it->delivered = false;
  it->backward = false;
}

/* Whether what is asked for is there, but for the filter of tables. */
static bool rb_iter_offered(const rb_iter_options *o) {
  return (!(o->flags & RB_READ_ASYNC_IO) || rb_supports(RB_FEATURE_ASYNC_IO)) &&
         (!(o->flags & RB_READ_ADAPTIVE) || rb_supports(RB_FEATURE_ADAPTIVE)) &&
         (!o->columns || (rb_cxx_offered() && !o->timed)) && (o->n_tables == 0 || !o->versions);
}

rb_iter_result rb_iter_new(rb_family *f, rb_snapshot *snap, rb_iter_options o, const uint8_t *lower,
                           size_t lower_len, const uint8_t *upper, size_t upper_len) {
  rb_iter_result r = {NULL, {RB_OK, NULL}};
  rb_table_filter *tables = NULL;
  r.status = rb_iter_offered(&o) ? rb_table_filter_new(o.tables, o.n_tables, &tables)
                                 : rb_status_make(RB_UNSUPPORTED, NULL);
  if (r.status.code != RB_OK) {
    return r;
  }
  rb_iter *it = calloc(1, sizeof *it);
  if (it == NULL) {
    rb_table_filter_free(tables);
    r.status = rb_status_make(RB_NO_MEMORY, NULL);
    return r;
  }
  it->tables = tables;
  it->family = f;
  atomic_fetch_add(&f->iterators, 1);
  it->flags = o.flags;
  it->keys_only = (o.flags & RB_READ_KEYS_ONLY) != 0;
  it->no_values = it->keys_only;
  it->max_value = o.max_value;
  it->readahead = o.readahead;
  it->deadline = o.deadline;
  it->timed = o.timed != 0;
  it->versions = o.versions != 0;
  it->at = rb_stamp_of(o.at);
  it->since = rb_stamp_of(o.since);
  struct rb_source made = {NULL, NULL, NULL};
  it->columns = o.columns ? rb_columns_new() : NULL;
  if ((o.columns && it->columns == NULL) ||
      !rb_bound_copy(&it->lower, o.has_lower, lower, lower_len) ||
      !rb_bound_copy(&it->upper, o.has_upper, upper, upper_len)) {
    r.status = rb_status_make(RB_NO_MEMORY, NULL);
  } else {
    r.status = rb_iter_make(it, snap, &made);
  }
  if (r.status.code == RB_OK && it->versions) {
    r.status = rb_holes_new(it, snap);
  }
  if (r.status.code != RB_OK) {
    rb_source_free(&made);
    rb_iter_free(it);
    return r;
  }
  rb_iter_adopt(it, snap, &made);
  r.iter = it;
  return r;
}

/* RocksDB cannot take a bound away from a living iterator. A key longer than any that rockbridge
 * stores, all of the highest byte, is an upper bound that excludes nothing. */
static bool rb_bound_beyond_all(struct rb_bound *b) {
  size_t len = (size_t)RB_MAX_KEY + 1;
  b->data = malloc(len);
  if (b->data == NULL) {
    return false;
  }
  memset(b->data, 0xFF, len);
  b->len = len;
  b->set = false;
  return true;
}

/* Whether two set bounds say the same; used to leave RocksDB's own check in charge. */
static bool rb_bound_same(const struct rb_bound *a, const struct rb_bound *b) {
  return a->set == b->set &&
         (!a->set || (a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0)));
}

rb_status rb_iter_set_bounds(rb_iter *it, uint8_t has_lower, const uint8_t *lower, size_t lower_len,
                             uint8_t has_upper, const uint8_t *upper, size_t upper_len) {
  struct rb_bound low;
  struct rb_bound up = {NULL, 0, false};
  bool ok = rb_bound_copy(&low, has_lower, lower, lower_len);
  if (ok && !has_upper && it->native_upper) {
    ok = rb_bound_beyond_all(&up);
  } else if (ok) {
    ok = rb_bound_copy(&up, has_upper, upper, upper_len);
  }
  if (!ok) {
    free(low.data);
    return rb_status_make(RB_NO_MEMORY, NULL);
  }
  /* RocksDB looks at a changed bound again when it seeks, but promises nothing: from here on the
   * glue compares every row itself and RocksDB's bounds only serve to stop it early. */
  it->checked = it->checked || !rb_bound_same(&low, &it->lower) || !rb_bound_same(&up, &it->upper);
  if (it->native_lower) {
    const char *data = low.set ? (const char *)low.data : "";
    rocksdb_readoptions_set_iterate_lower_bound(it->read, data, low.len);
  }
  if (it->native_upper) {
    rocksdb_readoptions_set_iterate_upper_bound(it->read, (const char *)up.data, up.len);
  }
  free(it->lower.data);
  free(it->upper.data);
  it->lower = low;
  it->upper = up;
  it->placed = false;
  it->delivered = false;
  it->backward = false;
  return rb_ok();
}

rb_status rb_iter_refresh(rb_iter *it) { return rb_iter_refresh_to(it, NULL); }

/* Has RocksDB bring its own iterator to the newest state, which is cheaper than a new one as long
 * as no memtable was switched. Only if it was made for the newest state, with the bounds that hold.
 */
static bool rb_iter_renew(rb_iter *it, const rb_snapshot *snap, rb_status *s) {
  if (snap != NULL || it->snap != NULL || it->checked || it->timed || it->family->db->timed ||
      !rb_seams_hold()) {
    /* Timed reads ask whether there is still the history for them; RocksDB's TTL has iterators that
     * cannot; and nobody tells which state an iterator comes to, where seams are needed. */
    return false;
  }
  if (rocksdb_iter_refresh != NULL) {
    char *err = NULL;
    rocksdb_iter_refresh(it->it, &err);
    *s = rb_status_from(err);
  } else if (rb_cxx_offered()) {
    *s = rb_cxx_refresh(it->it);
  } else {
    return false;
  }
  if (s->code == RB_OK) {
    struct rb_source same = {it->read, it->it, it->seams};
    rb_iter_adopt(it, NULL, &same);
  }
  return true;
}

rb_status rb_iter_refresh_to(rb_iter *it, rb_snapshot *snap) {
  rb_status renewed;
  if (rb_iter_renew(it, snap, &renewed)) {
    return renewed;
  }
  struct rb_source made;
  rb_status s = rb_iter_make(it, snap, &made);
  if (s.code != RB_OK) {
    return s;
  }
  struct rb_source was = {it->read, it->it, it->seams};
  rb_source_free(&was);
  rb_snapshot *old = it->snap;
  rb_iter_adopt(it, snap, &made);
  rb_snapshot_free(old); /* last: it may be the same */
  return s;
}

void rb_iter_free(rb_iter *it) {
  if (it == NULL) {
    return;
  }
  rb_merged_free(it->merged);
  rb_predicate_free(it->predicate);
  rb_holes_free(it->holes);
  rb_columns_free(it->columns);
  struct rb_source was = {it->read, it->it, it->seams};
  rb_source_free(&was);
  rb_table_filter_free(it->tables);
  rb_snapshot_free(it->snap);
  free(it->lower.data);
  free(it->upper.data);
  atomic_fetch_sub(&it->family->iterators, 1); /* last: the family may be gone then */
  free(it);
}
