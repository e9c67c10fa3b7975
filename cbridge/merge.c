/* merge.c: merge operators as RocksDB calls them, and their life. */
#include "merge.h"

#include <stdlib.h>

#include "callbacks.h"
#include "handles.h"

char rb_nothing[1];

struct rb_merged rb_merged_copy(struct rb_bytes b) {
  struct rb_merged r = {malloc(b.len > 0 ? b.len : 1), b.len};
  if (r.data == NULL) {
    return rb_not_merged();
  }
  if (b.len > 0) {
    memcpy(r.data, b.data, b.len);
  }
  return r;
}

static struct rb_merged rb_merge_fold(const struct rb_merge *m, struct rb_bytes base,
                                      const struct rb_operands *ops, bool strict) {
  switch (m->kind) {
    case RB_MERGE_INT64_ADD:
    case RB_MERGE_INT64_MAX:
    case RB_MERGE_INT64_MIN:
      return rb_merge_int64(m, base, ops, strict);
    case RB_MERGE_APPEND:
      return rb_merge_append(m, base, ops, strict);
    case RB_MERGE_LIST:
      return rb_merge_list(m, base, ops, strict);
    case RB_MERGE_SET:
      return rb_merge_set(m, base, ops, strict);
    default:
      return rb_not_merged();
  }
}

/* Folds onto base; where it is NULL the first operand is the value to begin with. */
static char *rb_merge_answer(const struct rb_merge *m, const struct rb_bytes *base,
                             struct rb_operands ops, bool strict, unsigned char *success,
                             size_t *len) {
  struct rb_merged r = rb_not_merged();
  if (base != NULL) {
    r = rb_merge_fold(m, *base, &ops, strict);
  } else if (ops.count > 0) {
    struct rb_bytes first = rb_operand(&ops, 0);
    struct rb_operands rest = {ops.data + 1, ops.len + 1, ops.count - 1};
    r = rb_merge_fold(m, first, &rest, strict);
  }
  *success = r.data != NULL;
  *len = r.len;
  return r.data != NULL ? (char *)r.data : rb_nothing;
}

static char *rb_full_merge(void *state, const char *key, size_t klen, const char *base,
                           size_t base_len, const char *const *data, const size_t *lens, int count,
                           unsigned char *success, size_t *len) {
  (void)key, (void)klen;
  struct rb_operands ops = {data, lens, count > 0 ? (size_t)count : 0};
  struct rb_bytes value = {(const uint8_t *)base, base_len};
  return rb_merge_answer(state, base != NULL ? &value : NULL, ops, false, success, len);
}

static char *rb_partial_merge(void *state, const char *key, size_t klen, const char *const *data,
                              const size_t *lens, int count, unsigned char *success, size_t *len) {
  (void)key, (void)klen;
  struct rb_operands ops = {data, lens, count > 0 ? (size_t)count : 0};
  return rb_merge_answer(state, NULL, ops, true, success, len);
}

void rb_merge_delete(void *state, const char *value, size_t len) {
  (void)state, (void)len;
  if (value != rb_nothing) {
    free((char *)value);
  }
}

static const char *rb_merge_name(void *state) { return ((const struct rb_merge *)state)->name; }

static void rb_merge_free(void *state) {
  struct rb_merge *m = state;
  if (m != NULL) {
    free(m->name);
    free(m->delimiter);
    free(m);
  }
}

static struct rb_merge *rb_merge_new(rb_operators o) {
  struct rb_merge *m = calloc(1, sizeof *m);
  if (m == NULL) {
    return NULL;
  }
  m->kind = o.merge_kind;
  m->max_entries = o.max_entries;
  m->max_len = RB_MAX_VALUE;
  m->delimiter_len = o.delimiter_len;
  m->name = strdup(o.merge_name);
  m->delimiter = malloc(o.delimiter_len > 0 ? o.delimiter_len : 1);
  if (m->name == NULL || m->delimiter == NULL) {
    rb_merge_free(m);
    return NULL;
  }
  if (o.delimiter_len > 0) {
    memcpy(m->delimiter, o.delimiter, o.delimiter_len);
  }
  return m;
}

rb_status rb_options_set_operators(rocksdb_options_t *options, rb_operators o) {
  if (o.merge_kind > RB_MERGE_SET || o.filter_kind > RB_FILTER_PREFIXES ||
      (o.merge_kind == RB_MERGE_LIST && o.max_entries == 0)) {
    return rb_status_make(RB_INVALID_ARGUMENT, "no such operator");
  }
  if (o.called_prefix != NULL) {
    rb_status s = rb_options_set_called_prefix(options, o.called_prefix);
    if (s.code != RB_OK) {
      return s;
    }
  }
  if (o.called_merge != NULL) {
    rb_status s = rb_options_set_called_merge(options, o.called_merge);
    if (s.code != RB_OK) {
      return s;
    }
  } else if (o.merge_kind == RB_MERGE_UINT64_ADD) {
    rocksdb_options_set_uint64add_merge_operator(options);
  } else if (o.merge_kind != RB_MERGE_NONE) {
    struct rb_merge *m = rb_merge_new(o);
    rocksdb_mergeoperator_t *op =
        m == NULL ? NULL
                  : rocksdb_mergeoperator_create(m, rb_merge_free, rb_full_merge, rb_partial_merge,
                                                 rb_merge_delete, rb_merge_name);
    if (op == NULL) {
      rb_merge_free(m);
      return rb_status_make(RB_NO_MEMORY, NULL);
    }
    rocksdb_options_set_merge_operator(options, op); /* the options own it from here */
  }
  return rb_options_set_filter(options, o);
}
