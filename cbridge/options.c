/* options.c: plain settings, turned into RocksDB's option objects. */
#include <string.h>

#include "cxx.h"
#include "handles.h"
#include "later.h"

rocksdb_readoptions_t *rb_readoptions_new(uint32_t flags) {
  rocksdb_readoptions_t *r = rocksdb_readoptions_create();
  if (r == NULL) {
    return NULL;
  }
  if (flags & RB_READ_CACHE_ONLY) {
    rocksdb_readoptions_set_read_tier(r, 1); /* kBlockCacheTier */
  }
  if (flags & RB_READ_NO_FILL) {
    rocksdb_readoptions_set_fill_cache(r, 0);
  }
  if (flags & RB_READ_NO_VERIFY) {
    rocksdb_readoptions_set_verify_checksums(r, 0);
  }
  if ((flags & RB_READ_ASYNC_IO) && rocksdb_readoptions_set_async_io != NULL) {
    rocksdb_readoptions_set_async_io(r, 1);
  }
  if ((flags & RB_READ_ADAPTIVE) && rocksdb_readoptions_set_adaptive_readahead != NULL) {
    rocksdb_readoptions_set_adaptive_readahead(r, 1);
  }
  /* Without it a family with a prefix extractor silently misses rows outside the seek's prefix. */
  rocksdb_readoptions_set_total_order_seek(r, 1);
  return r;
}

rocksdb_writeoptions_t *rb_writeoptions_new(uint32_t flags) {
  rocksdb_writeoptions_t *w = rocksdb_writeoptions_create();
  if (w == NULL) {
    return NULL;
  }
  rocksdb_writeoptions_set_sync(w, (flags & RB_WRITE_SYNC) != 0);
  rocksdb_writeoptions_disable_WAL(w, (flags & RB_WRITE_NO_WAL) != 0);
  rocksdb_writeoptions_set_no_slowdown(w, (flags & RB_WRITE_NO_SLOWDOWN) != 0);
  rocksdb_writeoptions_set_low_pri(w, (flags & RB_WRITE_LOW_PRIORITY) != 0);
  return w;
}

/* Table options: the block cache, block size, filter, and a format that old readers know. */
static bool rb_set_table(rocksdb_options_t *out, rb_family_options o, rocksdb_cache_t *cache) {
  rocksdb_block_based_table_options_t *t = rocksdb_block_based_options_create();
  if (t == NULL) {
    return false;
  }
  rocksdb_block_based_options_set_format_version(t, 5);
  if (cache != NULL) {
    rocksdb_block_based_options_set_block_cache(t, cache);
  } else {
    rocksdb_block_based_options_set_no_block_cache(t, 1);
  }
  if (o.cache_index) {
    rocksdb_block_based_options_set_cache_index_and_filter_blocks(t, 1);
  }
  if (o.block_size > 0) {
    rocksdb_block_based_options_set_block_size(t, (size_t)o.block_size);
  }
  if (o.bloom_bits_per_key > 0) {
    /* The table options take ownership of the policy. */
    rocksdb_block_based_options_set_filter_policy(
        t, rocksdb_filterpolicy_create_bloom_full(o.bloom_bits_per_key));
  }
  rocksdb_options_set_block_based_table_factory(out, t);
  rocksdb_block_based_options_destroy(t);
  return true;
}

/* Whether an option string sets a comparator: the word, and then "=", as a name of its own. */
static bool rb_sets_comparator(const char *text) {
  static const char word[] = "comparator";
  for (const char *at = text; (at = strstr(at, word)) != NULL; at += sizeof word - 1) {
    const char *after = at + sizeof word - 1;
    char before = at == text ? ';' : at[-1];
    if (strchr("; {", before) != NULL && after[strspn(after, " ")] == '=') {
      return true;
    }
  }
  return false;
}

/* Makes options with the settings of text on top of base. *out is NULL on error. */
static rb_status rb_options_parse(const rocksdb_options_t *base, const char *text,
                                  rocksdb_options_t **out) {
  char *err = NULL;
  *out = rocksdb_options_create();
  if (*out == NULL) {
    return rb_status_make(RB_NO_MEMORY, NULL);
  }
  rocksdb_get_options_from_string(base, text, *out, &err);
  if (err != NULL) {
    rocksdb_options_destroy(*out);
    *out = NULL;
  }
  return rb_status_from(err);
}

rb_status rb_options_by_name(rocksdb_options_t **o, const char *text) {
  if (text == NULL || text[0] == '\0') {
    return rb_ok();
  }
  if (rb_sets_comparator(text)) {
    return rb_status_make(RB_UNSUPPORTED, "comparator: it is not chosen by name");
  }
  rocksdb_options_t *named;
  rb_status s = rb_options_parse(*o, text, &named);
  if (s.code == RB_OK) {
    rocksdb_options_destroy(*o);
    *o = named;
  }
  return s;
}

rocksdb_cache_t *rb_cache_new(size_t size, rb_db_options opts) {
  if (opts.hyper_clock && rb_supports(RB_FEATURE_HYPER_CLOCK)) {
    return rocksdb_cache_create_hyper_clock(size, (size_t)opts.cache_entry);
  }
  return rocksdb_cache_create_lru(size);
}

rb_status rb_db_options_offered(rb_db_options opts) {
  if (opts.rate_limit_mode > RB_LIMIT_ALL) {
    return rb_status_make(RB_INVALID_ARGUMENT, "unknown mode of the rate limit");
  }
  bool offered =
      (!opts.hyper_clock || rb_supports(RB_FEATURE_HYPER_CLOCK)) &&
      (!opts.rate_limit_tunes || rb_supports(RB_FEATURE_TUNED_RATE_LIMIT)) &&
      (opts.rate_limit_mode == RB_LIMIT_WRITES || rb_supports(RB_FEATURE_RATE_LIMIT_MODE)) &&
      (!opts.manual_recovery || rb_supports(RB_FEATURE_RESUME));
  return offered ? rb_ok() : rb_status_make(RB_UNSUPPORTED, NULL);
}

/* The limiter of a RocksDB that offers what opts want of it in C; NULL: memory is short. */
static rocksdb_ratelimiter_t *limiter_new(rb_db_options opts, int mode) {
  int64_t rate = (int64_t)opts.rate_limit;
  if (opts.rate_limit_mode != RB_LIMIT_WRITES) {
    return rocksdb_ratelimiter_create_with_mode(rate, RB_REFILL_MICROS, RB_FAIRNESS, mode,
                                                opts.rate_limit_tunes != 0);
  }
  return opts.rate_limit_tunes
             ? rocksdb_ratelimiter_create_auto_tuned(rate, RB_REFILL_MICROS, RB_FAIRNESS)
             : rocksdb_ratelimiter_create(rate, RB_REFILL_MICROS, RB_FAIRNESS);
}

rb_status rb_options_set_rate_limit(rocksdb_options_t *o, rb_db_options opts) {
  static const int modes[] = {[RB_LIMIT_WRITES] = 1, [RB_LIMIT_READS] = 0, [RB_LIMIT_ALL] = 2};
  if (opts.rate_limit == 0) {
    return rb_ok();
  }
  int mode = modes[opts.rate_limit_mode];
  bool in_c = (opts.rate_limit_mode == RB_LIMIT_WRITES || rocksdb_ratelimiter_create_with_mode) &&
              (!opts.rate_limit_tunes || rocksdb_ratelimiter_create_auto_tuned);
  if (!in_c) {
    return rb_cxx_limit(o, (int64_t)opts.rate_limit, mode, opts.rate_limit_tunes);
  }
  rocksdb_ratelimiter_t *l = limiter_new(opts, mode);
  if (l == NULL) {
    return rb_status_make(RB_NO_MEMORY, NULL);
  }
  rocksdb_options_set_ratelimiter(o, l); /* shared: ours ends here */
  rocksdb_ratelimiter_destroy(l);
  return rb_ok();
}

rb_status rb_options_bytewise(const rocksdb_options_t *base, rocksdb_options_t **out) {
  return rb_options_parse(base, "comparator=leveldb.BytewiseComparator", out);
}

rb_status rb_options_reversed(const rocksdb_options_t *base, rocksdb_options_t **out) {
  return rb_options_parse(base, "comparator=rocksdb.ReverseBytewiseComparator", out);
}

rb_status rb_options_stamped(const rocksdb_options_t *base, rocksdb_options_t **out) {
  return rb_options_parse(base, "comparator=leveldb.BytewiseComparator.u64ts", out);
}

rb_status rb_family_options_check(const rocksdb_options_t *o) {
  /* RocksDB hands out no snapshot then and says nothing: reads would show the newest state. */
  if (rocksdb_options_get_inplace_update_support((rocksdb_options_t *)o)) {
    return rb_status_make(RB_UNSUPPORTED, "inplace_update_support: snapshots would not hold");
  }
  return rb_ok();
}

rb_status rb_family_options_new(rb_family_options o, rocksdb_cache_t *cache,
                                rocksdb_options_t **out) {
  *out = NULL;
  rocksdb_options_t *typed = rocksdb_options_create();
  if (typed == NULL) {
    return rb_status_make(RB_NO_MEMORY, NULL);
  }
  if (o.write_buffer_size > 0) {
    rocksdb_options_set_write_buffer_size(typed, (size_t)o.write_buffer_size);
  }
  if (o.compression >= 0) {
    rocksdb_options_set_compression(typed, o.compression);
  }
  rb_status s = rb_options_set_operators(typed, o.operators);
  if (s.code == RB_OK && !rb_set_table(typed, o, cache)) {
    s = rb_status_make(RB_NO_MEMORY, NULL);
  }
  if (s.code == RB_OK) {
    s = rb_options_by_name(&typed, o.named);
  }
  if (s.code != RB_OK) {
    rocksdb_options_destroy(typed);
    return s;
  }
  *out = typed;
  return rb_ok();
}
