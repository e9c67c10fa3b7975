/* ordered_test.c: databases whose keys Go orders, with C in Go's place: what becomes of reads and
 * writes when it fails. */
#include "fixture.h"

#include <stdatomic.h>

#include "callbacks.h"

/* Comparisons of a key that begins so fail, as they do in a comparator that panics at some keys:
 * each time, since RocksDB with assertions compares twice and ends the process over two answers.
 */
static atomic_int bad;
static atomic_bool sick;   /* all fail */
static atomic_bool once;   /* the next one fails */
static atomic_uint failed; /* comparisons */
static atomic_uint told;   /* how often Go was told of a failure */

static bool is_bad(const uint8_t *key, size_t klen) { return klen > 0 && key[0] == bad; }

/* The bytewise order, reversed. */
static void go(rb_callback *call) {
  if (call->kind == RB_CALLBACK_ORDER_FAILED) {
    told++;
  }
  if (call->kind != RB_CALLBACK_COMPARE) {
    return;
  }
  if (atomic_exchange(&once, false) || sick || is_bad(call->key, call->key_len) ||
      is_bad(call->value, call->value_len)) {
    failed++;
    return;
  }
  call->level = rb_compare(call->value, call->value_len, call->key, call->key_len);
  call->answer = RB_ANSWER_OK;
}

/* Opens f->dir with keys that go orders. What the log has stays in the memtable then. */
static rb_opened try_open(struct fixture *f, const char *name) {
  rb_callee *c = rb_callee_new(go, 7, name);
  assert_non_null(c);
  struct setup s = fx_defaults();
  s.family.operators.called_order = c;
  s.db_extra = "avoid_flush_during_recovery=true";
  rb_opened o = fx_try_open(f->dir, s);
  rb_callee_free(c);
  return o;
}

static void take(struct fixture *f, rb_opened o) {
  fx_ok(o.status);
  f->db = o.db;
  rb_family_result r = rb_family_find(f->db, "default");
  fx_ok(r.status);
  assert_int_equal(r.calls, 1);
  f->family = r.family;
}

enum { ROWS = 5 };

/* The rows a to e: some in a file, some in the memtable. */
static int with_rows(void **state) {
  fx_new_empty(state);
  struct fixture *f = *state;
  bad = 0;
  failed = told = 0;
  sick = false;
  take(f, try_open(f, "ours"));
  for (int i = 0; i < ROWS; i++) {
    fx_put(f->family, (char[]){(char)('a' + i), '\0'}, "value");
    if (i == 2) {
      fx_flush(f);
    }
  }
  return 0;
}

static void iterate(struct fixture *f) {
  rb_iter_free(f->it);
  rb_iter_result r = rb_iter_new(f->family, NULL, (rb_iter_options){0}, NULL, 0, NULL, 0);
  fx_ok(r.status);
  f->it = r.iter;
}

static void rows_are_in_its_order(void **state) {
  struct fixture *f = *state;
  uint8_t buf[256];
  iterate(f);
  rb_fill r = rb_iter_fill(f->it, RB_MOVE_FIRST, NULL, 0, buf, sizeof buf, 99);
  fx_ok(r.status);
  assert_int_equal(r.rows, ROWS);
  for (int i = 0; i < ROWS; i++) {
    assert_int_equal(buf[(size_t)i * (8 + 1 + 5) + 8], 'a' + ROWS - 1 - i);
  }
  rb_edge e = rb_edge_get(f->family, NULL, (rb_iter_options){0}, NULL, 0, NULL, 0, 0, buf, 9);
  fx_ok(e.status);
  assert_int_equal(e.found, 1);
  assert_int_equal(buf[0], 'e');
  fx_expect(f->family, NULL, "b", "value");
}

static void it_is_known_by_its_name(void **state) {
  struct fixture *f = *state;
  fx_close(f);
  rb_opened o = try_open(f, "another");
  assert_null(o.db);
  fx_error(o.status, RB_INVALID_ARGUMENT, "ours");
  o = fx_try_open(f->dir, fx_defaults());
  assert_null(o.db);
  fx_error(o.status, RB_INVALID_ARGUMENT, "ours");
  take(f, try_open(f, "ours"));
  fx_expect(f->family, NULL, "b", "value");
}

/* A read, tried once: what it answers. It finds what is there if that is RB_OK. */
typedef rb_status (*attempt)(struct fixture *f);

static rb_status get(struct fixture *f) {
  uint8_t buf[8];
  rb_value v = rb_get(f->family, NULL, 0, 0, BYTES("b"), buf, sizeof buf);
  assert_true(v.status.code != RB_OK || memcmp(buf, "value", 5) == 0);
  return v.status;
}

static rb_status get_pinned(struct fixture *f) {
  rb_value v = rb_get(f->family, NULL, 0, 0, BYTES("d"), NULL, 0);
  assert_int_equal(v.pin != NULL, v.status.code == RB_OK);
  rb_unpin(v.pin);
  return v.status;
}

static rb_status has(struct fixture *f) { return rb_has(f->family, NULL, 0, 0, BYTES("a")); }

/* A key that could not be looked up is told; the other one has its value. */
static rb_status multi_get(struct fixture *f) {
  rb_key keys[] = {{0, 1}, {0, 1}};
  rb_answer found[2];
  uint8_t buf[256];
  rb_multi m = rb_multi_get(&f->family, (rb_read){0}, keys, 2, U8("be"), buf, sizeof buf, found);
  fx_ok(m.status);
  assert_null(m.rest);
  bool one = false;
  for (int i = 0; i < 2; i++) {
    const char *want = found[i].code == RB_OK ? "value" : "Operation aborted: the comparator";
    assert_true(found[i].code == RB_OK || (found[i].code == RB_ABORTED && bad != 0));
    one = one || found[i].code != RB_OK;
    assert_true(found[i].len >= strlen(want));
    assert_memory_equal(buf + found[i].at, want, strlen(want));
  }
  return one ? rb_status_make(RB_ABORTED, "the comparator failed") : rb_ok();
}

/* After a failure the iterator stands nowhere. */
static rb_status fill(struct fixture *f) {
  uint8_t buf[256];
  rb_fill r = rb_iter_fill(f->it, RB_MOVE_GE, BYTES("d"), buf, sizeof buf, 99);
  if (r.status.code == RB_OK) {
    assert_int_equal(r.rows, 4);
    assert_int_equal(r.used, 4 * (8 + 1 + 5));
    assert_int_equal(buf[8], 'd');
    return r.status;
  }
  assert_true(r.rows == 0 && r.used == 0 && r.need == 0 && r.end);
  bad = 0;
  rb_fill on = rb_iter_fill(f->it, RB_MOVE_ON, NULL, 0, buf, sizeof buf, 99);
  fx_ok(on.status);
  assert_true(on.rows == 0 && on.end);
  return r.status;
}

/* So it does when the row has no room. */
static rb_status fill_without_room(struct fixture *f) {
  uint8_t buf[8];
  rb_fill r = rb_iter_fill(f->it, RB_MOVE_GE, BYTES("d"), buf, sizeof buf, 99);
  assert_int_equal(r.need > 0, r.status.code == RB_OK);
  return r.status;
}

static rb_status count(struct fixture *f) {
  rb_count c = rb_iter_count(f->it, RB_MOVE_FIRST, 99);
  assert_true(c.end && (c.rows == ROWS || c.status.code != RB_OK));
  return c.status;
}

static rb_status step(struct fixture *f) {
  rb_row r = rb_iter_step(f->it, RB_MOVE_GE, 1, BYTES("b"));
  assert_int_equal(r.valid, r.status.code == RB_OK);
  assert_true(!r.valid || r.key[0] == 'b');
  return r.status;
}

static rb_status sizes(struct fixture *f) {
  rb_sizes keys, values;
  memset(&keys, 0, sizeof keys);
  memset(&values, 0, sizeof values);
  rb_passed p = rb_iter_sizes(f->it, RB_MOVE_FIRST, (rb_stretch){99, 99}, &keys, &values);
  assert_true(p.end && (p.rows == ROWS || p.status.code != RB_OK));
  return p.status;
}

static rb_status edge(struct fixture *f) {
  uint8_t buf[8];
  rb_edge e = rb_edge_get(f->family, NULL, (rb_iter_options){.has_lower = 1}, BYTES("c"), NULL, 0,
                          0, buf, sizeof buf);
  assert_int_equal(e.found, e.status.code == RB_OK);
  assert_true(!e.found || buf[0] == 'c');
  return e.status;
}

/* Has the comparisons of each key fail in turn: a read in which one did fails, no other does, and
 * nothing stays of it. */
static void reads_fail_alone(void **state) {
  struct fixture *f = *state;
  static const attempt all[] = {get,   get_pinned, has,   multi_get, fill, fill_without_room,
                                count, step,       sizes, edge};
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
    unsigned failures = 0;
    for (int key = 'a'; key <= 'a' + ROWS; key++) {
      iterate(f);
      failed = 0;
      bad = key;
      rb_status s = all[i](f);
      bad = 0;
      if (failed == 0) {
        fx_ok(s);
      } else {
        fx_error(s, RB_ABORTED, "the comparator failed");
        failures++;
      }
      iterate(f);
      fx_ok(all[i](f));
    }
    assert_true(failures > 0 && failures <= ROWS);
  }
  assert_int_equal(told, 0);
  fx_put(f->family, "f", "value");
  fx_expect(f->family, NULL, "f", "value");
}

/* A comparator that fails once, and has an answer when it is asked again: the read fails all the
 * same, since it may have been another answer. */
static void a_read_fails_for_one_comparison(void **state) {
  struct fixture *f = *state;
  once = true;
  fx_error(get(f), RB_ABORTED, "the comparator failed");
  assert_int_equal(failed, 1);
  assert_int_equal(told, 0);
  fx_ok(get(f));
}

/* A write's failure is told, and refuses all that could build on it. The row is in the log. */
static void writes_end_with_a_failure(void **state) {
  struct fixture *f = *state;
  static const uint8_t rep[] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 1, 'y', 1, '4'};
  static const char words[] = "close the database and open it again";
  rb_stop *stop = rb_stop_new();
  rb_cbatch *b = rb_cbatch_new();
  assert_non_null(stop);
  rb_cbatch_put(b, BYTES("z"), BYTES("value"));
  sick = true;
  fx_error(rb_apply(f->family, RB_PUT, 0, BYTES("bb"), BYTES("new")), RB_ABORTED, words);
  sick = false;
  assert_true(told > 0);
  uint64_t sequence = rb_latest_sequence(f->db);
  fx_error(rb_apply(f->family, RB_PUT, 0, BYTES("x"), BYTES("value")), RB_ABORTED, words);
  fx_error(rb_write(f->db, 0, rep, sizeof rep), RB_ABORTED, words);
  fx_error(rb_cbatch_write(f->db, 0, b), RB_ABORTED, words);
  assert_int_equal(rb_latest_sequence(f->db), sequence);
  fx_error(rb_compact(f->family, 0, NULL, 0, 0, NULL, 0), RB_ABORTED, words);
  fx_error(rb_compact_files(f->family, "7.sst", 1, 2, 9, stop), RB_ABORTED, words);
  fx_error(rb_has(f->family, NULL, 0, 0, BYTES("a")), RB_ABORTED, words);
  rb_cbatch_free(b);
  rb_stop_free(stop);
  fx_close(f);
  take(f, try_open(f, "ours"));
  fx_expect(f->family, NULL, "bb", "new");
  fx_expect(f->family, NULL, "x", NULL);
  fx_expect(f->family, NULL, "y", NULL);
  fx_expect(f->family, NULL, "z", NULL);
}

/* So it is with a batch, and with one that RocksDB builds. */
static void batches_end_with_a_failure(void **state) {
  struct fixture *f = *state;
  static const uint8_t rep[] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 2, 'b', 'b', 1, '4'};
  for (int i = 0; i < 2; i++) {
    rb_cbatch *b = rb_cbatch_new();
    rb_cbatch_put(b, BYTES("cc"), BYTES("5"));
    sick = true;
    rb_status s = i == 0 ? rb_write(f->db, 0, rep, sizeof rep) : rb_cbatch_write(f->db, 0, b);
    sick = false;
    rb_cbatch_free(b);
    fx_error(s, RB_ABORTED, "the comparator failed");
    fx_close(f);
    take(f, try_open(f, "ours"));
  }
  fx_expect(f->family, NULL, "bb", "4");
  fx_expect(f->family, NULL, "cc", "5");
}

/* The log is read when the database is opened, outside of any read. */
static void a_database_does_not_open_with_a_failure(void **state) {
  struct fixture *f = *state;
  fx_close(f);
  sick = true;
  rb_opened o = try_open(f, "ours");
  sick = false;
  assert_null(o.db);
  fx_error(o.status, RB_ABORTED, "the comparator failed");
  assert_true(told > 0);
  take(f, try_open(f, "ours"));
  fx_expect(f->family, NULL, "d", "value");
}

/* Options from disk have the order by name only, until they are given it. */
static void a_family_from_disk_is_given_its_order(void **state) {
  struct fixture *f = *state;
  fx_close(f);
  rb_callee *c = rb_callee_new(go, 7, "ours");
  rb_operators ops = {.called_order = c};
  rb_plan *p = rb_plan_new(f->dir, fx_defaults().db);
  assert_non_null(p);
  fx_ok(rb_plan_family_from_disk(p, "default"));
  for (int i = 0; i < 2; i++) { /* the second takes the place of the first */
    fx_ok(rb_plan_operators(p, "default", ops));
  }
  rb_callee_free(c);
  rb_opened o = rb_plan_open(p);
  rb_plan_free(p);
  take(f, o);
  rows_are_in_its_order(state);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, with_rows, fx_free)

/* RocksDB looks whether the row that it has found is before the key, and the key not before the
 * row: one pair, both ways. */
static void keys_that_the_order_cannot_take_are_sought_both_ways(void **state) {
  struct fixture *f = *state;
  static const uint32_t moves[] = {RB_MOVE_GE, RB_MOVE_GT, RB_MOVE_LE, RB_MOVE_LT};
  for (int in_file = 0; in_file < 2; in_file++) {
    for (size_t i = 0; i < sizeof moves / sizeof moves[0]; i++) {
      iterate(f);
      bad = '!';
      rb_row r = rb_iter_step(f->it, moves[i], i < 2, BYTES("!"));
      bad = 0;
      fx_error(r.status, RB_ABORTED, "the comparator failed");
      r = rb_iter_step(f->it, RB_MOVE_FIRST, 1, NULL, 0);
      assert_true(r.valid);
    }
    fx_flush(f);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(keys_that_the_order_cannot_take_are_sought_both_ways,
                                      with_rows, fx_free),
      CASE(rows_are_in_its_order),
      CASE(it_is_known_by_its_name),
      CASE(reads_fail_alone),
      CASE(a_read_fails_for_one_comparison),
      CASE(writes_end_with_a_failure),
      CASE(batches_end_with_a_failure),
      CASE(a_database_does_not_open_with_a_failure),
      CASE(a_family_from_disk_is_given_its_order),
  };
  return cmocka_run_group_tests_name("ordered", tests, NULL, NULL);
}
