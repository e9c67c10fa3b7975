/* metrics.c: everything that RocksDB counts of an open database, in one call. */
#include <stdlib.h>

#include "handles.h"
#include "later.h"

/* A property that is a number, and the field that it fills. */
struct rb_gauge {
  const char *name;
  size_t offset;
};

static const struct rb_gauge family_gauges[] = {
    {"rocksdb.cur-size-active-mem-table", offsetof(rb_family_metrics, memtable_active)},
    {"rocksdb.cur-size-all-mem-tables", offsetof(rb_family_metrics, memtable_current)},
    {"rocksdb.size-all-mem-tables", offsetof(rb_family_metrics, memtable_all)},
    {"rocksdb.num-immutable-mem-table", offsetof(rb_family_metrics, memtables_waiting)},
    {"rocksdb.mem-table-flush-pending", offsetof(rb_family_metrics, flush_pending)},
    {"rocksdb.estimate-table-readers-mem", offsetof(rb_family_metrics, table_readers)},
    {"rocksdb.block-cache-capacity", offsetof(rb_family_metrics, cache_capacity)},
    {"rocksdb.block-cache-usage", offsetof(rb_family_metrics, cache_usage)},
    {"rocksdb.block-cache-pinned-usage", offsetof(rb_family_metrics, cache_pinned)},
    {"rocksdb.estimate-num-keys", offsetof(rb_family_metrics, keys)},
    {"rocksdb.estimate-live-data-size", offsetof(rb_family_metrics, live_data)},
    {"rocksdb.total-sst-files-size", offsetof(rb_family_metrics, table_files)},
    {"rocksdb.live-sst-files-size", offsetof(rb_family_metrics, table_files_live)},
    {"rocksdb.num-blob-files", offsetof(rb_family_metrics, blob_files)},
    {"rocksdb.total-blob-file-size", offsetof(rb_family_metrics, blob_bytes)},
    {"rocksdb.live-blob-file-size", offsetof(rb_family_metrics, blob_bytes_live)},
    {"rocksdb.num-live-versions", offsetof(rb_family_metrics, versions)},
    {"rocksdb.compaction-pending", offsetof(rb_family_metrics, compaction_pending)},
    {"rocksdb.estimate-pending-compaction-bytes", offsetof(rb_family_metrics, compaction_debt)},
};

static const struct rb_gauge db_gauges[] = {
    {"rocksdb.num-running-flushes", offsetof(rb_metrics, running_flushes)},
    {"rocksdb.num-running-compactions", offsetof(rb_metrics, running_compactions)},
    {"rocksdb.background-errors", offsetof(rb_metrics, background_errors)},
    {"rocksdb.num-snapshots", offsetof(rb_metrics, snapshots)},
    {"rocksdb.oldest-snapshot-time", offsetof(rb_metrics, oldest_snapshot)},
    {"rocksdb.is-write-stopped", offsetof(rb_metrics, write_stopped)},
    {"rocksdb.actual-delayed-write-rate", offsetof(rb_metrics, delayed_rate)},
};

/* Fills the fields of *into that n gauges name. What RocksDB does not know stays as it is. */
static void rb_gauges_read(const rb_family *f, const struct rb_gauge *gauges, size_t n,
                           void *into) {
  for (size_t i = 0; i < n; i++) {
    uint64_t v = 0;
    if (rocksdb_property_int_cf(f->db->db, f->handle, gauges[i].name, &v) == 0) {
      memcpy((char *)into + gauges[i].offset, &v, sizeof v);
    }
  }
}

/* The number that stands behind name in text; 0 if it does not occur. */
static uint64_t rb_number_after(const char *text, const char *name) {
  const char *at = strstr(text, name);
  return at == NULL ? 0 : strtoull(at + strlen(name), NULL, 10);
}

/* The number that stands before name in text; 0 if it does not occur. */
static uint64_t rb_number_before(const char *text, const char *name) {
  const char *at = strstr(text, name);
  const char *digits = at;
  while (digits != NULL && digits > text && digits[-1] >= '0' && digits[-1] <= '9') {
    digits--;
  }
  return at == digits ? 0 : strtoull(digits, NULL, 10);
}

/* How often writes to a family were slowed down and stopped. RocksDB tells in words only, and
 * before 8.0 in others. */
static void rb_stalls_read(const rb_family *f, rb_family_metrics *m) {
  char *now = rocksdb_property_value_cf(f->db->db, f->handle, "rocksdb.cf-write-stall-stats");
  if (now != NULL) {
    m->stall_delays = rb_number_after(now, "total-delays:");
    m->stall_stops = rb_number_after(now, "total-stops:");
    rocksdb_free(now);
    return;
  }
  char *old = rocksdb_property_value_cf(f->db->db, f->handle, "rocksdb.cfstats-no-file-histogram");
  if (old != NULL) {
    m->stall_delays = rb_number_before(old, " level0_slowdown,") +
                      rb_number_before(old, " slowdown for pending_compaction_bytes") +
                      rb_number_before(old, " memtable_slowdown");
    m->stall_stops = rb_number_before(old, " level0_numfiles,") +
                     rb_number_before(old, " stop for pending_compaction_bytes") +
                     rb_number_before(old, " memtable_compaction");
    rocksdb_free(old);
  }
}

/* How long writes were stalled, from "Cumulative stall: 00:01:2.345 H:M:S". */
static uint64_t rb_stall_micros(const rb_family *f) {
  static const char head[] = "Cumulative stall: ";
  char *text = rocksdb_property_value_cf(f->db->db, f->handle, "rocksdb.dbstats");
  char *at = text == NULL ? NULL : strstr(text, head);
  uint64_t part[4] = {0, 0, 0, 0}; /* hours, minutes, seconds, thousandths */
  if (at != NULL) {
    at += sizeof head - 1;
    for (size_t i = 0; i < 4; i++) {
      part[i] = strtoull(at, &at, 10);
      at += *at == ':' || *at == '.';
    }
  }
  rocksdb_free(text);
  return (((part[0] * 60 + part[1]) * 60 + part[2]) * 1000 + part[3]) * 1000;
}

static void rb_family_read(const rb_family *f, rb_family_metrics *m) {
  memset(m, 0, sizeof *m);
  rb_gauges_read(f, family_gauges, sizeof family_gauges / sizeof *family_gauges, m);
  char *files = rocksdb_property_value_cf(f->db->db, f->handle, "rocksdb.num-files-at-level0");
  if (files != NULL) {
    m->level0_files = strtoull(files, NULL, 10);
    rocksdb_free(files);
  }
  rb_stalls_read(f, m);
}

rb_metrics rb_metrics_get(rb_db *db, rb_family *const *families, size_t n, rb_family_metrics *out) {
  rb_metrics m;
  memset(&m, 0, sizeof m);
  for (size_t i = 0; i < n; i++) {
    rb_family_read(families[i], &out[i]);
  }
  if (n > 0) {
    rb_gauges_read(families[0], db_gauges, sizeof db_gauges / sizeof *db_gauges, &m);
    m.stall_micros = rb_stall_micros(families[0]);
  }
  if (db->block_cache != NULL) {
    uint64_t charge = db->memory == NULL ? 0 : rb_memory_used(db->memory).charge;
    m.cache_capacity = rocksdb_cache_get_capacity(db->block_cache);
    m.cache_usage = rocksdb_cache_get_usage(db->block_cache);
    m.cache_pinned = rocksdb_cache_get_pinned_usage(db->block_cache);
    m.cache_usage -= charge < m.cache_usage ? charge : m.cache_usage;
    m.cache_pinned -= charge < m.cache_pinned ? charge : m.cache_pinned;
  }
  if (db->row_cache != NULL) {
    m.row_cache_capacity = rocksdb_cache_get_capacity(db->row_cache);
    m.row_cache_usage = rb_row_cache_used(db);
  }
  m.allocator = rb_allocator_used();
  return m;
}
