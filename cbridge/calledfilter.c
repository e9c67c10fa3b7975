/* calledfilter.c: compaction filters that Go is asked for, one for each compaction. */
#include <stdlib.h>

#include "callbacks.h"

/* A filter in one compaction. Its value of the last row lives until the next: RocksDB copies it
 * after the row's callback has returned, and never frees it. */
struct rb_called_run {
  rb_callee *callee; /* held by itself */
  uintptr_t made;    /* what Go knows it by */
  uint8_t *out;
  size_t out_cap;
};

static unsigned char rb_called_removes(void *state, int level, const char *key, size_t klen,
                                       const char *value, size_t vlen, char **new_value,
                                       size_t *new_len, unsigned char *changed) {
  struct rb_called_run *run = state;
  rb_callback call = {.kind = RB_CALLBACK_FILTER,
                      .made = run->made,
                      .level = level,
                      .key = (const uint8_t *)key,
                      .key_len = klen,
                      .value = (const uint8_t *)value,
                      .value_len = vlen,
                      .out = run->out,
                      .out_cap = run->out_cap};
  rb_callee_call(run->callee, &call);
  run->out = call.out;
  run->out_cap = call.out_cap;
  *changed = call.answer == RB_ANSWER_REPLACE;
  *new_value = *changed ? (char *)call.out : NULL;
  *new_len = *changed ? call.out_len : 0;
  return call.answer == RB_ANSWER_REMOVE;
}

static void rb_called_run_free(void *state) {
  struct rb_called_run *run = state;
  rb_callback call = {.kind = RB_CALLBACK_FILTER_END, .made = run->made};
  rb_callee_call(run->callee, &call);
  rb_callee_free(run->callee);
  free(run->out);
  free(run);
}

static const char *rb_called_run_name(void *state) {
  return rb_callee_name(((const struct rb_called_run *)state)->callee);
}

/* NULL makes RocksDB compact without a filter: nothing is removed. */
static rocksdb_compactionfilter_t *rb_called_begin(void *state,
                                                   rocksdb_compactionfiltercontext_t *context) {
  struct rb_called_run *run = calloc(1, sizeof *run);
  if (run == NULL) {
    return NULL;
  }
  rb_callback call = {.kind = RB_CALLBACK_FILTER_BEGIN,
                      .full = rocksdb_compactionfiltercontext_is_full_compaction(context) != 0,
                      .manual = rocksdb_compactionfiltercontext_is_manual_compaction(context) != 0};
  rb_callee_call(state, &call);
  run->out = malloc(1); /* never NULL with a value, which may be empty */
  run->out_cap = run->out != NULL;
  if (call.answer == RB_ANSWER_FAILED) {
    free(run->out);
    free(run);
    return NULL;
  }
  run->callee = rb_callee_hold(state);
  run->made = call.made;
  rocksdb_compactionfilter_t *f = rocksdb_compactionfilter_create(
      run, rb_called_run_free, rb_called_removes, rb_called_run_name);
  if (f == NULL) {
    rb_called_run_free(run);
  }
  return f;
}

static const char *rb_called_factory_name(void *state) { return rb_callee_name(state); }

static void rb_called_factory_free(void *state) { rb_callee_free(state); }

rb_status rb_options_set_called_filter(rocksdb_options_t *options, rb_callee *c) {
  rocksdb_compactionfilterfactory_t *factory = rocksdb_compactionfilterfactory_create(
      rb_callee_hold(c), rb_called_factory_free, rb_called_begin, rb_called_factory_name);
  if (factory == NULL) {
    rb_callee_free(c);
    return rb_status_make(RB_NO_MEMORY, NULL);
  }
  rocksdb_options_set_compaction_filter_factory(options, factory); /* which own it from here */
  return rb_ok();
}
