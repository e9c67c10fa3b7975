/* shortage_test.c: what the parts do that failure_test.c leaves out when memory is short, at each
 * place in turn: backups, table files, operators, batches over the database, transactions. */
/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup */
/* link: -Wl,--wrap=rocksdb_backup_engine_options_create */
/* link: -Wl,--wrap=rocksdb_readoptions_create */
/* link: -Wl,--wrap=rocksdb_ingestexternalfileoptions_create */
/* link: -Wl,--wrap=rocksdb_envoptions_create */
/* link: -Wl,--wrap=rocksdb_transactiondb_options_create */
/* link: -Wl,--wrap=rocksdb_transaction_options_create */
/* link: -Wl,--wrap=rocksdb_optimistictransaction_options_create */
/* link: -Wl,--wrap=rocksdb_options_create */
/* link: -Wl,--wrap=rocksdb_optimistictransactiondb_open_column_families */
/* link: -Wl,--wrap=rocksdb_transactiondb_open_column_families */
/* link: -Wl,--wrap=rocksdb_transaction_get_writebatch_wi */
#include "shortage.h"

WRAP(rocksdb_options_t *, rocksdb_options_create, (void), ())
WRAP(rocksdb_readoptions_t *, rocksdb_readoptions_create, (void), ())
WRAP(rocksdb_backup_engine_options_t *, rocksdb_backup_engine_options_create, (const char *dir),
     (dir))
WRAP(rocksdb_ingestexternalfileoptions_t *, rocksdb_ingestexternalfileoptions_create, (void), ())
WRAP(rocksdb_envoptions_t *, rocksdb_envoptions_create, (void), ())
WRAP(rocksdb_transactiondb_options_t *, rocksdb_transactiondb_options_create, (void), ())
WRAP(rocksdb_transaction_options_t *, rocksdb_transaction_options_create, (void), ())
WRAP(rocksdb_optimistictransaction_options_t *, rocksdb_optimistictransaction_options_create,
     (void), ())
WRAP(rocksdb_writebatch_wi_t *, rocksdb_transaction_get_writebatch_wi, (rocksdb_transaction_t * t),
     (t))

WRAP_ERR(rocksdb_optimistictransactiondb_t *, rocksdb_optimistictransactiondb_open_column_families,
         (const rocksdb_options_t *o, const char *name, int n, const char *const *names,
          const rocksdb_options_t *const *options, rocksdb_column_family_handle_t **handles,
          char **err),
         (o, name, n, names, options, handles, err), err)
WRAP_ERR(rocksdb_transactiondb_t *, rocksdb_transactiondb_open_column_families,
         (const rocksdb_options_t *o, const rocksdb_transactiondb_options_t *t, const char *name,
          int n, const char *const *names, const rocksdb_options_t *const *options,
          rocksdb_column_family_handle_t **handles, char **err),
         (o, t, name, n, names, options, handles, err), err)

static rb_status of(bool ok) { return (rb_status){ok ? RB_OK : RB_NO_MEMORY, NULL}; }

/* ---- backups and table files ---------------------------------------------------------------- */

static rb_status backups(struct fixture *f) {
  char dir[RB_PATH];
  snprintf(dir, sizeof dir, "%s/backups", f->root);
  rb_backups_result r = rb_backups_open(dir, (rb_backup_options){.threads = 2});
  assert_int_equal(r.backups != NULL, r.status.code == RB_OK);
  rb_backups_close(r.backups);
  return r.status;
}

static void backups_survive_every_shortage(void **state) { fail_everywhere(*state, backups, 2); }

static rb_status ingest(struct fixture *f) {
  char paths[2 * RB_PATH] = {0};
  snprintf(paths, RB_PATH, "%s/a.sst", f->root);
  return rb_ingest(f->family, paths, 1, (rb_ingest_options){0});
}

static rb_status write_table(struct fixture *f) {
  char path[RB_PATH];
  snprintf(path, sizeof path, "%s/a.sst", f->root);
  rb_plan *p = rb_plan_new("", (rb_db_options){0});
  if (p == NULL) {
    return of(false);
  }
  rb_status s =
      rb_plan_family(p, "default", (rb_family_options){.compression = RB_NO_COMPRESSION}, NULL);
  rb_sst_result r = {NULL, s};
  if (s.code == RB_OK) {
    r = rb_plan_sst(p, "default", path);
  }
  rb_plan_free(p);
  if (r.writer != NULL) {
    fx_ok(rb_sst_row(r.writer, RB_PUT, BYTES("k"), BYTES("v")).status);
    fx_ok(rb_sst_finish(r.writer).status);
    rb_sst_free(r.writer);
  }
  return r.status;
}

static void table_files_survive_every_shortage(void **state) {
  struct fixture *f = *state;
  fail_everywhere(f, write_table, 6);
  fail_everywhere(f, ingest, 2);
  fx_expect(f->family, NULL, "k", "v");
}

/* ---- operators ------------------------------------------------------------------------------ */

static rb_status operators(struct fixture *f) {
  (void)f;
  rb_family_options o = {.compression = RB_NO_COMPRESSION,
                         .operators = {.merge_kind = RB_MERGE_SET,
                                       .merge_name = "set",
                                       .filter_kind = RB_FILTER_PREFIXES,
                                       .filter_name = "prefixes"}};
  rb_plan *p = rb_plan_new("", (rb_db_options){0});
  if (p == NULL) {
    return of(false);
  }
  rb_status s = rb_plan_family(p, "default", o, NULL);
  rb_plan_free(p);
  return s;
}

static void operators_survive_every_shortage(void **state) {
  fail_everywhere(*state, operators, 10);
}

/* ---- several iterators, and batches over the database --------------------------------------- */

static rb_status several(struct fixture *f) {
  rb_family *families[] = {f->family, f->family};
  rb_iter *out[2];
  rb_status s =
      rb_iters_new(families, 2, (rb_iter_options){.has_upper = 1}, NULL, 0, BYTES("k"), out);
  for (size_t i = 0; i < 2; i++) {
    assert_int_equal(out[i] != NULL, s.code == RB_OK);
    rb_iter_free(out[i]);
  }
  return s;
}

static void several_iterators_survive_every_shortage(void **state) {
  fail_everywhere(*state, several, 6);
}

/* What a batch holds that the tests lay over the database. */
static uint8_t batch[16 << 10];
static size_t batch_len;

static void batch_text(const char *text) {
  size_t n = strlen(text);
  batch[batch_len++] = (uint8_t)n;
  memcpy(batch + batch_len, text, n);
  batch_len += n;
}

/* So many puts, and a deletion of all of their keys. */
static void batch_of(unsigned puts) {
  batch_len = 0;
  for (unsigned i = 0; i < puts; i++) {
    char key[16];
    snprintf(key, sizeof key, "b%03u", i);
    batch[batch_len++] = 0x01;
    batch_text(key);
    batch_text("value");
  }
  batch[batch_len++] = 0x0F;
  batch_text("b");
  batch_text("c");
}

static rb_status iterate_over(struct fixture *f) {
  rb_overlay *o = rb_overlay_new();
  if (o == NULL) {
    return of(false);
  }
  rb_iter_result r =
      rb_iter_new_over(o, 0, batch, batch_len, f->family, (rb_iter_options){0}, NULL, 0, NULL, 0);
  assert_int_equal(r.iter != NULL, r.status.code == RB_OK);
  rb_status s = r.status;
  if (s.code == RB_OK) {
    s = rb_iter_refresh_over(r.iter, o, 0, batch, batch_len);
  }
  if (s.code == RB_OK) {
    rb_count c = rb_iter_count(r.iter, RB_MOVE_FIRST, UINT64_MAX);
    fx_ok(c.status);
    assert_int_equal(c.rows, 1);
  }
  rb_iter_free(r.iter);
  rb_overlay_free(o);
  return s;
}

/* The sizes are such that memory is taken in the middle of each kind of record. */
static void batches_survive_every_shortage(void **state) {
  struct fixture *f = *state;
  fx_put(f->family, "a", "kept");
  fx_put(f->family, "b", "hidden");
  for (unsigned puts = 0; puts < 130; puts++) {
    batch_of(puts);
    fail_everywhere(f, iterate_over, 8);
  }
}

/* ---- transactions --------------------------------------------------------------------------- */

static void open_with(struct fixture *f, uint32_t transactions) {
  struct setup s = fx_defaults();
  s.db.transactions = transactions;
  fx_open(f, s);
}

static rb_status begin(struct fixture *f) {
  rb_tx_result r = rb_tx_begin(f->db, (rb_tx_options){.snapshot = 1});
  assert_int_equal(r.tx != NULL, r.status.code == RB_OK);
  rb_tx_free(r.tx);
  rb_snapshot_free(r.snap);
  return r.status;
}

/* Reads and tracks with a deadline, so that read options are made for each call. */
static rb_status read_and_track(struct fixture *f) {
  rb_tx_result r = rb_tx_begin(f->db, (rb_tx_options){0});
  rb_status s = r.status;
  if (s.code != RB_OK) {
    return s;
  }
  uint8_t buf[8];
  const uint64_t late = UINT64_C(1) << 60;
  s = rb_tx_get_for_update(r.tx, f->family, NULL, 0, late, 1, BYTES("k"), buf, sizeof buf).status;
  if (s.code == RB_OK) {
    const uint32_t len = 1;
    s = rb_tx_track(r.tx, f->family, NULL, late, 1, &len, 1, U8("k"));
  }
  rb_tx_free(r.tx);
  return s;
}

static void transactions_survive_every_shortage(void **state) {
  struct fixture *f = *state;
  for (uint32_t mode = RB_TX_OPTIMISTIC; mode <= RB_TX_PESSIMISTIC; mode++) {
    open_with(f, mode);
    fx_put(f->family, "k", "v");
    fail_everywhere(f, begin, 4);
    fail_everywhere(f, read_and_track, 4);
    fx_close(f);
  }
}

static rb_status open_pessimistic(struct fixture *f) {
  struct setup s = fx_defaults();
  s.db.transactions = RB_TX_PESSIMISTIC;
  rb_plan *p = rb_plan_new(f->dir, s.db);
  if (p == NULL) {
    return of(false);
  }
  rb_opened o = {NULL, rb_plan_family(p, "default", s.family, NULL)};
  if (o.status.code == RB_OK) {
    o = rb_plan_open(p);
  }
  rb_plan_free(p);
  assert_int_equal(o.db != NULL, o.status.code == RB_OK);
  if (o.db != NULL) {
    assert_non_null(rb_recovered(o.db, 0)); /* no failure before has lost it */
    assert_non_null(rb_recovered(o.db, 1));
  }
  rb_close(o.db);
  return o.status;
}

static void prepared_ones_survive_every_shortage(void **state) {
  struct fixture *f = *state;
  static const uint8_t records[2][5] = {{1, 1, 'k', 1, 'v'}, {1, 1, 'l', 1, 'v'}};
  static const char *const names[] = {"one", "two"};
  open_with(f, RB_TX_PESSIMISTIC);
  for (size_t i = 0; i < 2; i++) {
    rb_tx_result r = rb_tx_begin(f->db, (rb_tx_options){0});
    fx_ok(r.status);
    fx_ok(rb_tx_prepare(r.tx, BYTES(names[i]), &f->family, 1, records[i], sizeof records[i]));
    rb_tx_free(r.tx);
  }
  fx_close(f);
  fail_everywhere(f, open_pessimistic, 12);
}

static void what_is_told_of_a_transaction_survives_shortage(void **state) {
  struct fixture *f = *state;
  open_with(f, RB_TX_PESSIMISTIC);
  rb_tx_result r = rb_tx_begin(f->db, (rb_tx_options){0});
  fx_ok(r.status);
  static const uint8_t record[] = {1, 1, 'k', 1, 'v'};
  fx_ok(rb_tx_prepare(r.tx, BYTES("name"), &f->family, 1, record, sizeof record));
  for (unsigned n = 1; n <= 3; n++) {
    countdown = n;
    rb_tx_told t = rb_tx_tell(r.tx);
    countdown = 0;
    assert_int_equal(t.name_len, 4);
    assert_int_equal(t.batch != NULL, n == 3);
    rb_free(t.name);
    rb_free(t.batch);
  }
  fx_ok(rb_tx_finish(r.tx, 0));
  rb_tx_free(r.tx);
}

static void an_open_that_rocksdb_refuses_leaves_nothing(void **state) {
  struct fixture *f = *state;
  fx_close(f);
  struct setup s = fx_defaults();
  for (uint32_t mode = RB_TX_OPTIMISTIC; mode <= RB_TX_PESSIMISTIC; mode++) {
    s.db.transactions = mode;
    refusal = "Corruption: planted";
    rb_opened o = fx_try_open(f->dir, s);
    assert_null(o.db);
    fx_error(o.status, RB_CORRUPTION, "planted");
    s.db.read_only = 1;
    fx_error(fx_try_open(f->dir, s).status, RB_INVALID_ARGUMENT, "read-only");
    s.db.read_only = 0;
    open_with(f, mode);
    fx_close(f);
  }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fx_new, fx_free)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(backups_survive_every_shortage),
      CASE(table_files_survive_every_shortage),
      CASE(operators_survive_every_shortage),
      CASE(several_iterators_survive_every_shortage),
      CASE(batches_survive_every_shortage),
      CASE(transactions_survive_every_shortage),
      CASE(prepared_ones_survive_every_shortage),
      CASE(what_is_told_of_a_transaction_survives_shortage),
      CASE(an_open_that_rocksdb_refuses_leaves_nothing),
  };
  return cmocka_run_group_tests_name("shortage", tests, NULL, NULL);
}
