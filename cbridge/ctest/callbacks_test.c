/* callbacks_test.c: operators that Go is asked for, with C in Go's place. */
/* link: -Wl,--wrap=pthread_create,--wrap=malloc,--wrap=calloc,--wrap=strdup */
#include "fixture.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "callbacks.h"

static bool no_threads, no_malloc, no_calloc, no_strdup;
static unsigned threads_fail; /* so many of the next ones */

int __real_pthread_create(pthread_t *t, const pthread_attr_t *a, void *(*f)(void *), void *arg);
int __wrap_pthread_create(pthread_t *t, const pthread_attr_t *a, void *(*f)(void *), void *arg);
int __wrap_pthread_create(pthread_t *t, const pthread_attr_t *a, void *(*f)(void *), void *arg) {
  if (threads_fail > 0) {
    threads_fail--;
    return 11;
  }
  return no_threads ? 11 : __real_pthread_create(t, a, f, arg);
}

void *__real_malloc(size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_malloc(size_t n) { return no_malloc ? NULL : __real_malloc(n); }

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size) { return no_calloc ? NULL : __real_calloc(n, size); }

char *__real_strdup(const char *s);
char *__wrap_strdup(const char *s);
char *__wrap_strdup(const char *s) { return no_strdup ? NULL : __real_strdup(s); }

/* What was called last, and how often what. */
static struct {
  pthread_t thread;
  unsigned counts[RB_CALLBACK_PREFIX + 1];
} told;

static void called(rb_callback *call) {
  assert_int_equal(call->handle, 7);
  told.thread = pthread_self();
  told.counts[call->kind]++;
  if (call->kind == RB_CALLBACK_MERGE) {
    assert_int_equal(rb_callback_reserve(call, 3), 1);
    memcpy(call->out, "xyz", 3);
    call->out_len = 3;
  }
  call->answer = RB_ANSWER_OK;
}

/* The callee's life ends with its last holder, whoever that is, and Go is told once. */
static void test_release_is_told_once(void **state) {
  (void)state;
  memset(&told, 0, sizeof told);
  rb_callee *c = rb_callee_new(called, 7, "a name");
  assert_string_equal(rb_callee_name(c), "a name");
  rocksdb_options_t *o = rocksdb_options_create();
  rb_operators ops = {.called_merge = c, .called_filter = c, .called_prefix = c};
  fx_ok(rb_options_set_operators(o, ops));
  rb_callee_free(c);
  assert_int_equal(told.counts[RB_CALLBACK_RELEASE], 0);
  rocksdb_options_destroy(o);
  assert_int_equal(told.counts[RB_CALLBACK_RELEASE], 1);
  rb_callee_free(NULL);
}

/* A thread with a signal stack, as all of Go's have, does not call by itself; others do. */
static void *call_on_thread(void *arg) {
  rb_callback call = {.kind = RB_CALLBACK_MERGE};
  stack_t s;
  assert_int_equal(sigaltstack(NULL, &s), 0);
  bool own = (s.ss_flags & SS_DISABLE) != 0;
  for (int i = 0; i < 100; i++) {
    rb_callee_call(arg, &call);
    assert_int_equal(call.answer, RB_ANSWER_OK);
    assert_memory_equal(call.out, "xyz", call.out_len);
    assert_int_equal(pthread_equal(told.thread, pthread_self()) != 0, own);
  }
  free(call.out);
  return NULL;
}

static void *call_with_stack(void *arg) {
  stack_t s = {.ss_sp = malloc(65536), .ss_size = 65536}, none = {.ss_flags = SS_DISABLE}, old;
  assert_non_null(s.ss_sp);
  assert_int_equal(sigaltstack(&s, &old), 0);
  call_on_thread(arg);
  assert_int_equal(sigaltstack((old.ss_flags & SS_DISABLE) != 0 ? &none : &old, NULL), 0);
  free(s.ss_sp);
  return NULL;
}

static void test_only_threads_of_c_call(void **state) {
  (void)state;
  memset(&told, 0, sizeof told);
  rb_callee *c = rb_callee_new(called, 7, "n");
  void *(*ways[])(void *) = {call_on_thread, call_with_stack};
  for (size_t i = 0; i < 2; i++) {
    pthread_t t;
    assert_int_equal(pthread_create(&t, NULL, ways[i], c), 0);
    assert_int_equal(pthread_join(t, NULL), 0);
  }
  assert_int_equal(told.counts[RB_CALLBACK_MERGE], 200);
  rb_callee_free(c);
  assert_int_equal(told.counts[RB_CALLBACK_RELEASE], 1);
}

/* Where no thread can be had, the call fails, and the next one that can have one does not. */
static void *call_without_threads(void *arg) {
  stack_t s = {.ss_sp = malloc(65536), .ss_size = 65536}, none = {.ss_flags = SS_DISABLE}, old;
  assert_non_null(s.ss_sp);
  assert_int_equal(sigaltstack(&s, &old), 0);
  rb_callback call = {.kind = RB_CALLBACK_MERGE};
  for (int i = 0; i < 2; i++) {
    no_threads = i == 0;
    no_calloc = i == 1;
    call.answer = RB_ANSWER_OK; /* an old one is none */
    rb_callee_call(arg, &call);
    no_threads = no_calloc = false;
    assert_int_equal(call.answer, RB_ANSWER_FAILED);
  }
  rb_callee_call(arg, &call);
  assert_int_equal(call.answer, RB_ANSWER_OK);
  free(call.out);
  assert_int_equal(sigaltstack((old.ss_flags & SS_DISABLE) != 0 ? &none : &old, NULL), 0);
  free(s.ss_sp);
  return NULL;
}

static void test_no_thread_is_a_failure(void **state) {
  (void)state;
  rb_callee *c = rb_callee_new(called, 7, "n");
  pthread_t t;
  assert_int_equal(pthread_create(&t, NULL, call_without_threads, c), 0);
  assert_int_equal(pthread_join(t, NULL), 0);
  rb_callee_free(c);
}

/* A prefix has no failure: a key that is left out of a filter would never be found again. */
static void *prefix_without_threads(void *arg) {
  stack_t s = {.ss_sp = malloc(65536), .ss_size = 65536}, none = {.ss_flags = SS_DISABLE}, old;
  assert_non_null(s.ss_sp);
  assert_int_equal(sigaltstack(&s, &old), 0);
  rb_callback call = {.kind = RB_CALLBACK_PREFIX};
  threads_fail = 2;
  rb_callee_call(arg, &call);
  assert_int_equal(threads_fail, 0);
  assert_int_equal(call.answer, RB_ANSWER_OK);
  assert_int_equal(sigaltstack((old.ss_flags & SS_DISABLE) != 0 ? &none : &old, NULL), 0);
  free(s.ss_sp);
  return NULL;
}

static void test_a_prefix_waits_for_a_thread(void **state) {
  (void)state;
  memset(&told, 0, sizeof told);
  rb_callee *c = rb_callee_new(called, 7, "n");
  pthread_t t;
  assert_int_equal(pthread_create(&t, NULL, prefix_without_threads, c), 0);
  assert_int_equal(pthread_join(t, NULL), 0);
  assert_int_equal(told.counts[RB_CALLBACK_PREFIX], 1);
  rb_callee_free(c);
}

static void test_a_callee_without_memory_is_none(void **state) {
  (void)state;
  memset(&told, 0, sizeof told);
  no_calloc = true;
  assert_null(rb_callee_new(called, 7, "n"));
  no_calloc = false;
  no_strdup = true;
  assert_null(rb_callee_new(called, 7, "n"));
  no_strdup = false;
  assert_int_equal(told.counts[RB_CALLBACK_RELEASE], 0);
}

/* Room is as much as was asked for, to the byte, and none where memory is short. */
static void test_room_is_exact(void **state) {
  (void)state;
  rb_callback call = {.out = NULL};
  for (size_t n = 1; n < 40; n++) {
    assert_int_equal(rb_callback_reserve(&call, n), 1);
    memset(call.out, 0x5A, n);
    assert_true(call.out_cap >= n);
  }
  no_malloc = true;
  uint8_t reserved = rb_callback_reserve(&call, 1000);
  no_malloc = false;
  assert_int_equal(reserved, 0);
  assert_null(call.out);
  assert_int_equal(call.out_cap, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_release_is_told_once),
      cmocka_unit_test(test_only_threads_of_c_call),
      cmocka_unit_test(test_no_thread_is_a_failure),
      cmocka_unit_test(test_a_prefix_waits_for_a_thread),
      cmocka_unit_test(test_a_callee_without_memory_is_none),
      cmocka_unit_test(test_room_is_exact),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
