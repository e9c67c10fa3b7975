/* overlay_multi.c: reads of many keys in a batch and, below it, in the database, in one call. */
#include <stdlib.h>
#include <string.h>

#include "multiget.h"
#include "overlay.h"

/* One read of many keys as it goes on. */
struct rb_many {
  rb_overlay *o;
  rb_family *const *families;
  rb_read how;
  rb_rest *all;
  rb_rest *below;          /* the keys that the batch leaves open; its which: their index in all */
  struct rb_layer *layers; /* by the distinct key of all */
};

/* What the batch says of distinct key i, seen from its present end. */
static struct rb_layer rb_many_layer(const struct rb_many *m, size_t i) {
  const rb_rest *r = m->all;
  uint32_t family = m->families[r->families[i]]->id;
  const uint8_t *key = (const uint8_t *)r->keys[i];
  struct rb_layer l = rb_overlay_layer(rb_overlay_key(m->o, family, key, r->lens[i]), m->o->stamp);
  if (l.kind == RB_LAYER_NONE && rb_overlay_covered(m->o, family, key, r->lens[i], m->o->stamp)) {
    l.kind = RB_LAYER_DELETED;
  }
  return l;
}

/* Asks the batch about every key: lends its values, and notes which keys it leaves open. */
static void rb_many_ask(struct rb_many *m) {
  rb_rest *r = m->all, *below = m->below;
  for (size_t i = 0; i < r->distinct; i++) {
    struct rb_layer l = rb_many_layer(m, i);
    m->layers[i] = l;
    if (l.kind == RB_LAYER_PUT) {
      r->laid[i].data = (const char *)l.put->value;
      r->laid[i].len = l.put->vlen;
    } else if (l.kind == RB_LAYER_NONE) {
      size_t n = below->distinct++;
      below->keys[n] = r->keys[i];
      below->lens[n] = r->lens[i];
      below->families[n] = r->families[i];
      below->which[n] = (uint32_t)i;
    }
  }
}

/* Asked to read the cache only, RocksDB gives an empty value for what it would have to read: that
 * is no answer. False when memory is short. */
static bool rb_many_doubt(rb_rest *r, size_t i) {
  size_t len = 0;
  if (r->pins[i] != NULL) {
    rocksdb_pinnableslice_value(r->pins[i], &len);
  }
  if (r->pins[i] == NULL || len > 0) {
    return true;
  }
  rb_unpin(r->pins[i]);
  r->pins[i] = NULL;
  r->errs[i] = strdup("Result incomplete: ");
  return r->errs[i] != NULL;
}

/* Looks up what the batch leaves open. False when memory is short. */
static bool rb_many_look_up(struct rb_many *m) {
  rb_rest *r = m->all, *below = m->below;
  if (below->distinct == 0) {
    return true;
  }
  if (!rb_look_up_all(below, m->families, m->how)) {
    return false;
  }
  for (size_t n = 0; n < below->distinct; n++) {
    size_t i = below->which[n];
    r->pins[i] = below->pins[n];
    r->errs[i] = below->errs[n];
    below->pins[n] = NULL;
    below->errs[n] = NULL;
    if ((m->how.flags & RB_READ_CACHE_ONLY) != 0 && !rb_many_doubt(r, i)) {
      return false;
    }
  }
  return true;
}

/* Merges the operands of distinct key i onto what is known of it; a failure becomes the key's
 * error. False when memory is short. */
static bool rb_many_merge(struct rb_many *m, size_t i) {
  rb_rest *r = m->all;
  const char *base = r->laid[i].data;
  size_t len = r->laid[i].len;
  if (r->pins[i] != NULL) {
    base = rocksdb_pinnableslice_value(r->pins[i], &len);
    base = base == NULL ? "" : base; /* it is there, and empty */
  }
  char *made;
  size_t made_len;
  rb_status s = rb_overlay_merge(m->o, m->families[r->families[i]], &m->layers[i], m->o->stamp,
                                 (const uint8_t *)base, len, &made, &made_len);
  rb_unpin(r->pins[i]);
  r->pins[i] = NULL;
  struct rb_laid l = {made, made_len, made};
  r->laid[i] = l;
  r->errs[i] = s.msg;
  return made != NULL || s.msg != NULL;
}

/* Finds out about all keys. False when memory is short. */
static bool rb_many_read(struct rb_many *m) {
  rb_rest *r = m->all;
  r->laid = calloc(r->distinct, sizeof *r->laid);
  m->layers = calloc(r->distinct, sizeof *m->layers);
  m->below = rb_rest_new(r->distinct);
  if (r->laid == NULL || m->layers == NULL || m->below == NULL) {
    return false;
  }
  rb_many_ask(m);
  bool ok = rb_many_look_up(m);
  for (size_t i = 0; ok && i < r->distinct; i++) {
    if (m->layers[i].merge != NULL && r->errs[i] == NULL) {
      ok = rb_many_merge(m, i);
    }
  }
  return ok;
}

rb_multi rb_overlay_multi_get(rb_overlay *o, uint64_t keep, const uint8_t *records,
                              size_t records_len, rb_family *const *families, rb_read how,
                              const rb_key *keys, size_t n, const uint8_t *bytes, uint8_t *buf,
                              size_t cap, rb_answer *found) {
  rb_multi a = {0, 0, NULL, 0, {RB_OK, NULL}};
  a.status = rb_overlay_replay(o, keep, records, records_len);
  if (a.status.code != RB_OK) {
    return a;
  }
  a.replayed = 1;
  how.snap = o->base;
  struct rb_many m = {o, families, how, rb_rest_new(n), NULL, NULL};
  if (m.all == NULL) {
    a.status.code = RB_NO_MEMORY;
    return a;
  }
  rb_rest_order(m.all, keys, n, bytes);
  bool ok = rb_many_read(&m);
  rb_rest_free(m.below);
  free(m.layers);
  if (ok) {
    rb_deliver(m.all, n, buf, cap, found, &a);
  } else {
    rb_rest_free(m.all);
    a.status.code = RB_NO_MEMORY;
  }
  return a;
}
