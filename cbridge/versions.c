/* versions.c: all versions of the rows of a range, in many rows a call. */
#include <stdlib.h>

#include "rows.h"
#include "walk.h"

/* RocksDB's iterator over versions has a mistake (all versions up to 11.8): once it has passed
 * max_sequential_skip_in_iterations entries of one key and timestamp, it goes on behind the key,
 * and its older versions are lost. So when it leaves a key, another iterator looks for what is
 * older than the last version delivered, by a seek as of the timestamp before that: its timestamp
 * is rewritten in place, which RocksDB reads anew in every seek. */
struct rb_holes {
  rocksdb_readoptions_t *read;
  rocksdb_iterator_t *it;
  uint8_t *key; /* of the version delivered last */
  size_t klen;
  size_t cap;
  uint64_t stamp; /* and its timestamp */
  bool inside;    /* the next version comes from it */
  rb_iter view;   /* what read points into: the settings of the other, and a timestamp of its own */
};

struct rb_version {
  const uint8_t *key;
  size_t klen;
  uint64_t stamp;
  uint32_t kind;
};

/* The version where it stands; false if it stands on none. */
static bool rb_version_at(const rocksdb_iterator_t *it, struct rb_version *v) {
  enum { DELETED = 0x0, SINGLY_DELETED = 0x7, DELETED_WITH_TIMESTAMP = 0x14 };
  size_t n = 0;
  const char *key = rocksdb_iter_valid(it) ? rocksdb_iter_key(it, &n) : NULL;
  if (n < RB_VERSION_TAIL) {
    return false;
  }
  uint8_t type = (uint8_t)key[n - RB_STAMP];
  v->key = (const uint8_t *)key;
  v->klen = n - RB_VERSION_TAIL;
  v->stamp = rb_stamp_number(key + n - RB_VERSION_TAIL);
  v->kind = type == DELETED || type == SINGLY_DELETED || type == DELETED_WITH_TIMESTAMP
                ? RB_VERSION_DELETED
                : RB_VERSION_PUT;
  return true;
}

rb_status rb_holes_new(rb_iter *it, const rb_snapshot *snap) {
  struct rb_holes *h = calloc(1, sizeof *h);
  if (h == NULL) {
    return rb_status_make(RB_NO_MEMORY, NULL);
  }
  it->holes = h;
  h->view = *it;
  h->read = rb_iter_options_make(&h->view, snap);
  if (h->read == NULL) {
    return rb_status_make(RB_NO_MEMORY, NULL);
  }
  char *err = NULL;
  h->it = rocksdb_create_iterator_cf(it->family->db->db, h->read, it->family->handle);
  rocksdb_iter_get_error(h->it, &err);
  return rb_status_from(err);
}

void rb_holes_free(struct rb_holes *h) {
  if (h == NULL) {
    return;
  }
  if (h->it != NULL) {
    rocksdb_iter_destroy(h->it);
  }
  if (h->read != NULL) {
    rocksdb_readoptions_destroy(h->read);
  }
  free(h->key);
  free(h);
}

/* Remembers the version that is delivered; false when memory is short. */
static bool rb_holes_keep(struct rb_holes *h, const struct rb_version *v) {
  if (v->klen > h->cap) {
    uint8_t *larger = realloc(h->key, 2 * v->klen);
    if (larger == NULL) {
      return false;
    }
    h->key = larger;
    h->cap = 2 * v->klen;
  }
  if (v->klen > 0) {
    memcpy(h->key, v->key, v->klen);
  }
  h->klen = v->klen;
  h->stamp = v->stamp;
  return true;
}

/* Whether a version is one of the key that was delivered last. */
static bool rb_holes_same(const struct rb_holes *h, const struct rb_version *v) {
  return rb_compare(v->key, v->klen, h->key, h->klen) == 0;
}

/* Looks for versions of the key that are older than the last one. */
static void rb_holes_look(rb_iter *it) {
  struct rb_holes *h = it->holes;
  struct rb_version v;
  h->inside = false;
  if (h->stamp > rb_stamp_number(it->since.bytes)) {
    h->view.at = rb_stamp_of(h->stamp - 1);
    rocksdb_iter_seek(h->it, (const char *)h->key, h->klen);
    h->inside = rb_version_at(h->it, &v) && rb_holes_same(h, &v);
  }
}

/* Where the next version is. */
static rocksdb_iterator_t *rb_versions_cursor(const rb_iter *it) {
  return it->holes->inside ? it->holes->it : it->it;
}

/* From the version that was delivered to the next one. A step to timestamp 0 may have passed
 * versions over too. */
static void rb_versions_advance(rb_iter *it) {
  struct rb_holes *h = it->holes;
  struct rb_version v;
  if (h->inside) {
    rocksdb_iter_next(h->it);
  } else {
    rb_native_advance(it);
  }
  if (rb_version_at(rb_versions_cursor(it), &v) && rb_holes_same(h, &v) && v.stamp > 0) {
    return;
  }
  rb_holes_look(it);
  while (!h->inside && rb_version_at(it->it, &v) && rb_holes_same(h, &v) && v.stamp >= h->stamp) {
    rb_native_advance(it);
  }
}

/* Writes one version; how many bytes it takes, or none if it does not fit. */
static size_t rb_version_write(const rb_iter *it, const struct rb_version *v, uint8_t *buf,
                               size_t cap, uint64_t *want) {
  size_t vlen = 0;
  const char *value = NULL;
  if (v->kind == RB_VERSION_PUT && !it->keys_only) {
    value = rocksdb_iter_value(rb_versions_cursor(it), &vlen);
    vlen = it->max_value > 0 && vlen > it->max_value ? (size_t)it->max_value : vlen;
  }
  *want = (uint64_t)RB_VERSION_HEAD + v->klen + vlen;
  if (*want > cap) {
    return 0;
  }
  uint32_t head[3] = {v->kind, (uint32_t)v->klen, (uint32_t)vlen};
  memcpy(buf, &v->stamp, sizeof v->stamp);
  memcpy(buf + sizeof v->stamp, head, sizeof head);
  rb_copy(buf + RB_VERSION_HEAD, v->key, v->klen);
  if (vlen > 0) {
    memcpy(buf + RB_VERSION_HEAD + v->klen, value, vlen);
  }
  return (size_t)*want;
}

rb_versions rb_iter_versions(rb_iter *it, uint32_t move, uint64_t max_rows, uint8_t *buf,
                             size_t cap) {
  rb_versions r = {0, 0, 0, 0, {RB_OK, NULL}};
  struct rb_version v;
  if (move == RB_MOVE_FIRST) {
    it->holes->inside = false;
    it->placed = true;
    rb_native_outermost(it);
  }
  while (r.rows < max_rows && rb_version_at(rb_versions_cursor(it), &v)) {
    if (rb_iter_late(it, r.rows)) {
      r.status = rb_iter_timed_out();
      r.end = 1;
      return r;
    }
    uint64_t want = 0;
    size_t n = rb_version_write(it, &v, buf + r.used, cap - r.used, &want);
    if (n == 0) {
      r.need = r.rows == 0 ? want : 0;
      return r;
    }
    if (!rb_holes_keep(it->holes, &v)) {
      r.status = rb_status_make(RB_NO_MEMORY, NULL);
      r.end = 1;
      return r;
    }
    r.used += n;
    r.rows++;
    rb_versions_advance(it);
  }
  char *err = NULL;
  rocksdb_iter_get_error(it->holes->it, &err);
  r.status = err != NULL ? rb_status_from(err) : rb_iter_status(it);
  r.end = r.status.code != RB_OK || !rocksdb_iter_valid(rb_versions_cursor(it));
  return r;
}
