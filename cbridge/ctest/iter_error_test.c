/* iter_error_test.c: iterators over damaged or absent blocks. An error must never look like the end
 * of the data. */
#include "fixture.h"

enum { ROWS = 500, DAMAGED = 250 };

static uint8_t buf[1 << 16];

/* One file of 500 rows in small blocks, with damage in the value of row 250. */
static int with_damage(void **state) {
  fx_new_empty(state);
  struct fixture *f = *state;
  struct setup s = fx_defaults();
  s.family.block_size = 256;
  fx_open(f, s);
  for (int i = 0; i < ROWS; i++) {
    char key[16], value[32];
    snprintf(key, sizeof key, "key%04d", i);
    snprintf(value, sizeof value, "value of row %04d", i);
    fx_put(f->family, key, value);
  }
  fx_flush(f);
  fx_close(f);
  fx_damage(f, "value of row 0250", 16);
  fx_open(f, fx_defaults());
  return 0;
}

static void iterate(struct fixture *f, uint32_t flags) {
  rb_iter_options o = {0};
  o.flags = flags;
  rb_iter_free(f->it);
  f->it = NULL;
  rb_iter_result r = rb_iter_new(f->family, NULL, o, NULL, 0, NULL, 0);
  fx_ok(r.status);
  f->it = r.iter;
}

/* The number in the key of row i of a filled buffer of cap bytes. */
static int number(size_t cap, uint32_t i) {
  uint32_t at;
  memcpy(&at, buf + cap - 4 * ((size_t)i + 1), 4);
  char digits[5] = {0};
  memcpy(digits, buf + at + 8 + 3, 4);
  return atoi(digits);
}

/* Fills buffers of cap bytes from move on until one ends, expecting row after row from first on in
 * steps of step. Returns how many there were and leaves the error in *status. */
static int scan(rb_iter *it, uint32_t move, size_t cap, int first, int step, rb_status *status) {
  int rows = 0;
  for (;; move = RB_MOVE_ON) {
    rb_fill r = rb_iter_fill(it, move, NULL, 0, buf, cap, UINT32_MAX);
    for (uint32_t i = 0; i < r.rows; i++, rows++) {
      assert_int_equal(number(cap, i), first + step * rows);
    }
    if (r.end) {
      *status = r.status;
      return rows;
    }
    fx_ok(r.status);
    assert_int_equal(r.need, 0);
    assert_true(r.rows > 0);
  }
}

static const size_t caps[] = {36, 40, 500, 1000, sizeof buf};

static void rows_before_the_damage_come_before_the_error(void **state) {
  struct fixture *f = *state;
  int counts[2] = {0, 0};
  for (size_t i = 0; i < sizeof caps / sizeof caps[0]; i++) {
    for (int back = 0; back < 2; back++) {
      rb_status s;
      iterate(f, 0);
      int n = scan(f->it, back ? RB_MOVE_LAST : RB_MOVE_FIRST, caps[i], back ? ROWS - 1 : 0,
                   back ? -1 : 1, &s);
      fx_error(s, RB_CORRUPTION, "checksum");
      /* All rows but those of the damaged block, whatever the buffer. */
      assert_in_range(n, DAMAGED - 20, DAMAGED);
      assert_true(counts[back] == 0 || counts[back] == n);
      counts[back] = n;
    }
  }
  assert_in_range(ROWS - counts[0] - counts[1], 1, 20);
}

static void only_an_absolute_move_leaves_an_error(void **state) {
  struct fixture *f = *state;
  static const uint32_t relative[] = {RB_MOVE_ON, RB_MOVE_TURN_BACK, RB_MOVE_TURN_FORWARD};
  iterate(f, 0);
  rb_status s;
  int n = scan(f->it, RB_MOVE_FIRST, sizeof buf, 0, 1, &s);
  fx_error(s, RB_CORRUPTION, NULL);
  for (size_t i = 0; i < 6; i++) {
    rb_fill r = rb_iter_fill(f->it, relative[i % 3], NULL, 0, buf, sizeof buf, 10);
    assert_int_equal(r.rows, 0);
    assert_int_equal(r.end, 1);
    fx_error(r.status, RB_CORRUPTION, "checksum");
  }
  assert_int_equal(scan(f->it, RB_MOVE_FIRST, sizeof buf, 0, 1, &s), n);
  fx_error(s, RB_CORRUPTION, NULL);
  rb_fill r = rb_iter_fill(f->it, RB_MOVE_LAST, NULL, 0, buf, sizeof buf, 1);
  fx_ok(r.status);
  assert_int_equal(number(sizeof buf, 0), ROWS - 1);
}

static void a_seek_into_the_damage_is_an_error_at_once(void **state) {
  struct fixture *f = *state;
  for (uint32_t move = RB_MOVE_GE; move <= RB_MOVE_LT; move++) {
    iterate(f, 0);
    rb_fill r = rb_iter_fill(f->it, move, BYTES("key0250"), buf, sizeof buf, 1);
    assert_int_equal(r.rows, 0);
    assert_int_equal(r.end, 1);
    fx_error(r.status, RB_CORRUPTION, "checksum");
    iterate(f, 0);
    rb_row row = rb_iter_step(f->it, move, 0, BYTES("key0250"));
    assert_int_equal(row.valid, 0);
    assert_null(row.key);
    fx_error(row.status, RB_CORRUPTION, "checksum");
    row = rb_iter_step(f->it, RB_MOVE_ON, 1, NULL, 0);
    assert_int_equal(row.valid, 0);
    fx_error(row.status, RB_CORRUPTION, "checksum");
  }
}

static void a_count_tells_damage_from_the_end(void **state) {
  struct fixture *f = *state;
  iterate(f, 0);
  rb_count c = rb_iter_count(f->it, RB_MOVE_FIRST, UINT64_MAX);
  assert_in_range(c.rows, DAMAGED - 20, DAMAGED);
  assert_int_equal(c.key_bytes, 7 * c.rows);
  assert_int_equal(c.value_bytes, 17 * c.rows);
  assert_int_equal(c.end, 1);
  fx_error(c.status, RB_CORRUPTION, "checksum");
}

static void no_verify_reads_through_the_damage(void **state) {
  struct fixture *f = *state;
  iterate(f, RB_READ_NO_VERIFY | RB_READ_NO_FILL);
  rb_count c = rb_iter_count(f->it, RB_MOVE_FIRST, UINT64_MAX);
  fx_ok(c.status);
  assert_int_equal(c.rows, ROWS);
  /* Nothing of it went into the block cache. */
  iterate(f, RB_READ_CACHE_ONLY);
  c = rb_iter_count(f->it, RB_MOVE_FIRST, UINT64_MAX);
  assert_int_equal(c.rows, 0);
  fx_error(c.status, RB_INCOMPLETE, NULL);
}

static void cache_only_delivers_what_is_there_and_says_what_is_not(void **state) {
  struct fixture *f = *state;
  iterate(f, 0);
  fx_ok(rb_iter_count(f->it, RB_MOVE_FIRST, 100).status);
  iterate(f, RB_READ_CACHE_ONLY);
  rb_status s;
  int n = scan(f->it, RB_MOVE_FIRST, sizeof buf, 0, 1, &s);
  fx_error(s, RB_INCOMPLETE, NULL);
  assert_in_range(n, 100, 120);
}

static void bounds_short_of_the_damage_meet_no_error(void **state) {
  struct fixture *f = *state;
  rb_status s;
  iterate(f, 0);
  assert_true(scan(f->it, RB_MOVE_FIRST, sizeof buf, 0, 1, &s) > 0);
  fx_error(s, RB_CORRUPTION, NULL);
  fx_ok(rb_iter_set_bounds(f->it, 1, BYTES("key0010"), 1, BYTES("key0200")));
  rb_fill r = rb_iter_fill(f->it, RB_MOVE_ON, NULL, 0, buf, sizeof buf, 1);
  assert_int_equal(r.rows, 0);
  fx_ok(r.status); /* it stands nowhere: the error is of a place that it left */
  assert_int_equal(scan(f->it, RB_MOVE_FIRST, 1000, 10, 1, &s), 190);
  fx_ok(s);
  assert_int_equal(scan(f->it, RB_MOVE_LAST, 1000, 199, -1, &s), 190);
  fx_ok(s);
}

static void an_edge_in_the_damage_is_no_end_of_the_range(void **state) {
  struct fixture *f = *state;
  rb_iter_options o = {.has_lower = 1};
  for (uint8_t last = 0; last < 2; last++) {
    rb_edge e =
        last ? rb_edge_get(f->family, NULL, (rb_iter_options){.has_upper = 1}, NULL, 0,
                           BYTES("key0251"), last, buf, sizeof buf)
             : rb_edge_get(f->family, NULL, o, BYTES("key0250"), NULL, 0, last, buf, sizeof buf);
    assert_int_equal(e.found, 0);
    fx_error(e.status, RB_CORRUPTION, NULL);
  }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, with_damage, fx_free)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(rows_before_the_damage_come_before_the_error),
      CASE(only_an_absolute_move_leaves_an_error),
      CASE(a_seek_into_the_damage_is_an_error_at_once),
      CASE(a_count_tells_damage_from_the_end),
      CASE(no_verify_reads_through_the_damage),
      CASE(cache_only_delivers_what_is_there_and_says_what_is_not),
      CASE(bounds_short_of_the_damage_meet_no_error),
      CASE(an_edge_in_the_damage_is_no_end_of_the_range),
  };
  return cmocka_run_group_tests_name("iter_error", tests, NULL, NULL);
}
