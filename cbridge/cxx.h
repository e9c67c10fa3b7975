/*
 * cxx.h: what RocksDB has in C++ only, reached by the one C++ file of this package, cxx.cc, which
 * the build tag rb_cxx compiles.
 *
 * For C every function here is weak: without the tag its address is NULL, so ask rb_cxx_offered
 * before the first call. Where rocksdb/c.h of a later version has the same (later.h), C calls that.
 * No exception leaves these functions: the lack of memory is RB_NO_MEMORY, any other one RB_UNKNOWN
 * with its words. A handle of rocksdb/c.h is a struct whose first member is the C++ object or the
 * pointer to it, in every release from 7.8 to 11.8; cxx.cc looks whether that holds before it
 * relies on it.
 */
#ifndef RB_CXX_H
#define RB_CXX_H

#include "rocksdb/c.h"

#ifdef __cplusplus
extern "C" {
#define RB_OPTIONAL
#else
#define RB_OPTIONAL __attribute__((weak))
#endif

#include "rb.h"

/* Why the C++ part must not be used with the RocksDB that is linked: headers of another version, or
 * objects that do not look as these say. NULL: it may. The words live for ever. */
const char *rb_cxx_refusal(void) RB_OPTIONAL;

/* Looks whether db and one of its families are what the others take them for. RB_UNSUPPORTED and
 * why if they are not. Fit for once a database: it makes system calls. */
rb_status rb_cxx_check(const rocksdb_t *db,
                       const rocksdb_column_family_handle_t *family) RB_OPTIONAL;

/* Has the databases that are opened with o put their events into e, which o holds from then on. */
rb_status rb_cxx_listen(rocksdb_options_t *o, rb_events *e) RB_OPTIONAL;

/* Keeps RocksDB from going on by itself after a background error, in the databases that are opened
 * with o. */
rb_status rb_cxx_hold(rocksdb_options_t *o) RB_OPTIONAL;

/* RocksDB's own defaults of a rate limiter. */
enum { RB_REFILL_MICROS = 100 * 1000, RB_FAIRNESS = 10 };

/* Limits to rate bytes a second what the databases that are opened with o read or write: mode is
 * that of rocksdb_ratelimiter_create_with_mode. With tunes the rate is an upper bound. */
rb_status rb_cxx_limit(rocksdb_options_t *o, int64_t rate, int mode, uint8_t tunes) RB_OPTIONAL;

/* Sets the I/O context of this thread back to nothing. */
void rb_cxx_io_begin(void) RB_OPTIONAL;

/* What is in it: see rb_perf_io. */
char *rb_cxx_io_figures(void) RB_OPTIONAL;

/* Ends the state that a background error has left, after its cause is gone. */
rb_status rb_cxx_resume(rocksdb_t *db) RB_OPTIONAL;

/* rocksdb_compact_range_cf_opt with what became of it. NULL is no bound. RB_OK also if it was
 * stopped. */
rb_status rb_cxx_compact(rocksdb_t *db, rocksdb_column_family_handle_t *family, const char *from,
                         size_t from_len, const char *to, size_t to_len,
                         const rb_compaction *how) RB_OPTIONAL;

/* Has files that cannot be linked be an error instead of copied: see rb_ingest_options. */
void rb_cxx_ingest_no_copy(rocksdb_ingestexternalfileoptions_t *i) RB_OPTIONAL;

/* Ranges as RocksDB's C API takes them. */
struct rb_ranges {
  size_t n;
  const char **starts, **ends;
  size_t *start_lens, *end_lens;
};

/* See rb_approximate_sizes; of blobs it knows nothing. */
rb_status rb_cxx_sizes(rocksdb_t *db, rocksdb_column_family_handle_t *family,
                       const rb_size_options *o, const struct rb_ranges *r,
                       uint64_t *sizes) RB_OPTIONAL;

/* Has iterators that are made with r read only the tables that keeps answers 1 for, by the values
 * of the first RB_TABLE_TAGGED properties. state must outlive them. */
rb_status rb_cxx_table_filter(rocksdb_readoptions_t *r,
                              uint8_t (*keeps)(const void *state, const uint64_t *values),
                              const void *state) RB_OPTIONAL;

/* rocksdb_iter_refresh: the iterator shows the newest state, and stands nowhere. */
rb_status rb_cxx_refresh(rocksdb_iterator_t *it) RB_OPTIONAL;

/* A write buffer manager of C++: its memtables are charged to a cache. */
typedef struct rb_cxx_buffers rb_cxx_buffers;

/* Makes one for so many bytes, which never stalls writes. It lives until rb_cxx_buffers_free and
 * the end of the last database that uses it. NULL when memory is short. */
rb_cxx_buffers *rb_cxx_buffers_new(size_t bytes, const rocksdb_cache_t *cache) RB_OPTIONAL;

/* Gives up the caller's hold. */
void rb_cxx_buffers_free(rb_cxx_buffers *b) RB_OPTIONAL;

/* Changes the limit. */
void rb_cxx_buffers_resize(rb_cxx_buffers *b, size_t bytes) RB_OPTIONAL;

/* How many bytes all memtables take. */
size_t rb_cxx_buffers_used(const rb_cxx_buffers *b) RB_OPTIONAL;

/* How many bytes stand for them in the cache. */
size_t rb_cxx_buffers_charge(const rb_cxx_buffers *b) RB_OPTIONAL;

/* Has the databases that are opened with o use it. */
void rb_cxx_buffers_use(rb_cxx_buffers *b, rocksdb_options_t *o) RB_OPTIONAL;

/* See rb_pause_background. */
rb_status rb_cxx_pause(rocksdb_t *db) RB_OPTIONAL;

/* See rb_continue_background. */
rb_status rb_cxx_continue(rocksdb_t *db) RB_OPTIONAL;

/* The file of a trace that is under way. */
typedef struct rb_cxx_trace rb_cxx_trace;

/* See rb_tracing_start. *t lives until rb_cxx_trace_end, and is NULL on error. */
rb_status rb_cxx_trace_start(rocksdb_t *db, uint32_t kind, const char *path,
                             const rb_trace_options *o, rb_cxx_trace **t) RB_OPTIONAL;

/* See rb_tracing_end; of all kinds everything that went wrong is told. */
rb_status rb_cxx_trace_end(rocksdb_t *db, uint32_t kind, rb_cxx_trace *t) RB_OPTIONAL;

/* See rb_compact_files, but that nothing stops it. */
rb_status rb_cxx_compact_files(rocksdb_t *db, rocksdb_column_family_handle_t *family,
                               const char *names, size_t n, int32_t level,
                               uint64_t most) RB_OPTIONAL;

/* Takes what is told of one file: numbers and texts as in rb_family_files. */
typedef void (*rb_cxx_tell)(void *to, const uint64_t *numbers, const char *const *texts);

/* See rb_all_files_get: numbers and texts are those of its records. */
rb_status rb_cxx_all_files(rocksdb_t *db, rb_cxx_tell tell, void *to) RB_OPTIONAL;

/* See rb_family_export. *comparator is malloc'd, and NULL when memory is short. */
rb_status rb_cxx_export(rocksdb_t *db, rocksdb_column_family_handle_t *family, const char *dir,
                        rb_cxx_tell tell, void *to, char **comparator) RB_OPTIONAL;

/* Files for rb_cxx_import. */
typedef struct rb_cxx_files rb_cxx_files;

/* Makes a list of none, which lives until rb_cxx_files_free. NULL when memory is short. */
rb_cxx_files *rb_cxx_files_new(const char *dir, const char *comparator) RB_OPTIONAL;

/* Adds a copy of what is told of one file. */
rb_status rb_cxx_files_add(rb_cxx_files *l, const uint64_t *numbers,
                           const char *const *texts) RB_OPTIONAL;

/* Ends the list. */
void rb_cxx_files_free(rb_cxx_files *l) RB_OPTIONAL;

/* Makes a family from files. *h may be not NULL on error, and is then of no family. */
rb_status rb_cxx_import(rocksdb_t *db, const rocksdb_options_t *o, const char *name,
                        rb_cxx_files *l, uint8_t move,
                        rocksdb_column_family_handle_t **h) RB_OPTIONAL;

/* Whether rb_cxx_import keeps the ends of files: see rb_family_import_bounds. */
uint8_t rb_cxx_import_bounds(void) RB_OPTIONAL;

/* A manager of table files of C++: see rb_disk. */
typedef struct rb_cxx_disk rb_cxx_disk;

/* Makes one, which lives until rb_cxx_disk_free and the end of the last database that uses it. NULL
 * when memory is short. */
rb_cxx_disk *rb_cxx_disk_new(void) RB_OPTIONAL;

/* Gives up the caller's hold. */
void rb_cxx_disk_free(rb_cxx_disk *d) RB_OPTIONAL;

/* Changes how fast files are deleted. */
void rb_cxx_disk_set(rb_cxx_disk *d, uint64_t rate, double share) RB_OPTIONAL;

/* How many bytes all files take. */
uint64_t rb_cxx_disk_files(rb_cxx_disk *d) RB_OPTIONAL;

/* How many bytes files, and logs, take that wait for their deletion. */
uint64_t rb_cxx_disk_trash(rb_cxx_disk *d) RB_OPTIONAL;

/* Has the databases that are opened with o use it. */
void rb_cxx_disk_use(rb_cxx_disk *d, rocksdb_options_t *o) RB_OPTIONAL;

/* Reads all columns of a key. *len gets how many bytes they take; they are in buf if that is at
 * most cap, else in *rest, which is malloc'd and NULL otherwise. RB_NOT_FOUND without a text. */
rb_status rb_cxx_get_entity(rocksdb_t *db, const rocksdb_readoptions_t *o,
                            rocksdb_column_family_handle_t *family, const char *key, size_t klen,
                            uint8_t *buf, size_t cap, uint8_t **rest, size_t *len) RB_OPTIONAL;

/* All columns of the row that an iterator stands on: *len gets how many bytes they take, which are
 * in buf if that is at most cap; else nothing is there. */
rb_status rb_cxx_columns(const rocksdb_iterator_t *it, uint8_t *buf, size_t cap,
                         size_t *len) RB_OPTIONAL;

#ifdef __cplusplus
}
#else
#include <stdbool.h>

/* Whether the C++ part is compiled in, and fits the RocksDB that is linked. */
static inline bool rb_cxx_offered(void) {
  return rb_cxx_refusal != NULL && rb_cxx_refusal() == NULL;
}
#endif

#endif
