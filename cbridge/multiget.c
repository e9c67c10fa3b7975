/* multiget.c: reads of many keys in one call. */
#include <stdlib.h>
#include <string.h>

#include "multiget.h"

rb_rest *rb_rest_new(size_t n) {
  const size_t words = sizeof(struct rb_sought) + 4 * sizeof(void *) + 3 * sizeof(uint32_t);
  if (n > (SIZE_MAX - sizeof(rb_rest)) / words) {
    return NULL;
  }
  rb_rest *r = calloc(1, sizeof *r + n * words);
  if (r == NULL) {
    return NULL;
  }
  r->sought = (struct rb_sought *)(r + 1);
  r->keys = (const char **)(r->sought + n);
  r->lens = (size_t *)(r->keys + n);
  r->pins = (rocksdb_pinnableslice_t **)(r->lens + n);
  r->errs = (char **)(r->pins + n);
  r->families = (uint32_t *)(r->errs + n);
  r->which = r->families + n;
  r->left = r->which + n;
  return r;
}

void rb_rest_free(rb_rest *r) {
  if (r == NULL) {
    return;
  }
  for (size_t i = 0; i < r->distinct; i++) {
    rb_unpin(r->pins[i]);
    free(r->errs[i]);
    if (r->laid != NULL) {
      rb_free(r->laid[i].made);
    }
  }
  free(r->laid);
  free(r);
}

/* By family, then bytewise. */
static int rb_compare_sought(const void *left, const void *right) {
  const struct rb_sought *a = left, *b = right;
  if (a->family != b->family) {
    return a->family < b->family ? -1 : 1;
  }
  uint32_t shorter = a->len < b->len ? a->len : b->len;
  int order = memcmp(a->key, b->key, shorter);
  if (order != 0) {
    return order;
  }
  return a->len == b->len ? 0 : a->len < b->len ? -1 : 1;
}

void rb_rest_order(rb_rest *r, const rb_key *keys, size_t n, const uint8_t *bytes) {
  bool sorted = true;
  bytes = bytes == NULL ? (const uint8_t *)"" : bytes; /* all keys are empty */
  for (size_t i = 0; i < n; i++) {
    struct rb_sought s = {bytes, keys[i].len, keys[i].family, (uint32_t)i};
    r->sought[i] = s;
    bytes += keys[i].len;
    sorted = sorted && (i == 0 || rb_compare_sought(&r->sought[i - 1], &r->sought[i]) <= 0);
  }
  if (!sorted) {
    qsort(r->sought, n, sizeof r->sought[0], rb_compare_sought);
  }
  for (size_t i = 0; i < n; i++) {
    const struct rb_sought *s = &r->sought[i];
    if (i == 0 || rb_compare_sought(s - 1, s) != 0) {
      r->keys[r->distinct] = (const char *)s->key;
      r->lens[r->distinct] = s->len;
      r->families[r->distinct] = s->family;
      r->distinct++;
    }
    r->which[s->index] = (uint32_t)(r->distinct - 1);
  }
}

/* Before RocksDB 9.2, when one file cannot be read, keys whose values lie in blob files may come
 * back as found with what points to the blob. So an error of one key of a family with blob files
 * becomes that of all that were found. False when memory is short. */
static bool rb_distrust(rb_rest *r, const rb_family *f, size_t from, size_t to) {
  const char *words = NULL;
  for (size_t i = from; i < to && words == NULL; i++) {
    words = r->errs[i];
  }
  uint64_t blobs = 0;
  if (words == NULL ||
      rocksdb_property_int_cf(f->db->db, f->handle, "rocksdb.num-blob-files", &blobs) != 0 ||
      blobs == 0) {
    return true;
  }
  for (size_t i = from; i < to; i++) {
    if (r->pins[i] == NULL) {
      continue;
    }
    rb_unpin(r->pins[i]);
    r->pins[i] = NULL;
    r->errs[i] = strdup(words);
    if (r->errs[i] == NULL) {
      return false;
    }
  }
  return true;
}

/* Looks up distinct key i, of family f. False when memory is short. */
static bool rb_look_up_one(rb_rest *r, const rb_family *f, const rocksdb_readoptions_t *o,
                           uint32_t flags, size_t i) {
  rb_family_reads(f);
  r->pins[i] = rocksdb_get_pinned_cf(f->db->db, o, f->handle, r->keys[i], r->lens[i], &r->errs[i]);
  rb_timed_probe(f, flags, r->errs[i]);
  rb_status s = rb_ok();
  if (rb_family_was_read(f, &s)) {
    return true;
  }
  rb_free(s.msg);
  rb_unpin(r->pins[i]);
  r->pins[i] = NULL;
  free(r->errs[i]);
  r->errs[i] = strdup("Operation aborted: the comparator failed");
  return r->errs[i] != NULL;
}

/* Looks up the distinct keys [from, to), all of family f. RocksDB's batched lookup reads files even
 * when it is told to read the cache only, so that goes key by key, as a single key does; and its
 * keys come in bytewise order. */
static bool rb_look_up(rb_rest *r, const rb_family *f, const rocksdb_readoptions_t *o,
                       uint32_t flags, bool single, size_t from, size_t to) {
  if (!single && f->order == NULL && to - from > 1) {
    rocksdb_batched_multi_get_cf(f->db->db, o, f->handle, to - from, r->keys + from, r->lens + from,
                                 r->pins + from, r->errs + from, true);
    return rb_distrust(r, f, from, to);
  }
  bool ok = true;
  for (size_t i = from; i < to && ok; i++) {
    ok = rb_look_up_one(r, f, o, flags, i);
  }
  return ok;
}

bool rb_look_up_all(rb_rest *r, rb_family *const *families, rb_read how) {
  /* Off what its batched lookup finds RocksDB, on 7.8.3, takes no times. Into its cache of rows, in
   * every version, it puts operands of a key without what lies in the next block, if that cannot be
   * read: later reads would take them for all. */
  const rb_db *db = families[0]->db;
  bool single = how.one_by_one || how.timed || (how.flags & RB_READ_CACHE_ONLY) != 0 || db->timed ||
                db->row_cache != NULL;
  uint32_t first = r->families[0], last = r->families[r->distinct - 1];
  rb_snapshot *own = NULL;
  if (how.snap == NULL && (first != last || (single && r->distinct > 1))) {
    own = rb_snapshot_new(families[first]->db); /* several lookups, one state */
    if (own == NULL) {
      return false;
    }
    how.snap = own;
  }
  struct rb_stamp at = rb_stamp_of(how.at);
  struct rb_call_options c =
      how.timed ? rb_call_options_at(how.snap, how.flags, how.deadline, &at)
                : rb_call_options_get(families[first]->db, how.snap, how.flags, how.deadline);
  bool ok = c.use != NULL;
  for (size_t from = 0; ok && from < r->distinct;) {
    size_t to = from + 1;
    while (to < r->distinct && r->families[to] == r->families[from]) {
      to++;
    }
    ok = rb_look_up(r, families[r->families[from]], c.use, how.flags, single, from, to);
    from = to;
  }
  if (c.made != NULL) {
    rocksdb_readoptions_destroy(c.made);
  }
  rb_snapshot_free(own);
  return ok;
}

/* The value of a distinct key, or the words of its error; NULL if it is absent. */
static const char *rb_rest_bytes(const rb_rest *r, size_t i, size_t *len) {
  *len = 0;
  if (r->laid != NULL && r->laid[i].data != NULL) {
    *len = r->laid[i].len;
    return r->laid[i].data;
  }
  if (r->pins[i] != NULL) {
    return rocksdb_pinnableslice_value(r->pins[i], len);
  }
  if (r->errs[i] != NULL) {
    *len = strlen(r->errs[i]);
  }
  return r->errs[i];
}

/* Whether there is nothing to say of a distinct key: no value, and no error. */
static bool rb_rest_absent(const rb_rest *r, size_t i) {
  return r->pins[i] == NULL && r->errs[i] == NULL && (r->laid == NULL || r->laid[i].data == NULL);
}

void rb_deliver(rb_rest *r, size_t n, uint8_t *buf, size_t cap, rb_answer *found, rb_multi *m) {
  for (size_t i = 0; i < n; i++) {
    uint32_t at = r->which[i];
    size_t len = 0;
    const char *data = rb_rest_bytes(r, at, &len);
    rb_answer k = {m->used, len, rb_status_from(r->errs[at]).code, 0};
    if (rb_rest_absent(r, at)) {
      k.code = RB_NOT_FOUND;
    }
    if (len > cap - m->used) {
      k.at = m->need;
      k.rest = 1;
      r->left[r->nleft++] = at;
      m->need += len;
    } else if (len > 0) {
      memcpy(buf + m->used, data, len);
      m->used += len;
    }
    found[i] = k;
  }
  if (r->nleft == 0) {
    rb_rest_free(r);
  } else {
    m->rest = r;
  }
}

rb_multi rb_multi_get(rb_family *const *families, rb_read how, const rb_key *keys, size_t n,
                      const uint8_t *bytes, uint8_t *buf, size_t cap, rb_answer *found) {
  rb_multi m = {0, 0, NULL, 0, {RB_OK, NULL}};
  rb_rest *r = rb_rest_new(n);
  if (r == NULL) {
    m.status.code = RB_NO_MEMORY;
    return m;
  }
  rb_rest_order(r, keys, n, bytes);
  if (!rb_look_up_all(r, families, how)) {
    m.status.code = RB_NO_MEMORY;
    rb_rest_free(r);
    return m;
  }
  rb_deliver(r, n, buf, cap, found, &m);
  return m;
}

void rb_rest_take(rb_rest *r, uint8_t *buf) {
  for (size_t i = 0; i < r->nleft; i++) {
    size_t len = 0;
    const char *data = rb_rest_bytes(r, r->left[i], &len);
    memcpy(buf, data, len);
    buf += len;
  }
  rb_rest_free(r);
}
