/* backup.c: backups in a folder of their own, in RocksDB's format. */
#include <stdlib.h>

#include "handles.h"
#include "later.h"

struct rb_backups {
  rocksdb_env_t *env;
  rocksdb_backup_engine_t *engine;
};

/* RocksDB's options; NULL when memory is short. */
static rocksdb_backup_engine_options_t *rb_backup_options_new(const char *dir,
                                                              rb_backup_options o) {
  rocksdb_backup_engine_options_t *made = rocksdb_backup_engine_options_create(dir);
  if (made == NULL) {
    return NULL;
  }
  rocksdb_backup_engine_options_set_backup_rate_limit(made, o.create_rate);
  rocksdb_backup_engine_options_set_restore_rate_limit(made, o.restore_rate);
  rocksdb_backup_engine_options_set_max_background_operations(made,
                                                              o.threads > 0 ? (int)o.threads : 1);
  rocksdb_backup_engine_options_set_sync(made, !o.no_sync);
  return made;
}

rb_backups_result rb_backups_open(const char *dir, rb_backup_options o) {
  rb_backups_result r = {NULL, {RB_OK, NULL}};
  rb_backups *b = calloc(1, sizeof *b);
  rocksdb_backup_engine_options_t *options = b == NULL ? NULL : rb_backup_options_new(dir, o);
  if (options == NULL) {
    free(b);
    r.status = rb_status_make(RB_NO_MEMORY, NULL);
    return r;
  }
  char *err = NULL;
  b->env = rocksdb_create_default_env();
  b->engine = rocksdb_backup_engine_open_opts(options, b->env, &err);
  rocksdb_backup_engine_options_destroy(options);
  if (err != NULL) {
    b->engine = NULL;
    rb_backups_close(b);
    r.status = rb_status_from(err);
    return r;
  }
  r.backups = b;
  return r;
}

void rb_backups_close(rb_backups *b) {
  if (b == NULL) {
    return;
  }
  if (b->engine != NULL) {
    rocksdb_backup_engine_close(b->engine);
  }
  rocksdb_env_destroy(b->env);
  free(b);
}

/* The number of the newest backup; 0 if there is none. */
static uint32_t rb_backups_newest(rb_backups *b) {
  const rocksdb_backup_engine_info_t *info = rocksdb_backup_engine_get_backup_info(b->engine);
  int n = rocksdb_backup_engine_info_count(info);
  uint32_t id = n > 0 ? rocksdb_backup_engine_info_backup_id(info, n - 1) : 0;
  rocksdb_backup_engine_info_destroy(info);
  return id;
}

/* A backup with a note, where RocksDB has them. */
static uint32_t rb_backups_create_noted(rb_backups *b, rb_db *db, uint8_t flush,
                                        const uint8_t *note, size_t note_len, char **err) {
  uint32_t id = 0;
  rocksdb_create_backup_options_t *o = rocksdb_create_backup_options_create();
  rocksdb_create_backup_options_set_flush_before_backup(o, flush);
  rocksdb_backup_engine_create_new_backup_with_metadata(b->engine, db->db, o, (const char *)note,
                                                        note_len, &id, err);
  rocksdb_create_backup_options_destroy(o);
  return id;
}

rb_backup_made rb_backups_create(rb_backups *b, rb_db *db, uint8_t flush, const uint8_t *note,
                                 size_t note_len) {
  rb_backup_made r = {0, {RB_OK, NULL}};
  if (db->read_only) {
    r.status = rb_read_only(); /* RocksDB cannot keep the writer from deleting files */
    return r;
  }
  if (note != NULL && !rb_supports(RB_FEATURE_BACKUP_NOTE)) {
    r.status.code = RB_UNSUPPORTED;
    return r;
  }
  char *err = NULL;
  uint32_t id = 0;
  if (note != NULL) {
    id = rb_backups_create_noted(b, db, flush, note, note_len, &err);
  } else {
    rocksdb_backup_engine_create_new_backup_flush(b->engine, db->db, flush, &err);
    id = err == NULL ? rb_backups_newest(b) : 0;
  }
  r.status = rb_status_from(err);
  r.id = r.status.code == RB_OK ? id : 0;
  return r;
}

void rb_backups_stop(rb_backups *b) {
  if (rocksdb_backup_engine_stop_backup != NULL) {
    rocksdb_backup_engine_stop_backup(b->engine);
  }
}

rb_status rb_backups_restore(rb_backups *b, uint32_t id, const char *dir, const char *wal_dir) {
  char *err = NULL;
  rocksdb_restore_options_t *o = rocksdb_restore_options_create();
  rocksdb_backup_engine_restore_db_from_backup(b->engine, dir, wal_dir, o, id, &err);
  rocksdb_restore_options_destroy(o);
  return rb_status_from(err);
}

rb_status rb_backups_purge(rb_backups *b, uint32_t keep) {
  char *err = NULL;
  rocksdb_backup_engine_purge_old_backups(b->engine, keep, &err);
  return rb_status_from(err);
}
