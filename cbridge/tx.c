/*
 * tx.c: transactions of RocksDB's, and databases that are opened with them.
 *
 * Who may touch a key, and who waits for it, is decided above. RocksDB's transactions are there for
 * what only they can do: find out whether a key has changed, and commit in two phases.
 */
#include <stdlib.h>
#include <string.h>

#include "overlay.h"

/* RocksDB's locks are waited for so many milliseconds: nobody holds one for longer who does not
 * have the lock above too. */
enum { RB_LOCK_MILLIS = 1 };

struct rb_tx {
  rb_db *db;
  rocksdb_transaction_t *txn;
  rb_tx **slot; /* of a recovered one: its place in db->recovered */
};

/* ---- databases with transactions ------------------------------------------------------------ */

/* The database below the transactions. Before 8.5 the C API gives it of optimistic ones only, by a
 * call to a virtual function of the class that both kinds derive from; in c.cc of each of those
 * versions, 7.8 to 8.4, both handles are a struct of one pointer to the object, so that the same
 * call serves. No version to come needs that. */
static rocksdb_t *rb_tx_base(rb_db *db) {
  if (db->pessimistic != NULL && rocksdb_transactiondb_get_base_db != NULL) {
    return rocksdb_transactiondb_get_base_db(db->pessimistic);
  }
  union {
    rocksdb_transactiondb_t *pessimistic;
    rocksdb_optimistictransactiondb_t *optimistic;
  } either = {.optimistic = db->optimistic};
  if (db->pessimistic != NULL) {
    either.pessimistic = db->pessimistic;
  }
  return rocksdb_optimistictransactiondb_get_base_db(either.optimistic);
}

/* Takes what RocksDB found prepared. It hands such transactions out anew at each call, those of
 * this process too, so it is asked once, before there are any. */
static rb_status rb_tx_recover(rb_db *db) {
  size_t n = 0;
  rocksdb_transaction_t **all =
      rocksdb_transactiondb_get_prepared_transactions(db->pessimistic, &n);
  if (n == 0) {
    free(all);
    return rb_ok();
  }
  bool ok = true;
  db->recovered = calloc(n, sizeof(rb_tx *));
  for (size_t i = 0; i < n; i++) {
    rb_tx *tx = db->recovered != NULL ? calloc(1, sizeof *tx) : NULL;
    if (tx == NULL) {
      rocksdb_transaction_destroy(all[i]);
      ok = false;
      continue;
    }
    tx->db = db;
    tx->txn = all[i];
    tx->slot = &db->recovered[db->recovered_count++];
    *tx->slot = tx;
  }
  free(all);
  return ok ? rb_ok() : rb_status_make(RB_NO_MEMORY, NULL);
}

static rb_status rb_tx_open_pessimistic(const struct rb_tx_plan *p, rb_db *db,
                                        rocksdb_column_family_handle_t **handles) {
  rocksdb_transactiondb_options_t *o = rocksdb_transactiondb_options_create();
  if (o == NULL) {
    return rb_status_make(RB_NO_MEMORY, NULL);
  }
  rocksdb_transactiondb_options_set_transaction_lock_timeout(o, RB_LOCK_MILLIS);
  rocksdb_transactiondb_options_set_default_lock_timeout(o, RB_LOCK_MILLIS);
  char *err = NULL;
  rocksdb_transactiondb_t *made = rocksdb_transactiondb_open_column_families(
      p->db_options, o, p->path, p->count, p->names, p->options, handles, &err);
  rocksdb_transactiondb_options_destroy(o);
  db->pessimistic = err == NULL ? made : NULL;
  return rb_status_from(err);
}

rb_status rb_tx_open(const struct rb_tx_plan *p, rb_db *db,
                     rocksdb_column_family_handle_t **handles) {
  if (p->opts.read_only) {
    return rb_status_make(RB_INVALID_ARGUMENT, "transactions on a read-only database");
  }
  if (p->opts.transactions == RB_TX_PESSIMISTIC) {
    rb_status s = rb_tx_open_pessimistic(p, db, handles);
    if (s.code != RB_OK) {
      return s;
    }
    db->db = rb_tx_base(db);
    return rb_tx_recover(db);
  }
  char *err = NULL;
  rocksdb_optimistictransactiondb_t *made = rocksdb_optimistictransactiondb_open_column_families(
      p->db_options, p->path, p->count, p->names, p->options, handles, &err);
  if (err != NULL) {
    return rb_status_from(err);
  }
  db->optimistic = made;
  db->db = rb_tx_base(db);
  return rb_ok();
}

void rb_tx_close(rb_db *db) {
  for (size_t i = 0; i < db->recovered_count; i++) {
    rb_tx_free(db->recovered[i]);
  }
  free(db->recovered);
  if (db->pessimistic == NULL && db->optimistic == NULL) {
    if (db->db != NULL) {
      rocksdb_close(db->db);
    }
    return;
  }
  /* Of the view only the handle is freed; that is the same call for both kinds before 8.5. */
  if (db->pessimistic != NULL && rocksdb_transactiondb_close_base_db != NULL) {
    rocksdb_transactiondb_close_base_db(db->db);
  } else {
    rocksdb_optimistictransactiondb_close_base_db(db->db);
  }
  if (db->pessimistic != NULL) {
    rocksdb_transactiondb_close(db->pessimistic);
  } else {
    rocksdb_optimistictransactiondb_close(db->optimistic);
  }
}

rocksdb_column_family_handle_t *rb_tx_create_family(rb_db *db, const rocksdb_options_t *o,
                                                    const char *name, int32_t row_ttl, char **err) {
  if (db->timed) {
    return rocksdb_create_column_family_with_ttl(db->db, o, name, row_ttl, err);
  }
  if (db->pessimistic != NULL) { /* the base would leave the lock manager without the family */
    return rocksdb_transactiondb_create_column_family(db->pessimistic, o, name, err);
  }
  return rocksdb_create_column_family(db->db, o, name, err);
}

/* ---- one transaction ------------------------------------------------------------------------ */

static rocksdb_transaction_t *rb_tx_start_pessimistic(rb_db *db, rb_tx_options o) {
  rocksdb_transaction_options_t *t = rocksdb_transaction_options_create();
  if (t == NULL) {
    return NULL;
  }
  rocksdb_transaction_options_set_set_snapshot(t, o.snapshot);
  rocksdb_transaction_options_set_lock_timeout(t, RB_LOCK_MILLIS);
  rocksdb_transaction_t *txn = rocksdb_transaction_begin(
      db->pessimistic, db->writes[o.write & (RB_WRITE_COMBINATIONS - 1)], t, NULL);
  rocksdb_transaction_options_destroy(t);
  return txn;
}

static rocksdb_transaction_t *rb_tx_start(rb_db *db, rb_tx_options o) {
  if (db->pessimistic != NULL) {
    return rb_tx_start_pessimistic(db, o);
  }
  rocksdb_optimistictransaction_options_t *t = rocksdb_optimistictransaction_options_create();
  if (t == NULL) {
    return NULL;
  }
  rocksdb_optimistictransaction_options_set_set_snapshot(t, o.snapshot);
  rocksdb_transaction_t *txn = rocksdb_optimistictransaction_begin(
      db->optimistic, db->writes[o.write & (RB_WRITE_COMBINATIONS - 1)], t, NULL);
  rocksdb_optimistictransaction_options_destroy(t);
  return txn;
}

rb_tx_result rb_tx_begin(rb_db *db, rb_tx_options o) {
  rb_tx_result r = {NULL, NULL, {RB_OK, NULL}};
  if (db->pessimistic == NULL && db->optimistic == NULL) {
    r.status = rb_status_make(RB_UNSUPPORTED, "the database was opened without transactions");
    return r;
  }
  rb_tx *tx = calloc(1, sizeof *tx);
  if (tx != NULL) {
    tx->db = db;
    tx->txn = rb_tx_start(db, o);
  }
  if (tx != NULL && tx->txn != NULL && o.snapshot) {
    /* After the transaction's own: what is written in between is a conflict that is none. */
    r.snap = rb_snapshot_new(db);
  }
  if (tx == NULL || tx->txn == NULL || (o.snapshot && r.snap == NULL)) {
    rb_tx_free(tx);
    r.status = rb_status_make(RB_NO_MEMORY, NULL);
    return r;
  }
  r.tx = tx;
  return r;
}

/* Tracks a key and looks it up; NULL and a status that is not RB_OK if there is no value. */
static rocksdb_pinnableslice_t *rb_tx_lookup(rb_tx *tx, rb_family *f,
                                             const rocksdb_readoptions_t *o, uint8_t exclusive,
                                             const char *key, size_t klen, rb_status *status) {
  char *err = NULL;
  rocksdb_pinnableslice_t *pin = rocksdb_transaction_get_pinned_for_update_cf(
      tx->txn, o, f->handle, key, klen, exclusive, &err);
  *status = rb_status_from(err);
  if (pin == NULL && err == NULL) {
    status->code = RB_NOT_FOUND;
  }
  return pin;
}

rb_value rb_tx_get_for_update(rb_tx *tx, rb_family *f, rb_snapshot *snap, uint32_t flags,
                              uint64_t deadline, uint8_t exclusive, const uint8_t *key, size_t klen,
                              uint8_t *buf, size_t cap) {
  rb_value v = {0, NULL, NULL, {RB_OK, NULL}};
  struct rb_call_options c = rb_call_options_get(f->db, snap, flags, deadline);
  if (c.use == NULL) {
    v.status = rb_status_make(RB_NO_MEMORY, NULL);
    return v;
  }
  rocksdb_pinnableslice_t *pin =
      rb_tx_lookup(tx, f, c.use, exclusive, (const char *)key, klen, &v.status);
  if (c.made != NULL) {
    rocksdb_readoptions_destroy(c.made);
  }
  if (pin == NULL) {
    return v;
  }
  return rb_value_of(pin, buf, cap);
}

rb_status rb_tx_track(rb_tx *tx, rb_family *f, rb_snapshot *snap, uint64_t deadline,
                      uint8_t exclusive, const uint32_t *lens, size_t n, const uint8_t *bytes) {
  struct rb_call_options c = rb_call_options_get(f->db, snap, 0, deadline);
  if (c.use == NULL) {
    return rb_status_make(RB_NO_MEMORY, NULL);
  }
  rb_status s = rb_ok();
  const char *key = bytes != NULL ? (const char *)bytes : "";
  for (size_t i = 0; i < n && s.code == RB_OK; i++) {
    rocksdb_pinnableslice_t *pin = rb_tx_lookup(tx, f, c.use, exclusive, key, lens[i], &s);
    if (pin != NULL) {
      rocksdb_pinnableslice_destroy(pin);
    }
    if (s.code == RB_NOT_FOUND && s.msg == NULL) {
      s.code = RB_OK; /* it was tracked all the same */
    }
    key += lens[i];
  }
  if (c.made != NULL) {
    rocksdb_readoptions_destroy(c.made);
  }
  return s;
}

static rb_family *rb_tx_family(rb_family *const *families, size_t n, uint32_t id) {
  for (size_t i = 0; i < n; i++) {
    if (families[i]->id == id) {
      return families[i];
    }
  }
  return NULL;
}

/* Gives the transaction one record. */
static rb_status rb_tx_add(rb_tx *tx, rb_family *f, const struct rb_entry *e) {
  static const char empty[1] = {0};
  const char *key = e->klen > 0 ? (const char *)e->key : empty;
  const char *value = e->vlen > 0 ? (const char *)e->value : empty;
  char *err = NULL;
  switch (e->kind) {
    case RB_PUT:
      rocksdb_transaction_put_cf(tx->txn, f->handle, key, e->klen, value, e->vlen, &err);
      break;
    case RB_DELETE:
      rocksdb_transaction_delete_cf(tx->txn, f->handle, key, e->klen, &err);
      break;
    case RB_MERGE:
      rocksdb_transaction_merge_cf(tx->txn, f->handle, key, e->klen, value, e->vlen, &err);
      break;
    default:
      return rb_status_make(RB_UNSUPPORTED, "RocksDB's C API has no such record in transactions");
  }
  return rb_status_from(err);
}

/* Gives the transaction a note for the log. By the view of its batch, as a call of its own came
 * late. */
static void rb_tx_log(rb_tx *tx, const struct rb_entry *e) {
  rocksdb_writebatch_wi_t *wi = rocksdb_transaction_get_writebatch_wi(tx->txn);
  rocksdb_writebatch_wi_put_log_data(wi, (const char *)e->key, e->klen);
  rocksdb_free(wi); /* the view of it only */
}

/* Gives the transaction its records. */
static rb_status rb_tx_fill(rb_tx *tx, rb_family *const *families, size_t n, const uint8_t *records,
                            size_t len) {
  struct rb_records r = {records, len, 0};
  struct rb_entry e = {.at = 0};
  rb_status s = rb_ok();
  while (r.at < len && s.code == RB_OK) {
    if (!rb_read_record(&r, &e)) {
      return rb_status_make(RB_CORRUPTION, "malformed record in a batch");
    }
    if (e.kind == RB_LOG) {
      rb_tx_log(tx, &e);
      continue;
    }
    rb_family *f = rb_tx_family(families, n, e.family);
    if (f == NULL) {
      return rb_status_make(RB_INVALID_ARGUMENT, "a record of a family that was not given");
    }
    s = rb_tx_add(tx, f, &e);
  }
  return s;
}

rb_status rb_tx_commit(rb_tx *tx, rb_family *const *families, size_t n, const uint8_t *records,
                       size_t len) {
  rb_status s = rb_tx_fill(tx, families, n, records, len);
  if (s.code != RB_OK) {
    return s;
  }
  char *err = NULL;
  rocksdb_transaction_commit(tx->txn, &err);
  return rb_status_from(err);
}

rb_status rb_tx_prepare(rb_tx *tx, const uint8_t *name, size_t name_len, rb_family *const *families,
                        size_t n, const uint8_t *records, size_t len) {
  if (tx->db->pessimistic == NULL) {
    return rb_status_make(RB_UNSUPPORTED, "two phases need pessimistic transactions");
  }
  rb_status s = rb_tx_fill(tx, families, n, records, len);
  if (s.code != RB_OK) {
    return s;
  }
  char *err = NULL;
  rocksdb_transaction_set_name(tx->txn, (const char *)name, name_len, &err);
  if (err == NULL) {
    rocksdb_transaction_prepare(tx->txn, &err);
  }
  return rb_status_from(err);
}

rb_status rb_tx_finish(rb_tx *tx, uint8_t commit) {
  char *err = NULL;
  if (commit) {
    rocksdb_transaction_commit(tx->txn, &err);
  } else {
    rocksdb_transaction_rollback(tx->txn, &err);
  }
  return rb_status_from(err);
}

void rb_tx_free(rb_tx *tx) {
  if (tx == NULL) {
    return;
  }
  if (tx->txn != NULL) {
    rocksdb_transaction_destroy(tx->txn);
  }
  if (tx->slot != NULL) {
    *tx->slot = NULL;
  }
  free(tx);
}

/* ---- recovered ones ------------------------------------------------------------------------- */

rb_tx *rb_recovered(rb_db *db, size_t i) {
  return i < db->recovered_count ? db->recovered[i] : NULL;
}

rb_tx_told rb_tx_tell(rb_tx *tx) {
  rb_tx_told t = {NULL, 0, NULL, 0};
  t.name = rocksdb_transaction_get_name(tx->txn, &t.name_len);
  rocksdb_writebatch_wi_t *wi = rocksdb_transaction_get_writebatch_wi(tx->txn);
  if (wi == NULL) {
    return t;
  }
  const char *data = rocksdb_writebatch_wi_data(wi, &t.batch_len);
  t.batch = malloc(t.batch_len + 1);
  if (t.batch != NULL) {
    memcpy(t.batch, data, t.batch_len);
  }
  rocksdb_free(wi); /* the view of it only */
  return t;
}
