/* calledmerge.c: merge operators that Go is asked for. */
#include <stdlib.h>

#include "callbacks.h"
#include "merge.h"

enum { RB_MERGE_ROOM = 64, RB_MERGE_ROOM_MOST = 1 << 20 };

/* Room for the result as Go is likely to need it: as much as all that it is made of. */
static void rb_called_room(rb_callback *call) {
  size_t room = call->value_len + RB_MERGE_ROOM;
  for (size_t i = 0; i < call->count && room < RB_MERGE_ROOM_MOST; i++) {
    room += call->lens[i];
  }
  rb_callback_reserve(call, room < RB_MERGE_ROOM_MOST ? room : RB_MERGE_ROOM_MOST);
}

/* Asks Go; what comes back belongs to the caller. */
static char *rb_called_answer(rb_callee *c, rb_callback *call, unsigned char *success,
                              size_t *len) {
  rb_called_room(call);
  rb_callee_call(c, call);
  if (call->answer == RB_ANSWER_FAILED) {
    free(call->out);
    *success = 0;
    *len = 0;
    return rb_nothing;
  }
  *success = 1;
  *len = call->out_len;
  return call->out != NULL ? (char *)call->out : rb_nothing;
}

static char *rb_called_full(void *state, const char *key, size_t klen, const char *base,
                            size_t base_len, const char *const *data, const size_t *lens, int count,
                            unsigned char *success, size_t *len) {
  rb_callback call = {.kind = RB_CALLBACK_MERGE,
                      .key = (const uint8_t *)key,
                      .key_len = klen,
                      .value = (const uint8_t *)base,
                      .value_len = base != NULL ? base_len : 0,
                      .operands = data,
                      .lens = lens,
                      .count = count > 0 ? (size_t)count : 0};
  return rb_called_answer(state, &call, success, len);
}

static char *rb_called_partial(void *state, const char *key, size_t klen, const char *const *data,
                               const size_t *lens, int count, unsigned char *success, size_t *len) {
  rb_callback call = {.kind = RB_CALLBACK_PARTIAL,
                      .key = (const uint8_t *)key,
                      .key_len = klen,
                      .operands = data,
                      .lens = lens,
                      .count = count > 0 ? (size_t)count : 0};
  return rb_called_answer(state, &call, success, len);
}

static const char *rb_called_name(void *state) { return rb_callee_name(state); }

static void rb_called_free(void *state) { rb_callee_free(state); }

rb_status rb_options_set_called_merge(rocksdb_options_t *options, rb_callee *c) {
  rocksdb_mergeoperator_t *op =
      rocksdb_mergeoperator_create(rb_callee_hold(c), rb_called_free, rb_called_full,
                                   rb_called_partial, rb_merge_delete, rb_called_name);
  if (op == NULL) {
    rb_callee_free(c);
    return rb_status_make(RB_NO_MEMORY, NULL);
  }
  rocksdb_options_set_merge_operator(options, op); /* the options own it from here */
  return rb_ok();
}
