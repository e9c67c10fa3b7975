/* calledprefix.c: prefix extractors that Go is asked for. */
#include "callbacks.h"

/* How many bytes of a key are its prefix; false: the key has none. */
static bool rb_called_length(rb_callee *c, const char *key, size_t klen, size_t *len) {
  rb_callback call = {.kind = RB_CALLBACK_PREFIX, .key = (const uint8_t *)key, .key_len = klen};
  rb_callee_call(c, &call);
  *len = call.out_len;
  return call.answer == RB_ANSWER_OK && call.out_len <= klen;
}

/* The result points into the key: RocksDB never frees it. */
static char *rb_called_transform(void *state, const char *key, size_t klen, size_t *len) {
  if (!rb_called_length(state, key, klen, len)) {
    *len = klen;
  }
  return (char *)key;
}

static unsigned char rb_called_in_domain(void *state, const char *key, size_t klen) {
  size_t len;
  return rb_called_length(state, key, klen, &len);
}

/* RocksDB asks no more; 11.0 has taken it away. */
static unsigned char rb_called_in_range(void *state, const char *key, size_t klen) {
  (void)state, (void)key, (void)klen;
  return 0;
}

static const char *rb_called_prefix_name(void *state) { return rb_callee_name(state); }

static void rb_called_prefix_free(void *state) { rb_callee_free(state); }

typedef char *rb_transform_fn(void *, const char *, size_t, size_t *);
typedef unsigned char rb_domain_fn(void *, const char *, size_t);
typedef const char *rb_prefix_name_fn(void *);

typedef rocksdb_slicetransform_t *rb_transform_old(void *, void (*)(void *), rb_transform_fn *,
                                                   rb_domain_fn *, rb_domain_fn *,
                                                   rb_prefix_name_fn *); /* until 10.x */
typedef rocksdb_slicetransform_t *rb_transform_new(void *, void (*)(void *), rb_transform_fn *,
                                                   rb_domain_fn *,
                                                   rb_prefix_name_fn *); /* from 11.0 on */
typedef union {
  void (*any)(void);
  rb_transform_old *with_range;
  rb_transform_new *without;
} rb_transform;

static inline rocksdb_slicetransform_t *rb_transform_make_old(rb_transform t, rb_callee *c) {
  return t.with_range(c, rb_called_prefix_free, rb_called_transform, rb_called_in_domain,
                      rb_called_in_range, rb_called_prefix_name);
}

static inline rocksdb_slicetransform_t *rb_transform_make_new(rb_transform t, rb_callee *c) {
  return t.without(c, rb_called_prefix_free, rb_called_transform, rb_called_in_domain,
                   rb_called_prefix_name);
}

rb_status rb_options_set_called_prefix(rocksdb_options_t *options, rb_callee *c) {
  rb_transform t = {.any = (void (*)(void))rocksdb_slicetransform_create};
  rocksdb_slicetransform_t *made = _Generic(&rocksdb_slicetransform_create,
      rb_transform_old *: rb_transform_make_old,
      rb_transform_new *: rb_transform_make_new)(t, rb_callee_hold(c));
  if (made == NULL) {
    rb_callee_free(c);
    return rb_status_make(RB_NO_MEMORY, NULL);
  }
  rocksdb_options_set_prefix_extractor(options, made); /* the options own it from here */
  return rb_ok();
}
