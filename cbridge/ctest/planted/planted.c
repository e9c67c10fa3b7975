/* planted.c: faults that the sanitizers and valgrind must report, each in a cmocka test that passes
 * without them. scripts/check-c compiles it with -DRB_PLANTED=FAULT and fails unless the test does.
 */
#include "fixture.h"

#include <limits.h>

#include "crc32c.h"

#ifndef RB_PLANTED
#define RB_PLANTED none
#endif

/* Known to no compiler. */
static volatile size_t sixteen = 16;

static uint8_t *room(void) {
  uint8_t *p = malloc(sixteen);
  assert_non_null(p);
  memset(p, 1, sixteen);
  return p;
}

static void none(void **state) {
  (void)state;
  uint8_t *p = room();
  assert_int_not_equal(rb_crc32c_table(0, p, sixteen), 0);
  free(p);
}

/* It is the glue that reads one byte too many: its objects are watched, not only those of the
 * tests. */
static void overflow(void **state) {
  (void)state;
  uint8_t *p = room();
  assert_int_not_equal(rb_crc32c_table(0, p, sixteen + 1), 0);
  free(p);
}

static void after_free(void **state) {
  (void)state;
  uint8_t *volatile p = room();
  free(p);
  /* cppcheck-suppress deallocuse */
  p[sixteen - 1] = 2;
}

static void leak(void **state) {
  (void)state;
  uint8_t *volatile p = room();
  assert_non_null(p);
  p = NULL;
  /* cppcheck-suppress memleak */
}

/* Only UndefinedBehaviorSanitizer looks for it. */
static void undefined(void **state) {
  (void)state;
  volatile int most = INT_MAX;
  most = most + 1;
}

int main(void) {
  (void)none, (void)overflow, (void)after_free, (void)leak, (void)undefined;
  const struct CMUnitTest tests[] = {cmocka_unit_test(RB_PLANTED)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
