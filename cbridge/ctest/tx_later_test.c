/* tx_later_test.c: pessimistic transactions where RocksDB has calls of its own for the database
 * below them, as from 8.5 on. This program defines them, so that the glue finds them under any
 * version. */
#include "fixture.h"

#include "later.h"

static int given, closed;

/* The base of either kind is a view of the same struct: see rb_tx_base. */
rocksdb_t *rocksdb_transactiondb_get_base_db(rocksdb_transactiondb_t *db) {
  union {
    rocksdb_transactiondb_t *pessimistic;
    rocksdb_optimistictransactiondb_t *optimistic;
  } either = {.pessimistic = db};
  given++;
  return rocksdb_optimistictransactiondb_get_base_db(either.optimistic);
}

void rocksdb_transactiondb_close_base_db(rocksdb_t *base) {
  closed++;
  rocksdb_optimistictransactiondb_close_base_db(base);
}

static void the_base_is_asked_for_and_closed_once(void **state) {
  struct fixture *f = *state;
  struct setup s = fx_defaults();
  s.db.transactions = RB_TX_PESSIMISTIC;
  fx_open(f, s);
  assert_int_equal(given, 1);
  fx_put(f->family, "k", "v");
  fx_expect(f->family, NULL, "k", "v");
  assert_int_equal(closed, 0);
  fx_close(f);
  assert_int_equal(closed, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(the_base_is_asked_for_and_closed_once, fx_new_empty, fx_free),
  };
  return cmocka_run_group_tests_name("tx later", tests, NULL, NULL);
}
