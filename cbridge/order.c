/* order.c: orders of keys other than the bytewise one: reversed, or as Go says. */
#include "order.h"

#include <pthread.h>
#include <stdlib.h>

#include "callbacks.h"

enum { RB_PAIRS_MOST = 1024, RB_ASKED_AGAIN = 3 };

/* Two keys that Go could not compare, a before b. */
struct rb_pair {
  struct rb_pair *next;
  size_t alen;
  size_t blen;
  uint8_t bytes[];
};

struct rb_order {
  struct rb_order *next; /* of a database's */
  rb_callee *callee;     /* NULL: the bytewise order, reversed */
  rocksdb_comparator_t *comparator;
  atomic_bool failed;    /* outside of a read */
  pthread_mutex_t mutex; /* of what follows */
  struct rb_pair *pairs; /* once failed; answered so again, or RocksDB might meet an assertion */
  size_t pair_count;
};

static _Thread_local bool rb_reading;
static _Thread_local bool rb_read_failed;

static _Thread_local struct rb_pair *rb_read_pairs; /* of the read, once it failed */
static _Thread_local size_t rb_read_pair_count;

static bool rb_pair_is(const struct rb_pair *p, const uint8_t *a, size_t alen, const uint8_t *b,
                       size_t blen) {
  return p->alen == alen && p->blen == blen && rb_compare(p->bytes, alen, a, alen) == 0 &&
         rb_compare(p->bytes + alen, blen, b, blen) == 0;
}

static bool rb_pairs_have(const struct rb_pair *p, const uint8_t *a, size_t alen, const uint8_t *b,
                          size_t blen) {
  while (p != NULL && !rb_pair_is(p, a, alen, b, blen)) {
    p = p->next;
  }
  return p != NULL;
}

/* Adds a pair, unless there are too many, or memory is short. */
static void rb_pairs_add(struct rb_pair **all, size_t *count, const uint8_t *a, size_t alen,
                         const uint8_t *b, size_t blen) {
  struct rb_pair *p = *count < RB_PAIRS_MOST ? malloc(sizeof *p + alen + blen) : NULL;
  if (p == NULL) {
    return;
  }
  p->alen = alen;
  p->blen = blen;
  if (alen > 0) {
    memcpy(p->bytes, a, alen);
  }
  if (blen > 0) {
    memcpy(p->bytes + alen, b, blen);
  }
  p->next = *all;
  *all = p;
  ++*count;
}

static void rb_pairs_free(struct rb_pair *p) {
  while (p != NULL) {
    struct rb_pair *next = p->next;
    free(p);
    p = next;
  }
}

/* Whether Go could not compare the two before. */
static bool rb_pair_known(struct rb_order *o, const uint8_t *a, size_t alen, const uint8_t *b,
                          size_t blen) {
  pthread_mutex_lock(&o->mutex);
  bool known = rb_pairs_have(o->pairs, a, alen, b, blen);
  pthread_mutex_unlock(&o->mutex);
  return known;
}

static void rb_pair_add(struct rb_order *o, const uint8_t *a, size_t alen, const uint8_t *b,
                        size_t blen) {
  pthread_mutex_lock(&o->mutex);
  rb_pairs_add(&o->pairs, &o->pair_count, a, alen, b, blen);
  pthread_mutex_unlock(&o->mutex);
}

/* Whether Go has an answer. */
static bool rb_order_ask(struct rb_order *o, const uint8_t *a, size_t alen, const uint8_t *b,
                         size_t blen, int *answer) {
  rb_callback call = {
      .kind = RB_CALLBACK_COMPARE, .key = a, .key_len = alen, .value = b, .value_len = blen};
  rb_callee_call(o->callee, &call);
  *answer = call.level;
  return call.answer == RB_ANSWER_OK;
}

/* Asks Go again, though what comes of the answer is thrown away: one that fits the others keeps
 * RocksDB from assertions, and from a wait without end that it gets into once files do not fit
 * their level (7.8.3). */
static bool rb_order_ask_again(struct rb_order *o, const uint8_t *a, size_t alen, const uint8_t *b,
                               size_t blen, int *answer) {
  for (int i = 0; i < RB_ASKED_AGAIN; i++) {
    if (rb_order_ask(o, a, alen, b, blen, answer)) {
      return true;
    }
  }
  return false;
}

/* The order has failed in a read, which fails. A pair is in one order throughout it, whichever of
 * the two comes first, or RocksDB would meet assertions where it looks both ways (7.8.3). */
static int rb_order_fail_read(struct rb_order *o, const uint8_t *a, size_t alen, const uint8_t *b,
                              size_t blen) {
  int answer;
  rb_read_failed = true;
  if (rb_order_ask_again(o, a, alen, b, blen, &answer)) {
    return answer;
  }
  if (rb_pairs_have(rb_read_pairs, b, blen, a, alen)) {
    return 1;
  }
  if (!rb_pairs_have(rb_read_pairs, a, alen, b, blen)) {
    rb_pairs_add(&rb_read_pairs, &rb_read_pair_count, a, alen, b, blen);
  }
  return -1;
}

/* The order has failed outside of a read: Go is told before RocksDB has an answer to build on. */
static bool rb_order_fail(struct rb_order *o, const uint8_t *a, size_t alen, const uint8_t *b,
                          size_t blen, int *answer) {
  atomic_store(&o->failed, true);
  rb_callback told = {.kind = RB_CALLBACK_ORDER_FAILED};
  rb_callee_call(o->callee, &told);
  if (rb_order_ask_again(o, a, alen, b, blen, answer)) {
    return true;
  }
  rb_pair_add(o, a, alen, b, blen);
  return false;
}

int rb_order_compare(struct rb_order *o, const uint8_t *a, size_t alen, const uint8_t *b,
                     size_t blen) {
  if (o->callee == NULL) {
    return rb_compare(b, blen, a, alen);
  }
  if (alen == blen && rb_compare(a, alen, b, blen) == 0) {
    return 0;
  }
  if (atomic_load(&o->failed) && rb_pair_known(o, a, alen, b, blen)) {
    return -1;
  }
  int answer;
  if (rb_order_ask(o, a, alen, b, blen, &answer)) {
    return answer;
  }
  if (rb_reading) {
    return rb_order_fail_read(o, a, alen, b, blen);
  }
  return rb_order_fail(o, a, alen, b, blen, &answer) ? answer : -1;
}

bool rb_order_calls(const struct rb_order *o) { return o != NULL && o->callee != NULL; }

void rb_order_reads(void) {
  rb_read_failed = rb_reading && rb_read_failed; /* a read within a read is a part of it */
  rb_reading = true;
}

rb_status rb_order_was_read(const struct rb_order *o) {
  bool failed = rb_read_failed;
  rb_pairs_free(rb_read_pairs);
  rb_read_pairs = NULL;
  rb_read_pair_count = 0;
  rb_reading = false;
  rb_read_failed = false;
  return failed ? rb_status_make(RB_ABORTED, "the comparator failed") : rb_order_sound(o);
}

rb_status rb_order_sound(const struct rb_order *o) {
  if (o != NULL && atomic_load(&o->failed)) {
    return rb_status_make(RB_ABORTED,
                          "the comparator failed: close the database and open it again");
  }
  return rb_ok();
}

static int rb_order_called(void *state, const char *a, size_t alen, const char *b, size_t blen) {
  return rb_order_compare(state, (const uint8_t *)a, alen, (const uint8_t *)b, blen);
}

static const char *rb_order_name(void *state) {
  return rb_callee_name(((const struct rb_order *)state)->callee);
}

/* The order's own memory goes with rb_order_free. */
static void rb_order_ended(void *state) { (void)state; }

static struct rb_order *rb_order_new(rb_callee *c) {
  struct rb_order *o = calloc(1, sizeof *o);
  if (o == NULL) {
    return NULL;
  }
  atomic_init(&o->failed, false);
  pthread_mutex_init(&o->mutex, NULL);
  o->callee = c != NULL ? rb_callee_hold(c) : NULL;
  if (c != NULL) {
    o->comparator = rocksdb_comparator_create(o, rb_order_ended, rb_order_called, rb_order_name);
  }
  return o;
}

/* Puts in the place of options what make makes of them, or leaves them on error. */
static rb_status rb_options_replace(rocksdb_options_t **options,
                                    rb_status (*make)(const rocksdb_options_t *,
                                                      rocksdb_options_t **)) {
  rocksdb_options_t *made;
  rb_status s = make(*options, &made);
  if (s.code == RB_OK) {
    rocksdb_options_destroy(*options);
    *options = made;
  }
  return s;
}

rb_status rb_options_set_order(rocksdb_options_t **options, rb_operators o,
                               struct rb_order **order) {
  if (o.called_order == NULL && !o.reversed) {
    *order = NULL; /* with timestamps or without: RocksDB hands keys out without them */
    return o.stamped ? rb_options_replace(options, rb_options_stamped) : rb_ok();
  }
  struct rb_order *made = rb_order_new(o.called_order);
  if (made == NULL || (o.called_order != NULL && made->comparator == NULL)) {
    rb_order_free(made);
    return rb_status_make(RB_NO_MEMORY, NULL);
  }
  if (o.called_order != NULL) {
    rocksdb_options_set_comparator(*options, made->comparator);
  } else {
    rb_status s = rb_options_replace(options, rb_options_reversed);
    if (s.code != RB_OK) {
      rb_order_free(made);
      return s;
    }
  }
  *order = made;
  return rb_ok();
}

void rb_order_free(struct rb_order *o) {
  if (o == NULL) {
    return;
  }
  if (o->comparator != NULL) {
    rocksdb_comparator_destroy(o->comparator);
  }
  rb_callee_free(o->callee);
  rb_pairs_free(o->pairs);
  pthread_mutex_destroy(&o->mutex);
  free(o);
}

void rb_orders_add(rb_orders *all, struct rb_order *o) {
  if (o != NULL) {
    o->next = atomic_load(all);
    atomic_store(all, o);
  }
}

rb_status rb_orders_sound(rb_orders *all) {
  rb_status s = rb_ok();
  for (const struct rb_order *o = atomic_load(all); o != NULL && s.code == RB_OK; o = o->next) {
    s = rb_order_sound(o);
  }
  return s;
}

void rb_orders_free(rb_orders *all) {
  struct rb_order *o = atomic_load(all);
  atomic_store(all, NULL);
  for (struct rb_order *next; o != NULL; o = next) {
    next = o->next;
    rb_order_free(o);
  }
}
