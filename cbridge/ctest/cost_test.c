/* cost_test.c: the same rows by each way to read them. Under callgrind it tells what each way
 * costs, for the size of blocks that ROCKBRIDGE_BLOCK_SIZE names: see docs/benchmarks/scans.md. */
#include "fixture.h"

enum { ROWS = 20000, GETS = 10000, BLOCK = 4096 };

static uint8_t buf[128 << 10];

static int with_blocks(void **state) {
  fx_new_empty(state);
  struct fixture *f = *state;
  struct setup s = fx_defaults();
  const char *size = getenv("ROCKBRIDGE_BLOCK_SIZE");
  s.family.block_size = size == NULL ? BLOCK : (uint64_t)strtoull(size, NULL, 10);
  fx_open(f, s);
  char value[101];
  memset(value, 'v', sizeof value - 1);
  value[sizeof value - 1] = 0;
  for (int i = 0; i < ROWS; i++) {
    char key[32];
    snprintf(key, sizeof key, "row:%012d", i);
    fx_put(f->family, key, value);
  }
  fx_flush(f);
  return 0;
}

/* Reads all blocks into the cache, one call a row. */
static uint64_t by_steps(rb_iter *it) {
  uint64_t rows = 0;
  for (rb_row r = rb_iter_step(it, RB_MOVE_FIRST, 1, NULL, 0); r.valid;
       r = rb_iter_step(it, RB_MOVE_ON, 1, NULL, 0)) {
    rows++;
  }
  return rows;
}

static uint64_t by_fills(rb_iter *it) {
  uint64_t rows = 0;
  for (uint32_t move = RB_MOVE_FIRST;; move = RB_MOVE_ON) {
    rb_fill r = rb_iter_fill(it, move, NULL, 0, buf, sizeof buf, UINT32_MAX);
    fx_ok(r.status);
    rows += r.rows;
    if (r.end) {
      return rows;
    }
  }
}

static void all_ways_see_the_same_rows(void **state) {
  struct fixture *f = *state;
  rb_iter_options o = {0};
  rb_iter_result r = rb_iter_new(f->family, NULL, o, NULL, 0, NULL, 0);
  fx_ok(r.status);
  f->it = r.iter;
  assert_int_equal(by_steps(f->it), ROWS);
  assert_int_equal(by_fills(f->it), ROWS);
  assert_int_equal(rb_iter_count(f->it, RB_MOVE_FIRST, UINT64_MAX).rows, ROWS);
  for (uint32_t i = 0, at = 1; i < GETS; i++) {
    at = at * 1103515245U + 12345;
    char key[32];
    snprintf(key, sizeof key, "row:%012u", (at >> 8) % ROWS);
    rb_value v = rb_get(f->family, NULL, 0, 0, BYTES(key), buf, sizeof buf);
    fx_ok(v.status);
    assert_int_equal(v.len, 100);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(all_ways_see_the_same_rows, with_blocks, fx_free),
  };
  return cmocka_run_group_tests_name("cost", tests, NULL, NULL);
}
