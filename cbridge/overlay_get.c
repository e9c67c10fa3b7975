/* overlay_get.c: reads of one key in a batch and, below it, in the database. */
#include <stdlib.h>
#include <string.h>

#include "overlay.h"

/* The operands that a reader sees, oldest first; NULL when memory is short. To be freed. */
static struct rb_entry **rb_operands(const struct rb_layer *l, uint64_t limit) {
  struct rb_entry **all = malloc(l->merges * sizeof(struct rb_entry *));
  if (all == NULL) {
    return NULL;
  }
  size_t i = l->merges;
  for (struct rb_entry *e = l->merge; i > 0; e = rb_entry_next(e)) {
    if (rb_entry_visible(e, limit)) { /* all of them are operands, as the layer says */
      all[--i] = e;
    }
  }
  return all;
}

/* What a merge operator of RocksDB's TTL takes for a time behind a value: it looks for none in
 * particular, and puts one behind what it makes. */
static const char rb_time[4] = {0};

/* Puts a value, or merges an operand, with that time if the database's rows have times. */
static void rb_wi_add(rocksdb_writebatch_wi_t *b, const rb_family *f, bool merge, const char *key,
                      size_t klen, const uint8_t *value, size_t len) {
  const char *const parts[2] = {(const char *)value, rb_time};
  const size_t lens[2] = {len, sizeof rb_time};
  int n = f->db->timed ? 2 : 1;
  if (merge) {
    rocksdb_writebatch_wi_mergev_cf(b, f->handle, 1, &key, &klen, n, parts, lens);
  } else {
    rocksdb_writebatch_wi_putv_cf(b, f->handle, 1, &key, &klen, n, parts, lens);
  }
}

rb_status rb_overlay_merge(rb_overlay *o, rb_family *f, const struct rb_layer *l, uint64_t limit,
                           const uint8_t *base, size_t base_len, char **out, size_t *out_len) {
  *out = NULL;
  *out_len = 0;
  struct rb_entry **operands = rb_operands(l, limit);
  rocksdb_writebatch_wi_t *b = rocksdb_writebatch_wi_create(0, 0);
  if (operands == NULL || b == NULL) {
    free(operands);
    if (b != NULL) {
      rocksdb_writebatch_wi_destroy(b);
    }
    return rb_status_make(RB_NO_MEMORY, NULL);
  }
  /* A batch that says what lies below is merged without a look at the database. */
  const char *key = (const char *)l->merge->key;
  size_t klen = l->merge->klen;
  if (base == NULL) {
    rocksdb_writebatch_wi_delete_cf(b, f->handle, key, klen);
  } else {
    rb_wi_add(b, f, false, key, klen, base, base_len);
  }
  for (size_t i = 0; i < l->merges; i++) {
    rb_wi_add(b, f, true, key, klen, operands[i]->value, operands[i]->vlen);
  }
  char *err = NULL;
  *out =
      rocksdb_writebatch_wi_get_from_batch_cf(b, o->options, f->handle, key, klen, out_len, &err);
  rocksdb_writebatch_wi_destroy(b);
  free(operands);
  if (err == NULL && *out == NULL) {
    return rb_status_make(RB_NO_MEMORY, NULL);
  }
  *out_len -= err == NULL && f->db->timed ? sizeof rb_time : 0;
  return rb_status_from(err);
}

/* Puts a value where the caller wants it: into buf, or lent, with its owner, when it is too long.
 */
static void rb_found_put(rb_found *r, const uint8_t *data, size_t len, uint8_t *buf, size_t cap) {
  r->len = len;
  if (len > cap) {
    r->data = data;
  } else if (len > 0) {
    memcpy(buf, data, len);
  }
}

/* One read as it goes on. */
struct rb_overlay_read {
  rb_overlay *o;
  rb_family *f;
  uint32_t flags;
  uint64_t deadline;
  const uint8_t *key;
  size_t klen;
  uint8_t *buf;
  size_t cap;
};

/* Looks into the database, unless the batch hides it; NULL with RB_NOT_FOUND or an error if there
 * is no value. Asked to read the cache only, RocksDB gives an empty value for what it would have to
 * read: that is no answer. */
static rocksdb_pinnableslice_t *rb_below(const struct rb_overlay_read *g, const uint8_t **data,
                                         size_t *len, rb_status *status) {
  *data = NULL;
  *len = 0;
  if (rb_overlay_covered(g->o, g->f->id, g->key, g->klen, g->o->stamp)) {
    status->code = RB_NOT_FOUND;
    return NULL;
  }
  rocksdb_pinnableslice_t *pin =
      rb_lookup(g->f, g->o->base, g->flags, g->deadline, g->key, g->klen, status);
  if (pin == NULL) {
    return NULL;
  }
  *data = (const uint8_t *)rocksdb_pinnableslice_value(pin, len);
  if (*len == 0 && (g->flags & RB_READ_CACHE_ONLY) != 0) {
    rocksdb_pinnableslice_destroy(pin);
    *status = rb_status_make(RB_INCOMPLETE, NULL);
    return NULL;
  }
  return pin;
}

/* The value of a key that the batch merges into. */
static void rb_get_merged(const struct rb_overlay_read *g, const struct rb_layer *l, rb_found *r) {
  static const uint8_t empty[1] = {0};
  rocksdb_pinnableslice_t *pin = NULL;
  const uint8_t *base = NULL;
  size_t len = 0;
  if (l->kind == RB_LAYER_PUT) {
    base = l->put->value;
    len = l->put->vlen;
  } else if (l->kind == RB_LAYER_NONE) {
    pin = rb_below(g, &base, &len, &r->status);
    if (r->status.code == RB_NOT_FOUND) {
      r->status.code = RB_OK;
    } else if (pin == NULL) {
      return;
    }
    base = pin != NULL && base == NULL ? empty : base;
  }
  char *made;
  size_t made_len;
  r->status = rb_overlay_merge(g->o, g->f, l, g->o->stamp, base, len, &made, &made_len);
  rb_unpin(pin);
  if (made == NULL) {
    return;
  }
  rb_found_put(r, (const uint8_t *)made, made_len, g->buf, g->cap);
  if (r->data == NULL) {
    rb_free(made);
  } else {
    r->owned = made;
  }
}

static void rb_get_below(const struct rb_overlay_read *g, rb_found *r) {
  const uint8_t *data;
  size_t len;
  rocksdb_pinnableslice_t *pin = rb_below(g, &data, &len, &r->status);
  if (pin == NULL) {
    return;
  }
  rb_found_put(r, data, len, g->buf, g->cap);
  if (r->data == NULL) {
    rocksdb_pinnableslice_destroy(pin);
  } else {
    r->pin = pin;
  }
}

rb_found rb_overlay_get(rb_overlay *o, uint64_t keep, const uint8_t *records, size_t records_len,
                        rb_family *f, uint32_t flags, uint64_t deadline, const uint8_t *key,
                        size_t klen, uint8_t *buf, size_t cap) {
  rb_found r = {0, NULL, NULL, NULL, 0, {RB_OK, NULL}};
  r.status = rb_overlay_replay(o, keep, records, records_len);
  if (r.status.code != RB_OK) {
    return r;
  }
  r.replayed = 1;
  struct rb_entry *e = rb_overlay_key(o, f->id, key, klen);
  struct rb_layer l = rb_overlay_layer(e, o->stamp);
  struct rb_overlay_read g = {o, f, flags, deadline, key, klen, buf, cap};
  if (l.merge != NULL) {
    rb_get_merged(&g, &l, &r);
  } else if (l.kind == RB_LAYER_PUT) {
    rb_found_put(&r, l.put->value, l.put->vlen, buf, cap);
  } else if (l.kind == RB_LAYER_DELETED) {
    r.status.code = RB_NOT_FOUND;
  } else {
    rb_get_below(&g, &r);
  }
  return r;
}

rb_found rb_overlay_has(rb_overlay *o, uint64_t keep, const uint8_t *records, size_t records_len,
                        rb_family *f, uint32_t flags, uint64_t deadline, const uint8_t *key,
                        size_t klen) {
  rb_found r = {0, NULL, NULL, NULL, 0, {RB_OK, NULL}};
  r.status = rb_overlay_replay(o, keep, records, records_len);
  if (r.status.code != RB_OK) {
    return r;
  }
  r.replayed = 1;
  struct rb_layer l = rb_overlay_layer(rb_overlay_key(o, f->id, key, klen), o->stamp);
  if (l.merge != NULL || l.kind == RB_LAYER_PUT) {
    return r;
  }
  if (l.kind == RB_LAYER_DELETED) {
    r.status.code = RB_NOT_FOUND;
    return r;
  }
  struct rb_overlay_read g = {o, f, flags, deadline, key, klen, NULL, 0};
  const uint8_t *data;
  size_t len;
  rb_unpin(rb_below(&g, &data, &len, &r.status));
  return r;
}
