/* The plain C loops that every other peer is compared with: RocksDB's C API, one call from Go for a
   whole piece of work, timed inside. */
#ifndef LOOP_H
#define LOOP_H

#include <stddef.h>
#include <stdint.h>

#include <rocksdb/c.h>

/* An open database with what its calls need. */
typedef struct loop_db {
  rocksdb_t *db;
  rocksdb_column_family_handle_t *family; /* the default one */
  rocksdb_options_t *options;
  rocksdb_cache_t *cache;
  rocksdb_readoptions_t *read;
  rocksdb_writeoptions_t *write;
} loop_db;

/* How to open it. All sizes are bytes. */
typedef struct loop_config {
  uint64_t cache, memtable, block;
  double bloom;        /* bits for each key; 0: no filter */
  const char *options; /* by RocksDB's names; may be empty */
  uint8_t exists;
} loop_config;

/* What a loop saw, as Sum in bench/works. error is NULL, or to be freed by rocksdb_free through
   loop_free. */
typedef struct loop_sum {
  int64_t rows, bytes;
  uint64_t check;
  int64_t nanos;
  char *error;
} loop_sum;

/* Rows in the caller's memory, as Rows in bench/works: keys one after the other, each width bytes,
   and values of size bytes in pool, from their offsets on. */
typedef struct loop_rows {
  const char *keys, *pool;
  const uint32_t *offsets;
  size_t count, width, size;
} loop_rows;

/* Opens a database into *out, whose members are all set or all NULL. */
char *loop_open(const char *dir, loop_config config, loop_db *out);
/* Closes it and frees what it had. */
void loop_close(loop_db *db);
/* Frees an error. */
void loop_free(char *error);
/* Flushes, and compacts everything. */
loop_sum loop_settle(loop_db *db);

/* Goes over everything: seek, then valid, key, value and next or prev for each row. */
loop_sum loop_scan(loop_db *db, int reverse);
/* The same without a look at the bytes. */
loop_sum loop_count(loop_db *db);
/* Looks each key up, pinned or as a copy made by malloc. */
loop_sum loop_get(loop_db *db, loop_rows keys, int pinned);
/* Looks group keys up at a time, by the batched lookup or by the older one. */
loop_sum loop_multiget(loop_db *db, loop_rows keys, size_t group, int batched);
/* Reads n rows from each key on, by one iterator. */
loop_sum loop_seek(loop_db *db, loop_rows keys, size_t n);
/* Counts the rows with the first prefix bytes of each key, by an iterator with bounds for each. */
loop_sum loop_prefix(loop_db *db, loop_rows keys, size_t prefix);
/* Writes all rows, n in each batch; with n = 1 by rocksdb_put. */
loop_sum loop_put(loop_db *db, loop_rows rows, size_t n);
/* Builds batches of the first n rows, until as many rows are in them as there are, and writes none.
 */
loop_sum loop_build(loop_rows rows, size_t n);
/* Does operations: kinds as in bench/works/trace.go, lengths of the scans. */
loop_sum loop_replay(loop_db *db, loop_rows rows, const uint8_t *kinds, const uint16_t *lengths);

#endif
