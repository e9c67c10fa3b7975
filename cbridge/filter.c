/* filter.c: compaction filters, made for each compaction by a factory that the options own. */
#include <stdlib.h>
#include <time.h>

#include "callbacks.h"
#include "handles.h"
#include "merge.h"

enum { RB_TTL_HEADER = 8 };

/* A filter with its parameters, which it owns. Never changed once made. */
struct rb_filter {
  uint32_t kind; /* RB_FILTER_ */
  char *name;
  uint8_t *prefixes;
  size_t prefixes_len;
};

/* A filter in one compaction, which judges by the time at which that began. */
struct rb_filter_run {
  const struct rb_filter *filter;
  uint64_t now; /* seconds since 1970 */
};

static bool rb_ttl_expired(struct rb_bytes value, uint64_t now) {
  if (value.len < RB_TTL_HEADER) {
    return false;
  }
  uint64_t at = 0;
  for (int i = RB_TTL_HEADER - 1; i >= 0; i--) {
    at = at << 8 | value.data[i];
  }
  return at != 0 && at <= now;
}

static bool rb_has_prefix_of(struct rb_bytes key, const struct rb_filter *f) {
  struct rb_bytes rest = {f->prefixes, f->prefixes_len}, prefix;
  while (rb_entry_next(&rest, &prefix)) {
    if (prefix.len <= key.len && memcmp(prefix.data, key.data, prefix.len) == 0) {
      return true;
    }
  }
  return false;
}

/* RocksDB asks for the newest version of a key only, and never for a merge operand. */
static unsigned char rb_filter_removes(void *state, int level, const char *key, size_t klen,
                                       const char *value, size_t vlen, char **new_value,
                                       size_t *new_len, unsigned char *changed) {
  (void)level;
  const struct rb_filter_run *run = state;
  struct rb_bytes k = {(const uint8_t *)key, klen}, v = {(const uint8_t *)value, vlen};
  *new_value = NULL;
  *new_len = 0;
  *changed = 0;
  return run->filter->kind == RB_FILTER_TTL ? rb_ttl_expired(v, run->now)
                                            : rb_has_prefix_of(k, run->filter);
}

static const char *rb_filter_run_name(void *state) {
  return ((const struct rb_filter_run *)state)->filter->name;
}

/* NULL, when memory is short, makes RocksDB compact without a filter: nothing is removed. */
static rocksdb_compactionfilter_t *rb_filter_begin(void *state,
                                                   rocksdb_compactionfiltercontext_t *context) {
  (void)context;
  struct rb_filter_run *run = malloc(sizeof *run);
  if (run == NULL) {
    return NULL;
  }
  time_t now = time(NULL);
  run->filter = state;
  run->now = now > 0 ? (uint64_t)now : 0;
  return rocksdb_compactionfilter_create(run, free, rb_filter_removes, rb_filter_run_name);
}

static const char *rb_filter_name(void *state) { return ((const struct rb_filter *)state)->name; }

static void rb_filter_free(void *state) {
  struct rb_filter *f = state;
  if (f != NULL) {
    free(f->name);
    free(f->prefixes);
    free(f);
  }
}

static struct rb_filter *rb_filter_new(rb_operators o) {
  struct rb_filter *f = calloc(1, sizeof *f);
  if (f == NULL) {
    return NULL;
  }
  f->kind = o.filter_kind;
  f->prefixes_len = o.prefixes_len;
  f->name = strdup(o.filter_name);
  f->prefixes = malloc(o.prefixes_len > 0 ? o.prefixes_len : 1);
  if (f->name == NULL || f->prefixes == NULL) {
    rb_filter_free(f);
    return NULL;
  }
  if (o.prefixes_len > 0) {
    memcpy(f->prefixes, o.prefixes, o.prefixes_len);
  }
  return f;
}

rb_status rb_options_set_filter(rocksdb_options_t *options, rb_operators o) {
  if (o.called_filter != NULL) {
    return rb_options_set_called_filter(options, o.called_filter);
  }
  if (o.filter_kind == RB_FILTER_NONE) {
    return rb_ok();
  }
  struct rb_filter *f = rb_filter_new(o);
  rocksdb_compactionfilterfactory_t *factory =
      f == NULL ? NULL
                : rocksdb_compactionfilterfactory_create(f, rb_filter_free, rb_filter_begin,
                                                         rb_filter_name);
  if (factory == NULL) {
    rb_filter_free(f);
    return rb_status_make(RB_NO_MEMORY, NULL);
  }
  rocksdb_options_set_compaction_filter_factory(options, factory); /* which own it from here */
  return rb_ok();
}
