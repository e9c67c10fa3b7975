/* open.c: from a plan of options to an open database, and its end. */
#include <stdlib.h>
#include <string.h>

#include "callbacks.h"
#include "cxx.h"
#include "handles.h"
#include "listen.h"

enum { RB_DEFAULT_CACHE = 128 << 20 };

struct rb_plan {
  char *path;
  rb_db_options opts;
  rocksdb_options_t *db_options;
  rocksdb_cache_t *cache;
  rb_memory *memory;    /* NULL: none; else cache is its */
  rb_disk *disk;        /* NULL: none */
  rb_files *files;      /* NULL: on disk */
  rb_events *events;    /* NULL: nobody asks */
  rb_callee *compactor; /* NULL: none */
  bool trims;           /* to trim */
  uint64_t trim;
  bool opened;
  size_t extra_count; /* what rb_plan_extra was given, for the default family */
  char **extras;
  size_t count;
  char **names;
  rocksdb_options_t **options;
  struct rb_order **orders; /* the plan's until it has opened */
  int *ttls;                /* seconds, for timed rows */
  /* What the directory's OPTIONS file says, read when the first family asks for it. */
  bool disk_loaded;
  rocksdb_options_t *disk_db;
  size_t disk_count;
  char **disk_names;
  rocksdb_options_t **disk_options;
};

rb_plan *rb_plan_new(const char *path, rb_db_options opts) {
  rb_plan *p = calloc(1, sizeof *p);
  if (p == NULL) {
    return NULL;
  }
  p->path = strdup(path);
  p->opts = opts;
  p->db_options = rocksdb_options_create();
  if (opts.block_cache_size >= 0) {
    size_t size = opts.block_cache_size > 0 ? (size_t)opts.block_cache_size : RB_DEFAULT_CACHE;
    p->cache = rb_cache_new(size, opts);
  }
  if (p->path == NULL || p->db_options == NULL ||
      (p->cache == NULL && opts.block_cache_size >= 0)) {
    rb_plan_free(p);
    return NULL;
  }
  rocksdb_options_set_create_if_missing(p->db_options, !opts.error_if_missing && !opts.read_only);
  rocksdb_options_set_error_if_exists(p->db_options, opts.error_if_exists);
  rocksdb_options_set_create_missing_column_families(p->db_options, !opts.read_only);
  rocksdb_options_set_keep_log_file_num(p->db_options, 10);
  return p;
}

void rb_plan_share(rb_plan *p, rb_memory *m, uint64_t memtables) {
  p->memory = rb_memory_hold(m);
  p->cache = m->cache;
  if (!rb_memory_use_buffers(m, p->db_options)) {
    rocksdb_options_set_db_write_buffer_size(p->db_options, (size_t)memtables);
  }
}

void rb_plan_disk(rb_plan *p, rb_disk *d) {
  atomic_fetch_add(&d->holders, 1);
  p->disk = d;
  if (d->manager != NULL) {
    rocksdb_options_set_sst_file_manager(p->db_options, d->manager);
  } else {
    rb_cxx_disk_use(d->cxx, p->db_options);
  }
}

void rb_plan_files(rb_plan *p, rb_files *files) {
  p->files = rb_files_hold(files);
  rb_files_use(files, p->db_options);
}

void rb_plan_events(rb_plan *p, rb_events *e) { p->events = rb_events_hold(e); }

void rb_plan_compactor(rb_plan *p, rb_callee *c) { p->compactor = rb_callee_hold(c); }

void rb_plan_trim_to(rb_plan *p, uint64_t timestamp) {
  p->trims = true;
  p->trim = timestamp;
}

rb_status rb_plan_extra(rb_plan *p, const char *text) {
  char **extras = realloc(p->extras, (p->extra_count + 1) * sizeof *extras);
  if (extras == NULL) {
    return rb_status_make(RB_NO_MEMORY, NULL);
  }
  p->extras = extras;
  char *copy = strdup(text);
  if (copy == NULL) {
    return rb_status_make(RB_NO_MEMORY, NULL);
  }
  rb_status s = rb_options_by_name(&p->db_options, text);
  if (s.code != RB_OK) {
    free(copy);
    return s;
  }
  p->extras[p->extra_count++] = copy;
  return s;
}

/* Appends a family and takes ownership of its options and order, on error too. */
static rb_status rb_plan_add(rb_plan *p, const char *name, rocksdb_options_t *options,
                             struct rb_order *order, int32_t row_ttl) {
  rb_status s = rb_family_options_check(options);
  if (s.code != RB_OK) {
    rocksdb_options_destroy(options);
    rb_order_free(order);
    return s;
  }
  char **names = realloc(p->names, (p->count + 1) * sizeof *names);
  if (names != NULL) {
    p->names = names;
  }
  rocksdb_options_t **all = realloc(p->options, (p->count + 1) * sizeof *all);
  if (all != NULL) {
    p->options = all;
  }
  struct rb_order **orders = realloc(p->orders, (p->count + 1) * sizeof *orders);
  if (orders != NULL) {
    p->orders = orders;
  }
  int *ttls = realloc(p->ttls, (p->count + 1) * sizeof *ttls);
  if (ttls != NULL) {
    p->ttls = ttls;
  }
  char *copy = strdup(name);
  if (names == NULL || all == NULL || orders == NULL || ttls == NULL || copy == NULL) {
    free(copy);
    rocksdb_options_destroy(options);
    rb_order_free(order);
    return rb_status_make(RB_NO_MEMORY, NULL);
  }
  p->names[p->count] = copy;
  p->options[p->count] = options;
  p->orders[p->count] = order;
  p->ttls[p->count] = row_ttl;
  p->count++;
  return rb_ok();
}

rb_status rb_plan_family(rb_plan *p, const char *name, rb_family_options opts, const char *extra) {
  rocksdb_options_t *options;
  rb_status s = rb_family_options_new(opts, p->cache, &options);
  if (s.code != RB_OK) {
    return s;
  }
  /* Options of the default family may have come among those of the database. */
  size_t shared = strcmp(name, "default") == 0 ? p->extra_count : 0;
  for (size_t i = 0; i < shared && s.code == RB_OK; i++) {
    s = rb_options_by_name(&options, p->extras[i]);
  }
  if (s.code == RB_OK) {
    s = rb_options_by_name(&options, extra);
  }
  struct rb_order *order = NULL;
  if (s.code == RB_OK) {
    s = rb_options_set_order(&options, opts.operators, &order);
  }
  if (s.code != RB_OK) {
    rocksdb_options_destroy(options);
    return s;
  }
  return rb_plan_add(p, name, options, order, opts.operators.row_ttl);
}

static rb_status rb_plan_load_disk(rb_plan *p) {
  if (p->disk_loaded) {
    return rb_ok();
  }
  /* RocksDB wants a cache to put into the options that it reads. */
  rocksdb_cache_t *none = p->cache != NULL ? NULL : rocksdb_cache_create_lru(0);
  if (p->cache == NULL && none == NULL) {
    return rb_status_make(RB_NO_MEMORY, NULL);
  }
  char *err = NULL;
  rocksdb_env_t *disk = rocksdb_create_default_env();
  rocksdb_env_t *env = p->files != NULL ? p->files->env : disk;
  rocksdb_load_latest_options(p->path, env, true, p->cache != NULL ? p->cache : none, &p->disk_db,
                              &p->disk_count, &p->disk_names, &p->disk_options, &err);
  rocksdb_env_destroy(disk);
  if (none != NULL) {
    rocksdb_cache_destroy(none);
  }
  p->disk_loaded = err == NULL;
  return rb_status_from(err);
}

rb_status rb_plan_family_from_disk(rb_plan *p, const char *name) {
  rb_status s = rb_plan_load_disk(p);
  if (s.code != RB_OK) {
    return s;
  }
  for (size_t i = 0; i < p->disk_count; i++) {
    if (strcmp(p->disk_names[i], name) == 0) {
      rocksdb_options_t *options;
      s = rb_options_bytewise(p->disk_options[i], &options);
      if (s.code == RB_OK && p->opts.timed_rows) {
        /* What RocksDB's TTL lays over a filter it would lay over it once more; rb_plan_operators
         * sets merge operators anew. */
        rocksdb_options_set_compaction_filter_factory(options, NULL);
      }
      return s.code == RB_OK ? rb_plan_add(p, name, options, NULL, 0) : s;
    }
  }
  return rb_status_make(RB_NOT_FOUND, "the OPTIONS file does not name the family");
}

rb_status rb_plan_operators(rb_plan *p, const char *name, rb_operators o) {
  for (size_t i = 0; i < p->count; i++) {
    if (strcmp(p->names[i], name) == 0) {
      rb_status s = rb_options_set_operators(p->options[i], o);
      p->ttls[i] = o.row_ttl;
      struct rb_order *order = NULL;
      if (s.code == RB_OK) {
        s = rb_options_set_order(&p->options[i], o, &order);
      }
      if (order != NULL) {
        rb_order_free(p->orders[i]);
        p->orders[i] = order;
      }
      return s;
    }
  }
  return rb_status_make(RB_NOT_FOUND, "the plan has no such family");
}

const rocksdb_options_t *rb_plan_options(const rb_plan *p, const char *name) {
  for (size_t i = 0; i < p->count; i++) {
    if (strcmp(p->names[i], name) == 0) {
      return p->options[i];
    }
  }
  return NULL;
}

struct rb_order *rb_plan_order(const rb_plan *p, const char *name) {
  for (size_t i = 0; i < p->count; i++) {
    if (strcmp(p->names[i], name) == 0) {
      return p->orders[i];
    }
  }
  return NULL;
}

const char *rb_plan_path(const rb_plan *p) { return p->path; }

/* Makes the option objects that every read and write picks from. */
static bool rb_db_prepare(rb_db *db) {
  bool ok = true;
  for (uint32_t i = 0; i < RB_READ_COMBINATIONS; i++) {
    db->reads[i] = rb_readoptions_new(i);
    ok = ok && db->reads[i] != NULL;
  }
  for (uint32_t i = 0; i < RB_WRITE_COMBINATIONS; i++) {
    db->writes[i] = rb_writeoptions_new(i);
    ok = ok && db->writes[i] != NULL;
  }
  db->flush = rocksdb_flushoptions_create();
  if (db->flush != NULL) {
    rocksdb_flushoptions_set_wait(db->flush, 1);
  }
  return ok && db->flush != NULL;
}

static rb_status rb_open_handles(rb_plan *p, rb_db *db, rocksdb_column_family_handle_t **handles) {
  char *err = NULL;
  const char *const *names = (const char *const *)p->names;
  const rocksdb_options_t *const *options = (const rocksdb_options_t *const *)p->options;
  struct rb_tx_plan t = {p->opts, p->db_options, p->path, (int)p->count, names, options};
  if (p->trims) {
    return rb_trim_open(&t, p->trim, db, handles);
  }
  if (p->opts.transactions != RB_TX_NONE) {
    return rb_tx_open(&t, db, handles);
  }
  if (p->opts.timed_rows) {
    if (p->opts.read_only) {
      return rb_status_make(RB_UNSUPPORTED, "timed rows in a read-only database");
    }
    db->timed = true;
    db->db = rocksdb_open_column_families_with_ttl(p->db_options, p->path, (int)p->count, names,
                                                   options, handles, p->ttls, &err);
  } else if (p->opts.read_only) {
    db->db = rocksdb_open_for_read_only_column_families(p->db_options, p->path, (int)p->count,
                                                        names, options, handles, 0, &err);
  } else {
    db->db = rocksdb_open_column_families(p->db_options, p->path, (int)p->count, names, options,
                                          handles, &err);
  }
  if (err != NULL) {
    db->db = NULL;
  }
  return rb_status_from(err);
}

static rb_status rb_open_into(rb_plan *p, rb_db *db) {
  rocksdb_column_family_handle_t **handles = calloc(p->count, sizeof(*handles));
  if (handles == NULL || !rb_db_prepare(db)) {
    free(handles);
    return rb_status_make(RB_NO_MEMORY, NULL);
  }
  rb_status s = rb_open_handles(p, db, handles);
  for (size_t i = 0; db->db != NULL && i < p->count; i++) {
    rb_family *f = rb_family_new(p->names[i]);
    if (f != NULL) {
      f->blobs = rocksdb_options_get_enable_blob_files(p->options[i]) != 0;
      f->fifo = rocksdb_options_get_compaction_style(p->options[i]) == rocksdb_fifo_compaction;
      f->order = p->orders[i];
      rb_family_join(db, f, handles[i]);
    } else {
      rocksdb_column_family_handle_destroy(handles[i]); /* or the close would find it in use */
      s.code = RB_NO_MEMORY;
    }
  }
  free(handles);
  if (s.code == RB_OK && rb_cxx_check != NULL) {
    s = rb_cxx_check(db->db, db->families->handle);
  }
  return s;
}

rb_opened rb_plan_open(rb_plan *p) {
  rb_opened r = {NULL, {RB_OK, NULL}};
  if (p->count == 0 || p->opened) {
    r.status = rb_status_make(RB_INVALID_ARGUMENT, p->opened ? "opened before" : "no family");
    return r;
  }
  rb_db *db = calloc(1, sizeof *db);
  if (db == NULL) {
    r.status = rb_status_make(RB_NO_MEMORY, NULL);
    return r;
  }
  pthread_mutex_init(&db->families_lock, NULL);
  db->read_only = p->opts.read_only;
  r.status = rb_db_options_offered(p->opts);
  if (r.status.code == RB_OK) {
    r.status = rb_options_set_rate_limit(p->db_options, p->opts);
  }
  if (r.status.code == RB_OK) {
    r.status = rb_options_set_row_cache(p->db_options, p->opts.row_cache_size, &db->row_cache);
  }
  if (r.status.code == RB_OK) {
    r.status = rb_options_set_statistics(p->db_options, p->opts.statistics);
  }
  if (r.status.code == RB_OK && p->opts.statistics != RB_STATISTICS_NONE) {
    db->statistics = rocksdb_options_create_copy(p->db_options);
    r.status.code = db->statistics == NULL ? RB_NO_MEMORY : RB_OK;
  }
  if (r.status.code == RB_OK && p->opts.manual_recovery) {
    r.status = rb_cxx_hold(p->db_options);
  }
  if (r.status.code == RB_OK && p->events != NULL) {
    r.status = rb_listen(p->db_options, p->events); /* behind the copy, which would listen too */
  }
  if (r.status.code == RB_OK && p->compactor != NULL) {
    r.status = rb_options_set_compactor(p->db_options, p->compactor);
  }
  if (r.status.code == RB_OK) {
    r.status = rb_open_into(p, db);
  }
  for (size_t i = 0; i < p->count && r.status.code == RB_OK; i++) {
    r.status = rb_order_sound(p->orders[i]); /* the logs were read by it */
  }
  if (r.status.code != RB_OK) {
    rb_close(db);
    return r;
  }
  for (size_t i = 0; i < p->count; i++) {
    rb_orders_add(&db->orders, p->orders[i]);
    p->orders[i] = NULL;
  }
  p->opened = true;
  db->block_cache = p->cache;
  db->memory = p->memory;
  db->disk = p->disk;
  db->files = p->files;
  p->cache = NULL; /* the db owns them from here */
  p->memory = NULL;
  p->disk = NULL;
  p->files = NULL;
  r.db = db;
  return r;
}

void rb_plan_free(rb_plan *p) {
  if (p == NULL) {
    return;
  }
  for (size_t i = 0; i < p->count; i++) {
    free(p->names[i]);
    rocksdb_options_destroy(p->options[i]);
    rb_order_free(p->orders[i]);
  }
  free(p->names);
  free(p->orders);
  free(p->ttls);
  free(p->options);
  for (size_t i = 0; i < p->extra_count; i++) {
    free(p->extras[i]);
  }
  free(p->extras);
  if (p->disk_loaded) {
    rocksdb_load_latest_options_destroy(p->disk_db, p->disk_names, p->disk_options, p->disk_count);
  }
  if (p->cache != NULL && p->memory == NULL) {
    rocksdb_cache_destroy(p->cache);
  }
  rb_memory_free(p->memory);
  rb_disk_free(p->disk);
  rb_files_free(p->files);
  rb_events_free(p->events);
  rb_callee_free(p->compactor);
  if (p->db_options != NULL) {
    rocksdb_options_destroy(p->db_options);
  }
  free(p->path);
  free(p);
}

void rb_close(rb_db *db) {
  if (db == NULL) {
    return;
  }
  rb_traces_close(db);
  for (rb_family *f = db->families, *next; f != NULL; f = next) {
    next = f->next;
    rb_family_free(f);
  }
  rb_tx_close(db);
  rb_orders_free(&db->orders);
  for (size_t i = 0; i < RB_READ_COMBINATIONS; i++) {
    if (db->reads[i] != NULL) {
      rocksdb_readoptions_destroy(db->reads[i]);
    }
  }
  for (size_t i = 0; i < RB_WRITE_COMBINATIONS; i++) {
    if (db->writes[i] != NULL) {
      rocksdb_writeoptions_destroy(db->writes[i]);
    }
  }
  if (db->flush != NULL) {
    rocksdb_flushoptions_destroy(db->flush);
  }
  if (db->statistics != NULL) {
    rocksdb_options_destroy(db->statistics);
  }
  if (db->block_cache != NULL && db->memory == NULL) {
    rocksdb_cache_destroy(db->block_cache);
  }
  if (db->row_cache != NULL) {
    rocksdb_cache_destroy(db->row_cache);
  }
  rb_memory_free(db->memory);
  rb_disk_free(db->disk);
  rb_files_free(db->files); /* RocksDB has closed them all */
  pthread_mutex_destroy(&db->families_lock);
  free(db);
}
