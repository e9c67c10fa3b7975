/* settings.c: options changed while the database is open. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "handles.h"
#include "later.h"

/* The names and values of settings as RocksDB takes them: two tables of n pointers into the text,
 * one behind the other. To be freed by the caller. NULL when memory is short. */
static const char **rb_settings_split(const char *settings, size_t n) {
  const char **table = calloc(n, 2 * sizeof *table);
  for (size_t i = 0; table != NULL && i < n; i++) {
    table[i] = settings;
    settings += strlen(settings) + 1;
    table[n + i] = settings;
    settings += strlen(settings) + 1;
  }
  return table;
}

/* Sets options of f or, if it is NULL, of the database as a whole. */
static rb_status rb_settings_apply(rb_db *db, rb_family *f, const char *settings, size_t n) {
  if (db->read_only) {
    return rb_read_only(); /* RocksDB would write an OPTIONS file */
  }
  if (n == 0 || n > INT_MAX) {
    return rb_status_make(RB_INVALID_ARGUMENT, "no options");
  }
  const char **table = rb_settings_split(settings, n);
  if (table == NULL) {
    return rb_status_make(RB_NO_MEMORY, NULL);
  }
  char *err = NULL;
  rb_hold_begin(db);
  if (f != NULL) {
    rocksdb_set_options_cf(db->db, f->handle, (int)n, table, table + n, &err);
  } else {
    rocksdb_set_db_options(db->db, (int)n, table, table + n, &err);
  }
  free(table);
  return rb_hold_end(db, rb_status_from(err));
}

rb_status rb_family_set_options(rb_family *f, const char *settings, size_t n) {
  return rb_settings_apply(f->db, f, settings, n);
}

rb_status rb_db_set_options(rb_db *db, const char *settings, size_t n) {
  if (!rb_supports(RB_FEATURE_SET_DB_OPTIONS)) {
    rb_status s = {RB_UNSUPPORTED, NULL};
    return s;
  }
  return rb_settings_apply(db, NULL, settings, n);
}
