/* tx_test.c: transactions, and databases that are opened with them. */
/* link: -Wl,--wrap=rocksdb_transaction_commit -Wl,--wrap=rocksdb_transaction_begin */
#include "fixture.h"
#include "rocksdb/c.h"

static bool fail_begin;
static const char *fail_commit;

rocksdb_transaction_t *__real_rocksdb_transaction_begin(rocksdb_transactiondb_t *db,
                                                        const rocksdb_writeoptions_t *w,
                                                        const rocksdb_transaction_options_t *o,
                                                        rocksdb_transaction_t *old);
rocksdb_transaction_t *__wrap_rocksdb_transaction_begin(rocksdb_transactiondb_t *db,
                                                        const rocksdb_writeoptions_t *w,
                                                        const rocksdb_transaction_options_t *o,
                                                        rocksdb_transaction_t *old);
void __real_rocksdb_transaction_commit(rocksdb_transaction_t *txn, char **err);
void __wrap_rocksdb_transaction_commit(rocksdb_transaction_t *txn, char **err);

rocksdb_transaction_t *__wrap_rocksdb_transaction_begin(rocksdb_transactiondb_t *db,
                                                        const rocksdb_writeoptions_t *w,
                                                        const rocksdb_transaction_options_t *o,
                                                        rocksdb_transaction_t *old) {
  return fail_begin ? NULL : __real_rocksdb_transaction_begin(db, w, o, old);
}

void __wrap_rocksdb_transaction_commit(rocksdb_transaction_t *txn, char **err) {
  if (fail_commit != NULL) {
    *err = strdup(fail_commit);
    return;
  }
  __real_rocksdb_transaction_commit(txn, err);
}

static void open_with(struct fixture *f, uint32_t transactions) {
  struct setup s = fx_defaults();
  s.db.transactions = transactions;
  fail_begin = false;
  fail_commit = NULL;
  fx_open(f, s);
}

static void code_is(rb_status s, int32_t code) {
  if (s.code != code) {
    print_error("%s\n", s.msg != NULL ? s.msg : "");
  }
  assert_int_equal(s.code, code);
  rb_free(s.msg);
}

static rb_tx *begin(struct fixture *f, uint8_t snapshot, rb_snapshot **snap) {
  rb_tx_options o = {.snapshot = snapshot};
  rb_tx_result r = rb_tx_begin(f->db, o);
  assert_int_equal(r.status.code, RB_OK);
  assert_non_null(r.tx);
  *snap = r.snap;
  return r.tx;
}

/* Records of the default family: put k=v, delete d. */
static const uint8_t put_and_delete[] = {1, 1, 'k', 1, 'v', 0, 1, 'd'};

static void commits_records(void **state) {
  struct fixture *f = *state;
  for (uint32_t mode = RB_TX_OPTIMISTIC; mode <= RB_TX_PESSIMISTIC; mode++) {
    open_with(f, mode);
    code_is(rb_apply(f->family, RB_PUT, 0, BYTES("d"), BYTES("old")), RB_OK);
    rb_snapshot *snap;
    rb_tx *tx = begin(f, 1, &snap);
    assert_non_null(snap);
    code_is(rb_tx_commit(tx, &f->family, 1, put_and_delete, sizeof put_and_delete), RB_OK);
    fx_expect(f->family, NULL, "k", "v");
    fx_expect(f->family, NULL, "d", NULL);
    rb_tx_free(tx);
    rb_snapshot_free(snap);
    fx_close(f);
  }
}

static void commits_merges(void **state) {
  struct fixture *f = *state;
  static const uint8_t record[] = {2, 1, 'n', 8, 5, 0, 0, 0, 0, 0, 0, 0};
  struct setup s = fx_defaults();
  s.db.transactions = RB_TX_OPTIMISTIC;
  s.family.operators.merge_kind = RB_MERGE_UINT64_ADD;
  fx_open(f, s);
  rb_snapshot *snap;
  rb_tx *tx = begin(f, 0, &snap);
  code_is(rb_tx_commit(tx, &f->family, 1, record, sizeof record), RB_OK);
  rb_tx_free(tx);
  uint8_t buf[8];
  code_is(rb_get(f->family, NULL, 0, 0, BYTES("n"), buf, sizeof buf).status, RB_OK);
  assert_int_equal(buf[0], 5);
}

static void refuses_conflicts(void **state) {
  struct fixture *f = *state;
  for (uint32_t mode = RB_TX_OPTIMISTIC; mode <= RB_TX_PESSIMISTIC; mode++) {
    open_with(f, mode);
    rb_snapshot *snap;
    rb_tx *tx = begin(f, 1, &snap);
    code_is(rb_apply(f->family, RB_PUT, 0, BYTES("k"), BYTES("theirs")), RB_OK);
    code_is(rb_tx_commit(tx, &f->family, 1, put_and_delete, sizeof put_and_delete), RB_BUSY);
    fx_expect(f->family, NULL, "k", "theirs");
    rb_tx_free(tx);
    rb_snapshot_free(snap);

    tx = begin(f, 1, &snap);
    uint8_t buf[16];
    rb_value v = rb_tx_get_for_update(tx, f->family, snap, 0, 0, 1, BYTES("k"), buf, sizeof buf);
    code_is(v.status, RB_OK);
    assert_int_equal(v.len, 6);
    v = rb_tx_get_for_update(tx, f->family, snap, 0, 0, 1, BYTES("k"), NULL, 0);
    code_is(v.status, RB_OK);
    assert_non_null(v.pin);
    rb_unpin(v.pin);
    v = rb_tx_get_for_update(tx, f->family, snap, 0, 0, 0, BYTES("absent"), buf, sizeof buf);
    code_is(v.status, RB_NOT_FOUND);
    const uint32_t lens[] = {1, 6};
    code_is(rb_tx_track(tx, f->family, snap, 0, 1, lens, 2, U8("xabsent")), RB_OK);
    code_is(rb_apply(f->family, RB_PUT, 0, BYTES("x"), BYTES("1")), RB_OK);
    code_is(rb_tx_commit(tx, &f->family, 1, NULL, 0), mode == RB_TX_OPTIMISTIC ? RB_BUSY : RB_OK);
    rb_tx_free(tx);
    rb_snapshot_free(snap);
    fx_close(f);
  }
}

static void refuses_what_is_no_record(void **state) {
  struct fixture *f = *state;
  open_with(f, RB_TX_PESSIMISTIC);
  static const struct {
    uint8_t bytes[8];
    size_t len;
    int32_t code;
  } bad[] = {
      {{1, 9, 'k'}, 3, RB_CORRUPTION},            /* ends within the key */
      {{0x7F, 1, 'k'}, 3, RB_CORRUPTION},         /* no such tag */
      {{7, 1, 'k'}, 3, RB_UNSUPPORTED},           /* a single delete */
      {{5, 9, 1, 'k', 0}, 5, RB_INVALID_ARGUMENT} /* a family that was not given */
  };
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    rb_snapshot *snap;
    rb_tx *tx = begin(f, 0, &snap);
    assert_null(snap);
    code_is(rb_tx_commit(tx, &f->family, 1, bad[i].bytes, bad[i].len), bad[i].code);
    rb_tx_free(tx);
  }
  static const uint8_t logged[] = {3, 1, 'x', 1, 0, 0}; /* a note for the log, an empty key */
  rb_snapshot *snap;
  rb_tx *tx = begin(f, 0, &snap);
  code_is(rb_tx_commit(tx, &f->family, 1, logged, sizeof logged), RB_OK);
  rb_tx_free(tx);
  fx_expect(f->family, NULL, "", "");
  tx = begin(f, 0, &snap);
  code_is(rb_tx_prepare(tx, U8("n"), 1, &f->family, 1, logged, sizeof logged), RB_OK);
  rb_tx_told t = rb_tx_tell(tx);
  assert_memory_equal((uint8_t *)t.batch + 13, logged, sizeof logged); /* behind header and mark */
  rb_free(t.name);
  rb_free(t.batch);
  code_is(rb_tx_finish(tx, 0), RB_OK);
  rb_tx_free(tx);
}

static void finds_what_is_prepared(void **state) {
  struct fixture *f = *state;
  open_with(f, RB_TX_PESSIMISTIC);
  rb_snapshot *snap;
  for (int i = 0; i < 3; i++) {
    const uint8_t record[] = {1, 1, (uint8_t)('a' + i), 1, 'v'};
    const uint8_t name[] = {'n', (uint8_t)('0' + i)};
    rb_tx *tx = begin(f, 0, &snap);
    code_is(rb_tx_prepare(tx, name, 2, &f->family, 1, record, sizeof record), RB_OK);
    rb_tx_free(tx);
  }
  fx_close(f);
  open_with(f, RB_TX_PESSIMISTIC);
  rb_tx *found[3];
  for (size_t i = 0; i < 3; i++) {
    found[i] = rb_recovered(f->db, i);
    assert_non_null(found[i]);
    rb_tx_told t = rb_tx_tell(found[i]);
    assert_int_equal(t.name_len, 2);
    assert_true(t.batch_len > 12);
    rb_free(t.name);
    rb_free(t.batch);
  }
  assert_null(rb_recovered(f->db, 3));
  fail_commit = "IO error: planted";
  code_is(rb_tx_finish(found[0], 1), RB_IO);
  fail_commit = NULL;
  code_is(rb_tx_finish(found[0], 1), RB_OK);
  code_is(rb_tx_finish(found[1], 0), RB_OK);
  rb_tx_free(found[0]);
  rb_tx_free(found[1]); /* the third one is the database's */
  fx_close(f);
  open_with(f, RB_TX_PESSIMISTIC);
  assert_non_null(rb_recovered(f->db, 0));
  assert_null(rb_recovered(f->db, 1));
}

static void says_what_cannot_be(void **state) {
  struct fixture *f = *state;
  open_with(f, RB_TX_NONE);
  rb_tx_options o = {.snapshot = 1};
  rb_tx_result r = rb_tx_begin(f->db, o);
  assert_null(r.tx);
  assert_null(r.snap);
  code_is(r.status, RB_UNSUPPORTED);
  fx_close(f);
  open_with(f, RB_TX_OPTIMISTIC);
  rb_snapshot *snap;
  rb_tx *tx = begin(f, 0, &snap);
  code_is(rb_tx_prepare(tx, U8("n"), 1, &f->family, 1, put_and_delete, sizeof put_and_delete),
          RB_UNSUPPORTED);
  rb_tx_free(tx);
  fx_close(f);
  open_with(f, RB_TX_PESSIMISTIC);
  fail_begin = true;
  r = rb_tx_begin(f->db, o);
  assert_null(r.tx);
  assert_null(r.snap);
  code_is(r.status, RB_NO_MEMORY);
  fail_begin = false;
  tx = begin(f, 0, &snap);
  code_is(rb_tx_prepare(tx, U8(""), 0, &f->family, 1, put_and_delete, sizeof put_and_delete),
          RB_INVALID_ARGUMENT);
  rb_tx_free(tx);
  tx = begin(f, 0, &snap);
  code_is(rb_tx_prepare(tx, U8("n"), 1, &f->family, 1, U8("\x7F"), 1), RB_CORRUPTION);
  rb_tx_free(tx);
  tx = begin(f, 0, &snap);
  fail_commit = "Operation failed. Try again.: planted";
  code_is(rb_tx_commit(tx, &f->family, 1, put_and_delete, sizeof put_and_delete), RB_TRY_AGAIN);
  fail_commit = NULL;
  rb_tx_free(tx);
  rb_tx_free(NULL);
  fx_expect(f->family, NULL, "k", NULL);
}

static void makes_families(void **state) {
  struct fixture *f = *state;
  for (uint32_t mode = RB_TX_OPTIMISTIC; mode <= RB_TX_PESSIMISTIC; mode++) {
    open_with(f, mode);
    rb_family_options fo = {.compression = RB_NO_COMPRESSION};
    rb_family_result made = rb_family_create(f->db, "made", fo, NULL);
    code_is(made.status, RB_OK);
    rb_family_result again = rb_family_create(f->db, "made", fo, NULL);
    assert_int_equal(again.status.code, RB_INVALID_ARGUMENT);
    rb_free(again.status.msg);
    const uint8_t record[] = {5, (uint8_t)made.id, 1, 'k', 1, 'v'};
    rb_snapshot *snap;
    rb_tx *tx = begin(f, 1, &snap);
    code_is(rb_tx_commit(tx, &made.family, 1, record, sizeof record), RB_OK);
    rb_tx_free(tx);
    rb_snapshot_free(snap);
    fx_expect(made.family, NULL, "k", "v");
    code_is(rb_family_drop(made.family, NULL), RB_OK);
    fx_close(f);
  }
}

/* An overlay with a base shows that state, and so do its iterators, which live on after it. */
static void overlay_shows_its_base(void **state) {
  struct fixture *f = *state;
  open_with(f, RB_TX_NONE);
  code_is(rb_apply(f->family, RB_PUT, 0, BYTES("a"), BYTES("1")), RB_OK);
  rb_snapshot *snap = rb_snapshot_new(f->db);
  code_is(rb_apply(f->family, RB_PUT, 0, BYTES("a"), BYTES("2")), RB_OK);
  rb_overlay *o = rb_overlay_new();
  rb_overlay_base(o, snap);
  rb_snapshot_free(snap);
  uint8_t buf[64];
  rb_found v = rb_overlay_get(o, 12, put_and_delete, sizeof put_and_delete, f->family, 0, 0,
                              BYTES("a"), buf, sizeof buf);
  code_is(v.status, RB_OK);
  assert_int_equal(buf[0], '1');
  rb_iter_options io = {.flags = 0};
  rb_iter_result r =
      rb_iter_new_over(o, 12 + sizeof put_and_delete, NULL, 0, f->family, io, NULL, 0, NULL, 0);
  code_is(r.status, RB_OK);
  code_is(rb_iter_refresh_over(r.iter, o, 12 + sizeof put_and_delete, NULL, 0), RB_OK);
  rb_overlay_free(o);
  rb_fill fill = rb_iter_fill(r.iter, RB_MOVE_FIRST, NULL, 0, buf, sizeof buf, 10);
  code_is(fill.status, RB_OK);
  assert_int_equal(fill.rows, 2);
  assert_int_equal(buf[9], '1');
  rb_iter_free(r.iter);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, fx_new_empty, fx_free)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(commits_records),        CASE(refuses_conflicts),   CASE(refuses_what_is_no_record),
      CASE(finds_what_is_prepared), CASE(says_what_cannot_be), CASE(makes_families),
      CASE(overlay_shows_its_base), CASE(commits_merges),
  };
  return cmocka_run_group_tests_name("tx", tests, NULL, NULL);
}
