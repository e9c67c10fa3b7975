/* write_test.c: single operations, batches, and what the write flags change. */
#include "fixture.h"

#include "rocksdb/c.h"

static rb_status put(const struct fixture *f, uint32_t flags, const char *key) {
  return rb_apply(f->family, RB_PUT, flags, BYTES(key), BYTES("value"));
}

static void put_stores_and_overwrites(void **state) {
  struct fixture *f = *state;
  fx_put(f->family, "key", "one");
  fx_expect(f->family, NULL, "key", "one");
  fx_put(f->family, "key", "two");
  fx_expect(f->family, NULL, "key", "two");
  fx_put(f->family, "key", "");
  fx_expect(f->family, NULL, "key", "");
}

static void delete_removes_and_ignores_the_value(void **state) {
  struct fixture *f = *state;
  fx_put(f->family, "key", "value");
  fx_ok(rb_apply(f->family, RB_DELETE, 0, BYTES("key"), BYTES("ignored")));
  fx_expect(f->family, NULL, "key", NULL);
  fx_ok(rb_apply(f->family, RB_DELETE, 0, BYTES("absent"), NULL, 0));
}

static void single_delete_removes_a_key_put_once(void **state) {
  struct fixture *f = *state;
  fx_put(f->family, "key", "value");
  fx_flush(f);
  fx_ok(rb_apply(f->family, RB_SINGLE_DELETE, 0, BYTES("key"), NULL, 0));
  fx_expect(f->family, NULL, "key", NULL);
}

static void merge_adds_numbers_of_eight_bytes(void **state) {
  struct fixture *f = *state;
  struct setup s = fx_defaults();
  s.family.operators.merge_kind = RB_MERGE_UINT64_ADD;
  fx_open(f, s);
  static const uint8_t operands[][8] = {{0xFF}, {2}, {0, 1}};
  for (size_t i = 0; i < 3; i++) {
    fx_ok(rb_apply(f->family, RB_MERGE, 0, BYTES("n"), operands[i], 8));
  }
  uint8_t sum[8], want[8] = {0x01, 0x02};
  fx_ok(rb_get(f->family, NULL, 0, 0, BYTES("n"), sum, sizeof sum).status);
  assert_memory_equal(sum, want, 8);
}

static void delete_range_is_half_open(void **state) {
  struct fixture *f = *state;
  static const char *const keys[] = {"a", "b", "c", "d"};
  for (size_t i = 0; i < 4; i++) {
    fx_put(f->family, keys[i], "value");
  }
  fx_ok(rb_apply(f->family, RB_DELETE_RANGE, 0, BYTES("b"), BYTES("d")));
  fx_expect(f->family, NULL, "a", "value");
  fx_expect(f->family, NULL, "b", NULL);
  fx_expect(f->family, NULL, "c", NULL);
  fx_expect(f->family, NULL, "d", "value");
}

static void an_unknown_operation_writes_nothing(void **state) {
  struct fixture *f = *state;
  uint64_t before = rb_latest_sequence(f->db);
  fx_error(rb_apply(f->family, 5, 0, BYTES("key"), BYTES("value")), RB_INVALID_ARGUMENT,
           "operation");
  assert_int_equal(rb_latest_sequence(f->db), before);
}

/* A batch in RocksDB's format, as the tests build it. */
struct batch {
  uint8_t rep[256];
  size_t len;
};

static void batch_bytes(struct batch *b, const char *text) {
  b->rep[b->len++] = (uint8_t)strlen(text); /* a varint of one byte */
  memcpy(b->rep + b->len, text, strlen(text));
  b->len += strlen(text);
}

static void batch_put(struct batch *b, uint8_t family, const char *key, const char *value) {
  b->len = b->len == 0 ? 12 : b->len;
  b->rep[8]++; /* the count, little-endian */
  b->rep[b->len++] = family == 0 ? 0x1 : 0x5;
  if (family != 0) {
    b->rep[b->len++] = family;
  }
  batch_bytes(b, key);
  batch_bytes(b, value);
}

static void a_batch_is_written_whole_over_families(void **state) {
  struct fixture *f = *state;
  rb_family_result other = rb_family_create(f->db, "other", fx_defaults().family, NULL);
  fx_ok(other.status);
  uint64_t before = rb_latest_sequence(f->db);
  struct batch b = {0};
  batch_put(&b, 0, "key", "one");
  batch_put(&b, (uint8_t)other.id, "key", "two");
  batch_put(&b, 0, "key", "three");
  fx_ok(rb_write(f->db, 0, b.rep, b.len));
  fx_expect(f->family, NULL, "key", "three");
  fx_expect(other.family, NULL, "key", "two");
  assert_int_equal(rb_latest_sequence(f->db), before + 3);
  /* The caller's bytes are as they were: the same batch can be written again. */
  fx_ok(rb_write(f->db, RB_WRITE_SYNC, b.rep, b.len));
  assert_int_equal(rb_latest_sequence(f->db), before + 6);
}

static void an_empty_batch_changes_nothing(void **state) {
  struct fixture *f = *state;
  uint64_t before = rb_latest_sequence(f->db);
  uint8_t header[12] = {0};
  fx_ok(rb_write(f->db, 0, header, sizeof header));
  assert_int_equal(rb_latest_sequence(f->db), before);
}

static void a_batch_that_rocksdb_builds_is_the_one_of_the_format(void **state) {
  struct fixture *f = *state;
  struct batch want = {0};
  rb_cbatch *b = rb_cbatch_new();
  assert_non_null(b);
  rb_cbatch_put(b, BYTES("dropped"), BYTES("value"));
  rb_cbatch_clear(b);
  rb_cbatch_put(b, BYTES("key"), BYTES("one"));
  rb_cbatch_put(b, NULL, 0, NULL, 0);
  batch_put(&want, 0, "key", "one");
  batch_put(&want, 0, "", "");
  size_t len = 0;
  const char *rep = rocksdb_writebatch_data((rocksdb_writebatch_t *)b, &len);
  assert_int_equal(len, want.len);
  assert_memory_equal(rep, want.rep, len);
  fx_ok(rb_write(f->db, 0, U8(rep), len));
  fx_expect(f->family, NULL, "", "");
  rb_cbatch_free(b);
  rb_cbatch_free(NULL);
}

/* Reopens the database from what a copy of its files holds now, as after a crash: nothing that is
 * only in memory gets there. */
static void reopen_a_copy(struct fixture *f) {
  char command[2 * RB_PATH + 32];
  snprintf(command, sizeof command, "cp -r %s %s/copy", f->dir, f->root);
  assert_int_equal(system(command), 0);
  fx_close(f);
  snprintf(f->dir, sizeof f->dir, "%.60s/copy", f->root);
  fx_open(f, fx_defaults());
}

static void only_what_went_to_the_log_survives_a_crash(void **state) {
  struct fixture *f = *state;
  struct batch b = {0};
  batch_put(&b, 0, "batch without", "value");
  fx_ok(put(f, 0, "logged"));
  fx_ok(put(f, RB_WRITE_NO_WAL, "put without"));
  fx_ok(rb_write(f->db, RB_WRITE_NO_WAL, b.rep, b.len));
  fx_ok(put(f, RB_WRITE_SYNC, "synced"));
  fx_expect(f->family, NULL, "put without", "value");
  reopen_a_copy(f);
  fx_expect(f->family, NULL, "logged", "value");
  fx_expect(f->family, NULL, "put without", NULL);
  fx_expect(f->family, NULL, "batch without", NULL);
  fx_expect(f->family, NULL, "synced", "value");
}

static void a_log_that_is_flushed_by_hand_is_written_by_sync_wal(void **state) {
  struct fixture *f = *state;
  struct setup s = fx_defaults();
  s.db_extra = "manual_wal_flush=true";
  fx_open(f, s);
  fx_ok(put(f, 0, "before"));
  fx_ok(rb_sync_wal(f->db));
  fx_ok(put(f, 0, "after"));
  reopen_a_copy(f);
  fx_expect(f->family, NULL, "before", "value");
  fx_expect(f->family, NULL, "after", NULL);
}

static void a_log_that_is_flushed_by_hand_is_written_by_flush_wal(void **state) {
  struct fixture *f = *state;
  struct setup s = fx_defaults();
  fx_ok(rb_flush_wal(f->db)); /* nothing is buffered */
  s.db_extra = "manual_wal_flush=true";
  fx_open(f, s);
  fx_ok(put(f, 0, "before"));
  fx_ok(rb_flush_wal(f->db));
  fx_ok(put(f, 0, "after"));
  reopen_a_copy(f);
  fx_expect(f->family, NULL, "before", "value");
  fx_expect(f->family, NULL, "after", NULL);
}

static void sync_without_a_log_is_refused(void **state) {
  struct fixture *f = *state;
  fx_error(put(f, RB_WRITE_SYNC | RB_WRITE_NO_WAL, "key"), RB_INVALID_ARGUMENT, "WAL");
  fx_expect(f->family, NULL, "key", NULL);
}

static void no_slowdown_answers_instead_of_waiting(void **state) {
  struct fixture *f = *state;
  struct setup s = fx_defaults();
  /* Nothing compacts, and one file in level 0 stops all writes. */
  s.family_extra = "compaction_style=kCompactionStyleNone;level0_file_num_compaction_trigger=1;"
                   "level0_slowdown_writes_trigger=1;level0_stop_writes_trigger=1";
  fx_open(f, s);
  fx_ok(put(f, RB_WRITE_NO_SLOWDOWN, "first"));
  fx_flush(f);
  fx_error(put(f, RB_WRITE_NO_SLOWDOWN, "second"), RB_INCOMPLETE, "stall");
  fx_expect(f->family, NULL, "second", NULL);
}

static void low_priority_yields_before_others_do(void **state) {
  struct fixture *f = *state;
  struct setup s = fx_defaults();
  /* One file in level 0 means that compaction is behind, while writes go on. */
  s.family_extra = "compaction_style=kCompactionStyleNone;level0_file_num_compaction_trigger=1;"
                   "level0_slowdown_writes_trigger=1000;level0_stop_writes_trigger=1000";
  fx_open(f, s);
  for (int i = 0; i < 3; i++) {
    fx_ok(put(f, 0, "first"));
    fx_flush(f);
  }
  fx_ok(put(f, RB_WRITE_NO_SLOWDOWN, "second"));
  fx_error(put(f, RB_WRITE_NO_SLOWDOWN | RB_WRITE_LOW_PRIORITY, "third"), RB_INCOMPLETE, "ow prio");
  fx_ok(put(f, RB_WRITE_LOW_PRIORITY, "fourth"));
}

static void flags_that_do_not_exist_are_ignored(void **state) {
  struct fixture *f = *state;
  fx_ok(put(f, 0xFFFFFFF0u, "key"));
  uint8_t header[12] = {0};
  fx_ok(rb_write(f->db, 0xFFFFFFF0u, header, sizeof header));
}

static void a_read_only_database_refuses_every_write(void **state) {
  struct fixture *f = *state;
  fx_put(f->family, "key", "value");
  struct setup s = fx_defaults();
  s.db.read_only = 1;
  fx_open(f, s);
  for (uint32_t op = RB_PUT; op <= RB_DELETE_RANGE; op++) {
    fx_error(rb_apply(f->family, op, 0, BYTES("key"), BYTES("z")), RB_READ_ONLY, "read only");
  }
  struct batch b = {0};
  batch_put(&b, 0, "key", "other");
  fx_error(rb_write(f->db, 0, b.rep, b.len), RB_READ_ONLY, "read only");
  fx_expect(f->family, NULL, "key", "value");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fx_new, fx_free)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(put_stores_and_overwrites),
      CASE(delete_removes_and_ignores_the_value),
      CASE(single_delete_removes_a_key_put_once),
      CASE(merge_adds_numbers_of_eight_bytes),
      CASE(delete_range_is_half_open),
      CASE(an_unknown_operation_writes_nothing),
      CASE(a_batch_is_written_whole_over_families),
      CASE(an_empty_batch_changes_nothing),
      CASE(a_batch_that_rocksdb_builds_is_the_one_of_the_format),
      CASE(only_what_went_to_the_log_survives_a_crash),
      CASE(a_log_that_is_flushed_by_hand_is_written_by_sync_wal),
      CASE(a_log_that_is_flushed_by_hand_is_written_by_flush_wal),
      CASE(sync_without_a_log_is_refused),
      CASE(no_slowdown_answers_instead_of_waiting),
      CASE(low_priority_yields_before_others_do),
      CASE(flags_that_do_not_exist_are_ignored),
      CASE(a_read_only_database_refuses_every_write),
  };
  return cmocka_run_group_tests_name("write", tests, NULL, NULL);
}
