/*
 * seams.c: scans that see every file of a level, or an error.
 *
 * Before 8.3, when RocksDB's iterator steps from one file of a level into the next one and cannot
 * read that, it goes on without the rest of the level, and says nothing (MergingIterator's
 * SkipNextDeleted and SkipPrevDeleted). Its seeks do look whether each level could be read. So the
 * keys where files begin and end are kept beside an iterator, and where a move comes to one, or
 * past it, a seek to that key follows, before any row there is shown.
 *
 * The versions of one key may lie in two files, the newer ones in the first. A seek forward to that
 * key enters the first file, a seek backward the second one, so there it takes both; and one more
 * beside the key, to enter the file that the move goes into.
 */
#include <pthread.h>
#include <stdlib.h>

#include "handles.h"
#include "later.h"

/* A key where a file begins or ends. */
struct rb_mark {
  uint8_t *data;
  size_t len;
  bool shared; /* the file beside it ends or begins with the same key */
};

/* Some, in order. */
struct rb_marks {
  struct rb_mark *at;
  size_t n;
};

struct rb_seams {
  atomic_uint holders;    /* the family, and iterators */
  uint64_t state;         /* of the family, by RocksDB's number of it */
  struct rb_marks starts; /* the first keys of files that have another before them in their level */
  struct rb_marks ends;   /* the last ones of those that have another behind them */
};

bool rb_seams_hold(void) { /* what 8.5 brought says so */
  return rocksdb_transactiondb_get_base_db != NULL;
}

static void rb_marks_free(struct rb_marks *k) {
  for (size_t i = 0; i < k->n; i++) {
    free(k->at[i].data);
  }
  free(k->at);
}

void rb_seams_free(struct rb_seams *s) {
  if (s != NULL && atomic_fetch_sub(&s->holders, 1) == 1) {
    rb_marks_free(&s->starts);
    rb_marks_free(&s->ends);
    free(s);
  }
}

/* Appends a copy of a key; false when memory is short. room is for all that will come. */
static bool rb_marks_add(struct rb_marks *k, size_t room, const char *key, size_t len,
                         bool shared) {
  if (k->at == NULL) {
    k->at = calloc(room, sizeof *k->at);
  }
  uint8_t *copy = k->at == NULL ? NULL : malloc(len + 1);
  if (copy == NULL) {
    return false;
  }
  if (len > 0) {
    memcpy(copy, key, len);
  }
  struct rb_mark m = {copy, len, shared};
  k->at[k->n++] = m;
  return true;
}

/* A key right before another one, bytewise: no key that is shorter than this lies between. */
enum { RB_TAIL_OF_HIGHEST = 4096 };

/* Appends the key next to one, bytewise above or below it. There is none below the empty one. */
static bool rb_marks_add_beside(struct rb_marks *k, size_t room, const char *key, size_t len,
                                bool above) {
  bool last_zero = len > 0 && key[len - 1] == 0;
  if (above) {
    if (!rb_marks_add(k, room, key, len, false)) {
      return false;
    }
    k->at[k->n - 1].data[len] = 0;
    k->at[k->n - 1].len = len + 1;
    return true;
  }
  if (len == 0 || last_zero) {
    return len == 0 || rb_marks_add(k, room, key, len - 1, false);
  }
  struct rb_mark m = {malloc(len + RB_TAIL_OF_HIGHEST), len + RB_TAIL_OF_HIGHEST, false};
  if (m.data == NULL) {
    return false;
  }
  memcpy(m.data, key, len);
  m.data[len - 1]--;
  memset(m.data + len, 0xFF, RB_TAIL_OF_HIGHEST);
  k->at[k->n++] = m;
  return true;
}

/* Where a file ends and the next one begins. What follows a key, and what is before it, only Go
 * could say of an order of its own. */
static bool rb_seams_between(struct rb_seams *s, const rb_family *f, size_t room, const char *end,
                             size_t end_len, const char *start, size_t start_len) {
  bool shared =
      rb_family_compare(f, (const uint8_t *)end, end_len, (const uint8_t *)start, start_len) == 0;
  bool reversed = f->order != NULL;
  return rb_marks_add(&s->starts, room, start, start_len, shared) &&
         rb_marks_add(&s->ends, room, end, end_len, shared) &&
         (!shared || rb_order_calls(f->order) ||
          (rb_marks_add_beside(&s->starts, room, start, start_len, !reversed) &&
           rb_marks_add_beside(&s->ends, room, end, end_len, reversed)));
}

/* Adds the seams of one level. */
static bool rb_seams_add(struct rb_seams *s, const rb_family *f, rocksdb_level_metadata_t *level,
                         size_t stamp, size_t room) {
  size_t n = rocksdb_level_metadata_get_file_count(level);
  char *end = NULL; /* of the file before */
  size_t end_len = 0;
  bool ok = true;
  for (size_t i = 0; i < n && ok; i++) {
    rocksdb_sst_file_metadata_t *file = rocksdb_level_metadata_get_sst_file_metadata(level, i);
    size_t start_len = 0;
    char *start = rocksdb_sst_file_metadata_get_smallestkey(file, &start_len);
    start_len = start_len < stamp ? 0 : start_len - stamp;
    ok = i == 0 || rb_seams_between(s, f, room, end, end_len, start, start_len);
    rocksdb_free(start);
    rocksdb_free(end);
    end = rocksdb_sst_file_metadata_get_largestkey(file, &end_len);
    end_len = end_len < stamp ? 0 : end_len - stamp;
    rocksdb_sst_file_metadata_destroy(file);
  }
  rocksdb_free(end);
  return ok;
}

/* Of marks with one key all are shared if one is. */
static void rb_marks_share(const rb_family *f, struct rb_marks *k) {
  for (size_t from = 0, to = 0; from < k->n; from = to) {
    bool shared = false;
    while (to < k->n && rb_family_compare(f, k->at[from].data, k->at[from].len, k->at[to].data,
                                          k->at[to].len) == 0) {
      shared = k->at[to++].shared || shared;
    }
    while (from < to) {
      k->at[from++].shared = shared;
    }
  }
}

/* Sorts keys. A merge of runs that are in order, as levels are, in the family's own order, which
 * qsort could not be told. False when memory is short. */
static bool rb_marks_sort(const rb_family *f, struct rb_marks *k) {
  struct rb_mark *spare = k->n < 2 ? NULL : calloc(k->n, sizeof *spare);
  if (k->n < 2 || spare == NULL) {
    return k->n < 2;
  }
  for (size_t width = 1; width < k->n; width *= 2) {
    for (size_t low = 0; low < k->n; low += 2 * width) {
      size_t mid = low + width < k->n ? low + width : k->n;
      size_t high = mid + width < k->n ? mid + width : k->n;
      size_t a = low, b = mid;
      for (size_t to = low; to < high; to++) {
        bool left = b == high || (a < mid && rb_family_compare(f, k->at[a].data, k->at[a].len,
                                                               k->at[b].data, k->at[b].len) <= 0);
        spare[to] = left ? k->at[a++] : k->at[b++];
      }
    }
    struct rb_mark *was = k->at;
    k->at = spare;
    spare = was;
  }
  free(spare);
  rb_marks_share(f, k);
  return true;
}

/* The number of the family's state: of its memtables and files. */
static uint64_t rb_seams_state(const rb_family *f) {
  uint64_t state = 0;
  rocksdb_property_int_cf(f->db->db, f->handle, "rocksdb.current-super-version-number", &state);
  return state;
}

/* The seams of the family's files, which are those of state if that is its state afterwards still;
 * NULL when memory is short. stamp is how many bytes of a timestamp keys have. */
static struct rb_seams *rb_seams_make(const rb_family *f, size_t stamp, uint64_t state) {
  struct rb_seams *s = calloc(1, sizeof *s);
  if (s == NULL) {
    return NULL;
  }
  atomic_init(&s->holders, 1);
  s->state = state;
  rocksdb_column_family_metadata_t *all =
      rocksdb_get_column_family_metadata_cf(f->db->db, f->handle);
  size_t room = 2 * rocksdb_column_family_metadata_get_file_count(all);
  size_t levels = rocksdb_column_family_metadata_get_level_count(all);
  bool ok = true;
  for (size_t i = 1; i < levels && ok; i++) { /* the files of level 0 are read side by side */
    rocksdb_level_metadata_t *level = rocksdb_column_family_metadata_get_level_metadata(all, i);
    ok = rb_seams_add(s, f, level, stamp, room);
    rocksdb_level_metadata_destroy(level);
  }
  rocksdb_column_family_metadata_destroy(all);
  if (!ok || !rb_marks_sort(f, &s->starts) || !rb_marks_sort(f, &s->ends)) {
    rb_seams_free(s);
    return NULL;
  }
  return s;
}

rb_status rb_seams_get(rb_family *f, size_t stamp, struct rb_seams **out) {
  *out = NULL;
  if (rb_seams_hold()) {
    return rb_ok();
  }
  pthread_mutex_lock(&f->seams_lock);
  uint64_t state = rb_seams_state(f);
  while (f->seams == NULL || f->seams->state != state) {
    rb_seams_free(f->seams);
    f->seams = rb_seams_make(f, stamp, state);
    uint64_t now = f->seams == NULL ? state : rb_seams_state(f);
    if (now == state) {
      break;
    }
    state = now;
  }
  struct rb_seams *s = f->seams;
  if (s != NULL) {
    atomic_fetch_add(&s->holders, 1);
  }
  pthread_mutex_unlock(&f->seams_lock);
  *out = s;
  return s == NULL ? rb_status_make(RB_NO_MEMORY, NULL) : rb_ok();
}

bool rb_seams_fit(const rb_family *f, const struct rb_seams *s) {
  return s == NULL || s->state == rb_seams_state(f);
}

struct rb_seams *rb_seams_or_none(struct rb_seams *s) {
  if (s != NULL && s->starts.n == 0) {
    rb_seams_free(s);
    return NULL;
  }
  return s;
}

/* How many keys lie before a key, or at it too. */
static size_t rb_marks_before(const rb_iter *it, const struct rb_marks *k, const uint8_t *key,
                              size_t klen, bool at) {
  size_t low = 0, high = k->n;
  while (low < high) {
    size_t mid = low + (high - low) / 2;
    int c = rb_family_compare(it->family, k->at[mid].data, k->at[mid].len, key, klen);
    if (c < 0 || (at && c == 0)) {
      low = mid + 1;
    } else {
      high = mid;
    }
  }
  return low;
}

/* What a seek to key, or a row there, leaves to come: the seams behind it. */
static void rb_seams_place(rb_iter *it, const uint8_t *key, size_t klen) {
  const struct rb_seams *s = it->seams;
  it->seam_backward = it->backward;
  it->seam = it->backward ? rb_marks_before(it, &s->ends, key, klen, false)
                          : rb_marks_before(it, &s->starts, key, klen, true);
}

/* The next seam the way that the iterator goes; NULL: there is none. */
static const struct rb_mark *rb_seams_next(const rb_iter *it) {
  const struct rb_seams *s = it->seams;
  if (it->backward) {
    return it->seam == 0 ? NULL : &s->ends.at[it->seam - 1];
  }
  return it->seam == s->starts.n ? NULL : &s->starts.at[it->seam];
}

/* The same for a seek of RocksDB's to key, which has looked into one file only where two share it.
 */
static void rb_seams_place_at(rb_iter *it, const uint8_t *key, size_t klen) {
  rb_seams_place(it, key, klen);
  const struct rb_marks *k = it->backward ? &it->seams->ends : &it->seams->starts;
  size_t beside = it->backward ? it->seam : it->seam - 1;
  if (beside < k->n && k->at[beside].shared &&
      rb_family_compare(it->family, k->at[beside].data, k->at[beside].len, key, klen) == 0) {
    it->seam = it->backward ? beside + 1 : beside;
  }
}

/* The key where RocksDB's iterator stands, without what it adds to one between versions. */
static const uint8_t *rb_seams_key(const rb_iter *it, size_t *n) {
  const char *key = rocksdb_iter_key(it->it, n);
  if (it->versions) {
    *n = *n < RB_VERSION_TAIL ? 0 : *n - RB_VERSION_TAIL;
  }
  return (const uint8_t *)key;
}

/* Whether a seam lies beyond the bound that the iterator runs into: then what is lost there is not
 * asked for. A native bound that was taken away is one that excludes nothing. */
static bool rb_seams_outside(const rb_iter *it, const struct rb_mark *s) {
  const struct rb_bound *b = it->backward ? &it->lower : &it->upper;
  if (b->data == NULL) {
    return false;
  }
  int c = rb_family_compare(it->family, s->data, s->len, b->data, b->len);
  return it->backward ? c < 0 : c >= 0;
}

/* Whether an error is why RocksDB's iterator is on no row. */
static bool rb_seams_failed(const rb_iter *it) {
  char *err = NULL;
  if (rocksdb_iter_valid(it->it)) {
    return false;
  }
  rocksdb_iter_get_error(it->it, &err);
  rocksdb_free(err);
  return err != NULL;
}

/* Whether RocksDB's iterator has come to a seam, or past it; not if an error is why it ended. */
static bool rb_seams_passed(const rb_iter *it, const struct rb_mark *s) {
  if (rocksdb_iter_valid(it->it)) {
    size_t n = 0;
    const uint8_t *key = rb_seams_key(it, &n);
    int c = rb_family_compare(it->family, key, n, s->data, s->len);
    return (it->backward ? c <= 0 : c >= 0) && !rb_seams_outside(it, s);
  }
  return !rb_seams_failed(it) && !rb_seams_outside(it, s);
}

static void rb_seams_seek(rb_iter *it, const struct rb_mark *s, bool backward) {
  if (backward) {
    rocksdb_iter_seek_for_prev(it->it, (const char *)s->data, s->len);
  } else {
    rocksdb_iter_seek(it->it, (const char *)s->data, s->len);
  }
}

static bool rb_seams_stands_at(const rb_iter *it, const struct rb_mark *s) {
  size_t n = 0;
  if (!rocksdb_iter_valid(it->it)) {
    return false;
  }
  const uint8_t *key = rb_seams_key(it, &n);
  return rb_family_compare(it->family, key, n, s->data, s->len) == 0;
}

/* Seeks to a key whose versions may lie in two files. Backward shows that the second one can be
 * read; forward finds the newest version, which a move backward does not if it cannot enter the
 * first file. What is before that key is sought from the key right before it, and not from that
 * of which an old version might show. */
static void rb_seams_enter_both(rb_iter *it, const struct rb_mark *s) {
  rb_seams_seek(it, s, true);
  if (rb_seams_failed(it)) {
    return;
  }
  rb_seams_seek(it, s, false);
  if (!it->backward || rb_seams_stands_at(it, s) || rb_seams_failed(it)) {
    return;
  }
  const struct rb_mark *before = rb_seams_next(it); /* rb_seams_between has put it there */
  if (before != NULL && s->len > 0 && !rb_order_calls(it->family->order)) {
    s = before;
    rb_seams_place(it, s->data, s->len);
  }
  rb_seams_seek(it, s, true);
}

/* Seeks to the seams, one after the other, that a move has come to. Iterators over versions cannot
 * go backward. */
static void rb_seams_settle(rb_iter *it) {
  const struct rb_mark *s;
  while ((s = rb_seams_next(it)) != NULL && rb_seams_passed(it, s)) {
    rb_seams_place(it, s->data, s->len);
    if (s->shared && !it->versions) {
      rb_seams_enter_both(it, s);
    } else {
      rb_seams_seek(it, s, it->backward);
    }
  }
}

void rb_seams_sought(rb_iter *it, const uint8_t *key, size_t klen) {
  rb_seams_place_at(it, key, klen);
  rb_seams_settle(it);
}

void rb_seams_outermost(rb_iter *it) {
  const struct rb_bound *b = it->backward ? &it->upper : &it->lower;
  it->seam_backward = it->backward;
  it->seam = it->backward ? it->seams->ends.n : 0;
  if (it->backward ? it->native_upper : it->native_lower) {
    rb_seams_place_at(it, b->data, b->len);
  }
  rb_seams_settle(it);
}

void rb_seams_advance(rb_iter *it) {
  if (it->seam_backward != it->backward) {
    size_t n = 0;
    const uint8_t *key = rb_seams_key(it, &n);
    rb_seams_place(it, key, n);
  }
  if (it->backward) {
    rocksdb_iter_prev(it->it);
  } else {
    rocksdb_iter_next(it->it);
  }
  rb_seams_settle(it);
}
