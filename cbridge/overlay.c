/* overlay.c: the memory and the skip list of an overlay. */
#include "overlay.h"

#include <stdlib.h>
#include <string.h>

/* Memory is taken in chunks that grow with the batch and are freed together. */
enum { RB_CHUNK_FIRST = 4 << 10, RB_CHUNK_LARGEST = 1 << 20, RB_CHUNK_ALIGN = 16 };

struct rb_chunk {
  struct rb_chunk *next;
  size_t cap;
  size_t used;
  _Alignas(RB_CHUNK_ALIGN) uint8_t bytes[];
};

static struct rb_chunk *rb_chunk_new(const struct rb_chunk *last, size_t n) {
  size_t cap = last == NULL ? RB_CHUNK_FIRST : last->cap * 2;
  if (cap > RB_CHUNK_LARGEST) {
    cap = RB_CHUNK_LARGEST;
  }
  if (cap < n) {
    cap = n;
  }
  struct rb_chunk *c = malloc(sizeof *c + cap);
  if (c != NULL) {
    c->cap = cap;
    c->used = 0;
  }
  return c;
}

void *rb_overlay_alloc(rb_overlay *o, size_t n) {
  n = (n + RB_CHUNK_ALIGN - 1) / RB_CHUNK_ALIGN * RB_CHUNK_ALIGN;
  struct rb_chunk *c = o->chunks;
  if (c == NULL || n > c->cap - c->used) {
    struct rb_chunk *made = rb_chunk_new(c, n);
    if (made == NULL) {
      return NULL;
    }
    made->next = c;
    o->chunks = made;
    c = made;
  }
  void *p = c->bytes + c->used;
  c->used += n;
  return p;
}

rb_overlay *rb_overlay_new(void) {
  rb_overlay *o = calloc(1, sizeof *o);
  if (o == NULL) {
    return NULL;
  }
  o->options = rocksdb_options_create();
  if (o->options == NULL) {
    free(o);
    return NULL;
  }
  atomic_init(&o->holders, 1);
  atomic_init(&o->ranges, NULL);
  for (int i = 0; i < RB_OVERLAY_HEIGHT; i++) {
    atomic_init(&o->head[i], NULL);
  }
  o->stamp = 1;
  o->random = 0x9E3779B97F4A7C15U;
  return o;
}

void rb_overlay_base(rb_overlay *o, rb_snapshot *snap) {
  atomic_fetch_add(&snap->holders, 1);
  o->base = snap;
}

void rb_overlay_hold(rb_overlay *o) { atomic_fetch_add(&o->holders, 1); }

void rb_overlay_free(rb_overlay *o) {
  if (o == NULL || atomic_fetch_sub(&o->holders, 1) > 1) {
    return;
  }
  rb_snapshot_free(o->base);
  rocksdb_options_destroy(o->options);
  while (o->chunks != NULL) {
    struct rb_chunk *c = o->chunks;
    o->chunks = c->next;
    free(c);
  }
  free(o);
}

/* Where e lies to (family, key, stamp): negative before it. */
static int rb_entry_compare(const struct rb_entry *e, uint64_t family, const uint8_t *key,
                            size_t klen, uint64_t stamp) {
  if (e->family != family) {
    return e->family < family ? -1 : 1;
  }
  int c = rb_compare(e->key, e->klen, key, klen);
  return c != 0 ? c : (e->stamp < stamp) - (e->stamp > stamp);
}

/* Goes down the list to (family, key, stamp): the first entry at or after it is returned, the last
 * one before it, NULL for none, is put into *before, and, if links is not NULL, the link that leads
 * past it on every level into links. */
static struct rb_entry *rb_overlay_find(rb_overlay *o, uint64_t family, const uint8_t *key,
                                        size_t klen, uint64_t stamp, struct rb_entry **before,
                                        _Atomic(struct rb_entry *) **links) {
  struct rb_entry *at = NULL;
  struct rb_entry *e = NULL;
  for (int level = RB_OVERLAY_HEIGHT - 1; level >= 0; level--) {
    _Atomic(struct rb_entry *) *link = at == NULL ? &o->head[level] : &at->next[level];
    for (;;) {
      e = atomic_load_explicit(link, memory_order_acquire);
      if (e == NULL || rb_entry_compare(e, family, key, klen, stamp) >= 0) {
        break;
      }
      at = e;
      link = &at->next[level];
    }
    if (links != NULL) {
      links[level] = link;
    }
  }
  *before = at;
  return e;
}

struct rb_entry *rb_overlay_from(rb_overlay *o, uint64_t family, const uint8_t *key, size_t klen,
                                 uint64_t stamp) {
  struct rb_entry *before;
  return rb_overlay_find(o, family, key, klen, stamp, &before, NULL);
}

struct rb_entry *rb_overlay_before(rb_overlay *o, uint64_t family, const uint8_t *key, size_t klen,
                                   uint64_t stamp) {
  struct rb_entry *before;
  rb_overlay_find(o, family, key, klen, stamp, &before, NULL);
  return before;
}

struct rb_entry *rb_overlay_key(rb_overlay *o, uint32_t family, const uint8_t *key, size_t klen) {
  struct rb_entry *e = rb_overlay_from(o, family, key, klen, RB_NEWEST);
  if (e == NULL || e->family != family || rb_compare(e->key, e->klen, key, klen) != 0) {
    return NULL;
  }
  return e;
}

static bool rb_entry_same_key(const struct rb_entry *a, const struct rb_entry *b) {
  return a->family == b->family && a->klen == b->klen &&
         (a->klen == 0 || memcmp(a->key, b->key, a->klen) == 0);
}

struct rb_entry *rb_overlay_next_key(rb_overlay *o, struct rb_entry *e) {
  enum { RB_STEPS = 4 }; /* a key that was written more often is passed by a search */
  struct rb_entry *n = e;
  for (int i = 0; i < RB_STEPS; i++) {
    n = rb_entry_next(n);
    if (n == NULL || !rb_entry_same_key(n, e)) {
      return n;
    }
  }
  return rb_overlay_from(o, e->family, e->key, e->klen, RB_OLDEST);
}

/* A height of n with a chance of one in 4^(n-1). */
static uint8_t rb_overlay_height(rb_overlay *o) {
  o->random ^= o->random << 13;
  o->random ^= o->random >> 7;
  o->random ^= o->random << 17;
  uint8_t h = 1;
  for (uint64_t r = o->random; h < RB_OVERLAY_HEIGHT && (r & 3) == 0; r >>= 2) {
    h++;
  }
  return h;
}

/* Copies e into the overlay's memory with room for so many links; it is in no list yet. */
static struct rb_entry *rb_entry_copy(rb_overlay *o, const struct rb_entry *e, uint8_t height) {
  struct rb_entry *made = rb_overlay_alloc(o, sizeof *e + height * sizeof e->next[0]);
  if (made == NULL) {
    return NULL;
  }
  made->stamp = o->stamp;
  atomic_init(&made->dead, UINT64_MAX);
  made->at = e->at;
  made->key = e->key;
  made->value = e->value;
  made->klen = e->klen;
  made->vlen = e->vlen;
  made->family = e->family;
  made->kind = e->kind;
  made->height = height;
  made->older = o->newest;
  o->newest = made;
  return made;
}

bool rb_overlay_add(rb_overlay *o, const struct rb_entry *e) {
  _Atomic(struct rb_entry *) *links[RB_OVERLAY_HEIGHT];
  struct rb_entry *before;
  struct rb_entry *made = rb_entry_copy(o, e, rb_overlay_height(o));
  if (made == NULL) {
    return false;
  }
  rb_overlay_find(o, made->family, made->key, made->klen, made->stamp, &before, links);
  for (int i = 0; i < made->height; i++) {
    struct rb_entry *after = atomic_load_explicit(links[i], memory_order_relaxed);
    atomic_init(&made->next[i], after);
    atomic_store_explicit(links[i], made, memory_order_release);
  }
  return true;
}

bool rb_overlay_add_range(rb_overlay *o, const struct rb_entry *e) {
  struct rb_entry *k = rb_overlay_from(o, e->family, e->key, e->klen, RB_NEWEST);
  while (k != NULL && k->family == e->family &&
         rb_compare(k->key, k->klen, e->value, e->vlen) < 0) {
    struct rb_layer l = rb_overlay_layer(k, o->stamp);
    if (l.kind == RB_LAYER_PUT || l.merge != NULL) {
      struct rb_entry gone = {.at = e->at, .key = k->key, .klen = k->klen, .family = k->family};
      gone.kind = RB_DELETE;
      if (!rb_overlay_add(o, &gone)) {
        return false;
      }
    }
    k = rb_overlay_next_key(o, k);
  }
  struct rb_entry *made = rb_entry_copy(o, e, 1);
  if (made == NULL) {
    return false;
  }
  atomic_init(&made->next[0], atomic_load_explicit(&o->ranges, memory_order_relaxed));
  atomic_store_explicit(&o->ranges, made, memory_order_release);
  return true;
}

struct rb_layer rb_overlay_layer(struct rb_entry *first, uint64_t limit) {
  struct rb_layer l = {RB_LAYER_NONE, NULL, NULL, 0};
  for (struct rb_entry *e = first; e != NULL && rb_entry_same_key(e, first); e = rb_entry_next(e)) {
    if (!rb_entry_visible(e, limit)) {
      continue;
    }
    if (e->kind != RB_MERGE) {
      l.kind = e->kind == RB_PUT ? RB_LAYER_PUT : RB_LAYER_DELETED;
      l.put = e->kind == RB_PUT ? e : NULL;
      break;
    }
    l.merge = l.merge == NULL ? e : l.merge;
    l.merges++;
  }
  return l;
}

bool rb_overlay_covered(rb_overlay *o, uint32_t family, const uint8_t *key, size_t klen,
                        uint64_t limit) {
  struct rb_entry *e = atomic_load_explicit(&o->ranges, memory_order_acquire);
  for (; e != NULL; e = rb_entry_next(e)) {
    if (e->family == family && rb_entry_visible(e, limit) &&
        rb_compare(e->key, e->klen, key, klen) <= 0 &&
        rb_compare(key, klen, e->value, e->vlen) < 0) {
      return true;
    }
  }
  return false;
}
