/* family.c: column families of an open database. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "handles.h"
#include "later.h"

rb_family_list rb_list_families(rb_files *files, const char *path) {
  rb_family_list l = {NULL, 0, {RB_OK, NULL}};
  char *err = NULL;
  rocksdb_options_t *o = rocksdb_options_create();
  if (o == NULL) {
    l.status = rb_status_make(RB_NO_MEMORY, NULL);
    return l;
  }
  rb_files_use(files, o);
  l.names = rocksdb_list_column_families(o, path, &l.count, &err);
  rocksdb_options_destroy(o);
  if (err != NULL) {
    rb_family_list_free(l); /* an empty list is memory too */
    l.names = NULL;
    l.count = 0;
  }
  l.status = rb_status_from(err);
  return l;
}

void rb_family_list_free(rb_family_list l) {
  if (l.names != NULL) {
    rocksdb_list_column_families_destroy(l.names, l.count);
  }
}

rb_family *rb_family_new(const char *name) {
  rb_family *f = calloc(1, sizeof *f);
  char *copy = strdup(name);
  if (f == NULL || copy == NULL) {
    free(f);
    free(copy);
    return NULL;
  }
  f->name = copy;
  pthread_mutex_init(&f->seams_lock, NULL);
  return f;
}

void rb_family_free(rb_family *f) {
  if (f->handle != NULL) {
    rocksdb_column_family_handle_destroy(f->handle);
  }
  rb_seams_free(f->seams);
  pthread_mutex_destroy(&f->seams_lock);
  free(f->name);
  free(f);
}

void rb_family_join(rb_db *db, rb_family *f, rocksdb_column_family_handle_t *h) {
  f->db = db;
  f->handle = h;
  f->id = rocksdb_column_family_handle_get_id(h);
  uint64_t files = 0;
  rocksdb_property_int_cf(db->db, h, "rocksdb.num-blob-files", &files);
  f->blobs = f->blobs || files > 0;
  pthread_mutex_lock(&db->families_lock);
  f->next = db->families;
  db->families = f;
  pthread_mutex_unlock(&db->families_lock);
}

static void rb_family_part(rb_family *f) {
  pthread_mutex_lock(&f->db->families_lock);
  rb_family **at = &f->db->families;
  while (*at != f) {
    at = &(*at)->next;
  }
  *at = f->next;
  pthread_mutex_unlock(&f->db->families_lock);
}

uint8_t rb_family_retire(rb_family *f) {
  if (atomic_load(&f->iterators) > 0) {
    return 0;
  }
  rb_family_part(f);
  rb_family_free(f);
  return 1;
}

static rb_family_result rb_family_told(rb_family *f) {
  rb_family_result r = {f, f->id, f->blobs, rb_order_calls(f->order), {RB_OK, NULL}};
  return r;
}

rb_family_result rb_family_find(rb_db *db, const char *name) {
  rb_family_result r = {NULL, 0, 0, 0, {RB_OK, NULL}};
  pthread_mutex_lock(&db->families_lock);
  /* Newest first: a family created again under a dropped one's name is found, not the old one. */
  rb_family *f = db->families;
  while (f != NULL && strcmp(f->name, name) != 0) {
    f = f->next;
  }
  if (f != NULL) {
    r = rb_family_told(f);
  }
  pthread_mutex_unlock(&db->families_lock);
  r.status.code = f != NULL ? RB_OK : RB_NOT_FOUND;
  return r;
}

/* Makes the options of a new family. */
static rb_status rb_create_options(rb_db *db, rb_family_options opts, const char *extra,
                                   rocksdb_options_t **o, struct rb_order **order) {
  rb_status s = rb_family_options_new(opts, db->block_cache, o);
  if (s.code != RB_OK) {
    return s;
  }
  s = rb_options_by_name(o, extra);
  if (s.code == RB_OK) {
    s = rb_family_options_check(*o);
  }
  if (s.code == RB_OK) {
    s = rb_options_set_order(o, opts.operators, order);
  }
  if (s.code != RB_OK) {
    rocksdb_options_destroy(*o);
    *o = NULL;
  }
  return s;
}

/* A family that will have been made with o. NULL: memory is short. */
static rb_family *rb_family_of(const char *name, rocksdb_options_t *o, struct rb_order *order) {
  rb_family *f = rb_family_new(name);
  if (f != NULL) {
    f->blobs = rocksdb_options_get_enable_blob_files(o) != 0;
    f->fifo = rocksdb_options_get_compaction_style(o) == rocksdb_fifo_compaction;
    f->order = order;
  }
  return f;
}

/* Whether what was asked for is done, and RocksDB could not write its OPTIONS file afterwards. */
static bool rb_only_not_noted(const char *err) {
  static const char words[] = "IO error: Unable to persist options.";
  return strncmp(err, words, sizeof words - 1) == 0;
}

/* RocksDB's call that makes a family. One whose options could not be written down is dropped again,
 * where its handle comes with the error: nobody else could name it. */
static rb_status rb_family_create_in(rb_db *db, const rocksdb_options_t *o, const char *name,
                                     int32_t row_ttl, rocksdb_column_family_handle_t **h) {
  char *err = NULL;
  *h = rb_tx_create_family(db, o, name, row_ttl, &err);
  if (err != NULL && *h != NULL && rb_only_not_noted(err)) {
    char *again = NULL;
    rocksdb_drop_column_family(db->db, *h, &again);
    rb_free(again);
  }
  return rb_status_from(err);
}

/* Makes a family: an empty one, or with the rows of files if from is not NULL. */
static rb_family_result rb_family_make(rb_db *db, const char *name, rb_family_options opts,
                                       const char *extra, const rb_family_source *from) {
  rb_family_result r = {NULL, 0, 0, 0, {RB_OK, NULL}};
  if (db->read_only) {
    r.status = rb_read_only();
    return r;
  }
  rocksdb_options_t *o;
  struct rb_order *order = NULL;
  r.status = rb_create_options(db, opts, extra, &o, &order);
  if (r.status.code != RB_OK) {
    return r;
  }
  rb_orders_add(&db->orders, order); /* whatever comes of it, RocksDB may go on asking it */
  rb_family *f = rb_family_of(name, o, order); /* before RocksDB makes one that nobody could hold */
  if (f == NULL) {
    rocksdb_options_destroy(o);
    r.status = rb_status_make(RB_NO_MEMORY, NULL);
    return r;
  }
  rocksdb_column_family_handle_t *h = NULL;
  rb_hold_begin(db);
  if (from != NULL) {
    r.status = rb_family_from_files(db, o, name, from, &h);
  } else {
    r.status = rb_family_create_in(db, o, name, opts.operators.row_ttl, &h);
  }
  rocksdb_options_destroy(o);
  r.status = rb_hold_end(db, r.status);
  if (r.status.code != RB_OK) {
    /* Up to 11.0 a handle comes with the error. A writable database has set its inside, to NULL or
     * to a family whose creation failed late; a read-only one, refused above, might not have. */
    f->handle = h;
    rb_family_free(f);
    return r;
  }
  rb_family_join(db, f, h);
  return rb_family_told(f);
}

rb_family_result rb_family_create(rb_db *db, const char *name, rb_family_options opts,
                                  const char *extra) {
  return rb_family_make(db, name, opts, extra, NULL);
}

/* Has RocksDB make them by one call. */
static rb_status rb_families_at_once(rb_db *db, const char *const *names, size_t n,
                                     const rocksdb_options_t *o, rb_family **families,
                                     size_t *made) {
  char *err = NULL;
  rb_hold_begin(db);
  rocksdb_column_family_handle_t **handles =
      rocksdb_create_column_families(db->db, o, (int)n, names, made, &err);
  rb_status s = rb_hold_end(db, rb_status_from(err));
  *made = *made < n ? *made : n;
  for (size_t i = 0; i < *made; i++) {
    rb_family_join(db, families[i], handles[i]);
  }
  rocksdb_create_column_families_destroy(handles);
  return s;
}

/* rb_families_create where RocksDB has a call for it. */
static rb_status rb_families_by_call(rb_db *db, const char *const *names, size_t n,
                                     rocksdb_options_t *o, rb_family_result *told, size_t *made) {
  rb_family **families = calloc(n, sizeof *families);
  if (families == NULL) {
    return rb_status_make(RB_NO_MEMORY, NULL);
  }
  size_t ready = 0; /* before RocksDB makes any that nobody could hold */
  while (ready < n && (families[ready] = rb_family_of(names[ready], o, NULL)) != NULL) {
    ready++;
  }
  rb_status s = ready == n ? rb_families_at_once(db, names, n, o, families, made)
                           : rb_status_make(RB_NO_MEMORY, NULL);
  for (size_t i = 0; i < *made; i++) {
    told[i] = rb_family_told(families[i]);
  }
  for (size_t i = *made; i < ready; i++) {
    rb_family_free(families[i]);
  }
  free(families);
  return s;
}

rb_status rb_families_create(rb_db *db, const char *const *names, size_t n, rb_family_options opts,
                             const char *extra, rb_family_result *told, size_t *made) {
  *made = 0;
  if (db->read_only) {
    return rb_read_only();
  }
  if (n == 0 || n > INT_MAX) {
    return n == 0 ? rb_ok() : rb_status_make(RB_INVALID_ARGUMENT, "too many column families");
  }
  bool own_call = db->timed || db->pessimistic != NULL || opts.operators.reversed ||
                  opts.operators.called_order != NULL;
  if (rocksdb_create_column_families != NULL && !own_call) {
    rocksdb_options_t *o;
    struct rb_order *order = NULL; /* none: opts has no comparator */
    rb_status s = rb_create_options(db, opts, extra, &o, &order);
    if (s.code == RB_OK) {
      s = rb_families_by_call(db, names, n, o, told, made);
      rocksdb_options_destroy(o);
    }
    return s;
  }
  for (; *made < n; ++*made) {
    told[*made] = rb_family_make(db, names[*made], opts, extra, NULL);
    if (told[*made].status.code != RB_OK) {
      return told[*made].status;
    }
  }
  return rb_ok();
}

rb_family_result rb_family_import(rb_db *db, const char *name, rb_family_options opts,
                                  const char *extra, rb_family_source from) {
  return rb_family_make(db, name, opts, extra, &from);
}

rb_status rb_family_drop(rb_family *f, uint8_t *gone) {
  uint8_t nobody = 0;
  gone = gone != NULL ? gone : &nobody;
  *gone = 0;
  if (f->db->read_only) {
    return rb_read_only();
  }
  char *err = NULL;
  rb_hold_begin(f->db);
  rocksdb_drop_column_family(f->db->db, f->handle, &err);
  *gone = err == NULL || rb_only_not_noted(err);
  return rb_hold_end(f->db, rb_status_from(err));
}
