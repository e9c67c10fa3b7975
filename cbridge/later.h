/*
 * later.h: functions that versions of RocksDB after 7.8 added to rocksdb/c.h.
 *
 * Each is declared again here as weak, with the signature that every version has which has it. In a
 * program linked with an older library its address is NULL: test it before the call and answer
 * RB_UNSUPPORTED. So one source tree serves every version, chosen when the program starts.
 */
#ifndef RB_LATER_H
#define RB_LATER_H

#include <stdbool.h>

#include "rocksdb/c.h"

#define RB_WEAK __attribute__((weak))

/* 7.10 */
extern void rocksdb_readoptions_set_async_io(rocksdb_readoptions_t *opt, unsigned char v) RB_WEAK;

/* 8.1 */
extern void rocksdb_flush_cfs(rocksdb_t *db, const rocksdb_flushoptions_t *options,
                              rocksdb_column_family_handle_t **families, int num_families,
                              char **errptr) RB_WEAK;

extern void rocksdb_ingestexternalfileoptions_set_fail_if_not_bottommost_level(
    rocksdb_ingestexternalfileoptions_t *opt, unsigned char fail_if_not_bottommost_level) RB_WEAK;

extern rocksdb_cache_t *rocksdb_cache_create_hyper_clock(size_t capacity,
                                                         size_t estimated_entry_charge) RB_WEAK;

/* 8.5 */
extern rocksdb_column_family_handle_t **
rocksdb_create_column_families(rocksdb_t *db, const rocksdb_options_t *column_family_options,
                               int num_column_families, const char *const *column_family_names,
                               size_t *lencfs, char **errptr) RB_WEAK;
extern void rocksdb_create_column_families_destroy(rocksdb_column_family_handle_t **list) RB_WEAK;

extern rocksdb_t *rocksdb_transactiondb_get_base_db(rocksdb_transactiondb_t *txn_db) RB_WEAK;
extern void rocksdb_transactiondb_close_base_db(rocksdb_t *base_db) RB_WEAK;

/* 8.6 */
extern void rocksdb_options_set_statistics_level(rocksdb_options_t *opt, int level) RB_WEAK;

/* 8.7 */
typedef struct rocksdb_wait_for_compact_options_t rocksdb_wait_for_compact_options_t;
extern rocksdb_wait_for_compact_options_t *rocksdb_wait_for_compact_options_create(void) RB_WEAK;
extern void rocksdb_wait_for_compact_options_destroy(rocksdb_wait_for_compact_options_t *opt)
    RB_WEAK;
extern void rocksdb_wait_for_compact_options_set_timeout(rocksdb_wait_for_compact_options_t *opt,
                                                         uint64_t microseconds) RB_WEAK;
extern void rocksdb_wait_for_compact(rocksdb_t *db, rocksdb_wait_for_compact_options_t *options,
                                     char **errptr) RB_WEAK;

/* 8.9 */
typedef struct rocksdb_write_buffer_manager_t rocksdb_write_buffer_manager_t;
extern rocksdb_write_buffer_manager_t *
rocksdb_write_buffer_manager_create_with_cache(size_t buffer_size, const rocksdb_cache_t *cache,
                                               bool allow_stall) RB_WEAK;
extern void rocksdb_write_buffer_manager_destroy(rocksdb_write_buffer_manager_t *wbm) RB_WEAK;
extern size_t rocksdb_write_buffer_manager_memory_usage(rocksdb_write_buffer_manager_t *wbm)
    RB_WEAK;
extern size_t
rocksdb_write_buffer_manager_dummy_entries_in_cache_usage(rocksdb_write_buffer_manager_t *wbm)
    RB_WEAK;
extern void rocksdb_write_buffer_manager_set_buffer_size(rocksdb_write_buffer_manager_t *wbm,
                                                         size_t new_size) RB_WEAK;
extern void rocksdb_options_set_write_buffer_manager(rocksdb_options_t *opt,
                                                     rocksdb_write_buffer_manager_t *wbm) RB_WEAK;

extern rocksdb_ratelimiter_t *rocksdb_ratelimiter_create_auto_tuned(int64_t rate_bytes_per_sec,
                                                                    int64_t refill_period_us,
                                                                    int32_t fairness) RB_WEAK;

/* 9.0. RocksDB's mode: 0 reads, 1 writes, 2 both. */
extern rocksdb_ratelimiter_t *rocksdb_ratelimiter_create_with_mode(int64_t rate_bytes_per_sec,
                                                                   int64_t refill_period_us,
                                                                   int32_t fairness, int mode,
                                                                   bool auto_tuned) RB_WEAK;

extern uint64_t rocksdb_snapshot_get_sequence_number(const rocksdb_snapshot_t *snapshot) RB_WEAK;

/* 9.4 */
extern void rocksdb_iter_refresh(const rocksdb_iterator_t *iter, char **errptr) RB_WEAK;

extern char *rocksdb_get_db_identity(rocksdb_t *db, size_t *id_len) RB_WEAK;

/* 9.5 */
enum { RB_SIZE_MEMTABLES = 1, RB_SIZE_FILES = 2 };
extern void rocksdb_approximate_sizes_cf_with_flags(
    rocksdb_t *db, rocksdb_column_family_handle_t *column_family, int num_ranges,
    const char *const *range_start_key, const size_t *range_start_key_len,
    const char *const *range_limit_key, const size_t *range_limit_key_len, uint8_t include_flags,
    uint64_t *sizes, char **errptr) RB_WEAK;

/* 9.11 */
extern void rocksdb_compactoptions_set_max_subcompactions(rocksdb_compactoptions_t *opt, int v)
    RB_WEAK;
extern void rocksdb_compactoptions_set_allow_write_stall(rocksdb_compactoptions_t *opt,
                                                         unsigned char v) RB_WEAK;

/* 10.3 */
typedef struct rocksdb_flushjobinfo_t rocksdb_flushjobinfo_t;
typedef struct rocksdb_compactionjobinfo_t rocksdb_compactionjobinfo_t;
typedef struct rocksdb_subcompactionjobinfo_t rocksdb_subcompactionjobinfo_t;
typedef struct rocksdb_externalfileingestioninfo_t rocksdb_externalfileingestioninfo_t;
typedef struct rocksdb_eventlistener_t rocksdb_eventlistener_t;
typedef struct rocksdb_writestallinfo_t rocksdb_writestallinfo_t;
typedef struct rocksdb_writestallcondition_t rocksdb_writestallcondition_t;
typedef struct rocksdb_memtableinfo_t rocksdb_memtableinfo_t;
typedef struct rocksdb_status_ptr_t rocksdb_status_ptr_t;
extern const char *rocksdb_flushjobinfo_cf_name(const rocksdb_flushjobinfo_t *info, size_t *len)
    RB_WEAK;
extern const char *rocksdb_flushjobinfo_file_path(const rocksdb_flushjobinfo_t *info, size_t *len)
    RB_WEAK;
extern uint64_t rocksdb_flushjobinfo_smallest_seqno(const rocksdb_flushjobinfo_t *info) RB_WEAK;
extern uint64_t rocksdb_flushjobinfo_largest_seqno(const rocksdb_flushjobinfo_t *info) RB_WEAK;
extern void rocksdb_compactionjobinfo_status(const rocksdb_compactionjobinfo_t *info, char **errptr)
    RB_WEAK;
extern const char *rocksdb_compactionjobinfo_cf_name(const rocksdb_compactionjobinfo_t *info,
                                                     size_t *len) RB_WEAK;
extern uint32_t rocksdb_compactionjobinfo_compaction_reason(const rocksdb_compactionjobinfo_t *info)
    RB_WEAK;
extern int rocksdb_compactionjobinfo_base_input_level(const rocksdb_compactionjobinfo_t *info)
    RB_WEAK;
extern int rocksdb_compactionjobinfo_output_level(const rocksdb_compactionjobinfo_t *info) RB_WEAK;
extern size_t rocksdb_compactionjobinfo_input_files_count(const rocksdb_compactionjobinfo_t *info)
    RB_WEAK;
extern size_t rocksdb_compactionjobinfo_output_files_count(const rocksdb_compactionjobinfo_t *info)
    RB_WEAK;
extern uint64_t rocksdb_compactionjobinfo_input_records(const rocksdb_compactionjobinfo_t *info)
    RB_WEAK;
extern uint64_t rocksdb_compactionjobinfo_output_records(const rocksdb_compactionjobinfo_t *info)
    RB_WEAK;
extern uint64_t rocksdb_compactionjobinfo_total_input_bytes(const rocksdb_compactionjobinfo_t *info)
    RB_WEAK;
extern uint64_t
rocksdb_compactionjobinfo_total_output_bytes(const rocksdb_compactionjobinfo_t *info) RB_WEAK;
extern uint64_t rocksdb_compactionjobinfo_elapsed_micros(const rocksdb_compactionjobinfo_t *info)
    RB_WEAK;
extern const char *
rocksdb_externalfileingestioninfo_cf_name(const rocksdb_externalfileingestioninfo_t *info,
                                          size_t *len) RB_WEAK;
extern const char *rocksdb_externalfileingestioninfo_internal_file_path(
    const rocksdb_externalfileingestioninfo_t *info, size_t *len) RB_WEAK;
extern const char *rocksdb_writestallinfo_cf_name(const rocksdb_writestallinfo_t *info, size_t *len)
    RB_WEAK;
extern const rocksdb_writestallcondition_t *
rocksdb_writestallinfo_cur(const rocksdb_writestallinfo_t *info) RB_WEAK;
extern const rocksdb_writestallcondition_t *
rocksdb_writestallinfo_prev(const rocksdb_writestallinfo_t *info) RB_WEAK;
extern const char *rocksdb_memtableinfo_cf_name(const rocksdb_memtableinfo_t *info, size_t *len)
    RB_WEAK;
extern uint64_t rocksdb_memtableinfo_first_seqno(const rocksdb_memtableinfo_t *info) RB_WEAK;
extern uint64_t rocksdb_memtableinfo_num_entries(const rocksdb_memtableinfo_t *info) RB_WEAK;
extern uint64_t rocksdb_memtableinfo_num_deletes(const rocksdb_memtableinfo_t *info) RB_WEAK;
extern rocksdb_eventlistener_t *rocksdb_eventlistener_create(
    void *state, void (*destructor)(void *),
    void (*on_flush_begin)(void *, rocksdb_t *, const rocksdb_flushjobinfo_t *),
    void (*on_flush_completed)(void *, rocksdb_t *, const rocksdb_flushjobinfo_t *),
    void (*on_compaction_begin)(void *, rocksdb_t *, const rocksdb_compactionjobinfo_t *),
    void (*on_compaction_completed)(void *, rocksdb_t *, const rocksdb_compactionjobinfo_t *),
    void (*on_subcompaction_begin)(void *, const rocksdb_subcompactionjobinfo_t *),
    void (*on_subcompaction_completed)(void *, const rocksdb_subcompactionjobinfo_t *),
    void (*on_external_file_ingested)(void *, rocksdb_t *,
                                      const rocksdb_externalfileingestioninfo_t *),
    void (*on_background_error)(void *, uint32_t, rocksdb_status_ptr_t *),
    void (*on_stall_conditions_changed)(void *, const rocksdb_writestallinfo_t *),
    void (*on_memtable_sealed)(void *, const rocksdb_memtableinfo_t *)) RB_WEAK;
extern void rocksdb_options_add_eventlistener(rocksdb_options_t *opt,
                                              rocksdb_eventlistener_t *listener) RB_WEAK;

typedef struct rocksdb_sst_file_manager_t rocksdb_sst_file_manager_t;
extern rocksdb_sst_file_manager_t *rocksdb_sst_file_manager_create(rocksdb_env_t *env) RB_WEAK;
extern void rocksdb_sst_file_manager_destroy(rocksdb_sst_file_manager_t *sfm) RB_WEAK;
extern uint64_t rocksdb_sst_file_manager_get_total_size(rocksdb_sst_file_manager_t *sfm) RB_WEAK;
extern void
rocksdb_sst_file_manager_set_delete_rate_bytes_per_second(rocksdb_sst_file_manager_t *sfm,
                                                          int64_t delete_rate) RB_WEAK;
extern void rocksdb_sst_file_manager_set_max_trash_db_ratio(rocksdb_sst_file_manager_t *sfm,
                                                            double ratio) RB_WEAK;
extern uint64_t rocksdb_sst_file_manager_get_total_trash_size(rocksdb_sst_file_manager_t *sfm)
    RB_WEAK;

/* 10.6 */
extern void rocksdb_status_ptr_get_error(rocksdb_status_ptr_t *status, char **errptr) RB_WEAK;
extern void rocksdb_options_set_sst_file_manager(rocksdb_options_t *opt,
                                                 rocksdb_sst_file_manager_t *sfm) RB_WEAK;

/* By name it is an option of every collector from then on: nobody calls this. */
extern void rocksdb_options_add_compact_on_deletion_collector_factory_min_file_size(
    rocksdb_options_t *opt, size_t window_size, size_t num_dels_trigger, double deletion_ratio,
    uint64_t min_file_size) RB_WEAK;

/* 10.7 */
typedef struct rocksdb_livefile_t rocksdb_livefile_t;
typedef struct rocksdb_import_column_family_options_t rocksdb_import_column_family_options_t;
typedef struct rocksdb_export_import_files_metadata_t rocksdb_export_import_files_metadata_t;
extern rocksdb_export_import_files_metadata_t *
rocksdb_checkpoint_export_column_family(rocksdb_checkpoint_t *checkpoint,
                                        rocksdb_column_family_handle_t *column_family,
                                        const char *export_dir, char **errptr) RB_WEAK;
extern rocksdb_column_family_handle_t *rocksdb_create_column_family_with_import(
    rocksdb_t *db, rocksdb_options_t *column_family_options, const char *column_family_name,
    rocksdb_import_column_family_options_t *import_options,
    rocksdb_export_import_files_metadata_t *metadata, char **errptr) RB_WEAK;
extern rocksdb_import_column_family_options_t *rocksdb_import_column_family_options_create(void)
    RB_WEAK;
extern void
rocksdb_import_column_family_options_set_move_files(rocksdb_import_column_family_options_t *opt,
                                                    unsigned char v) RB_WEAK;
extern void
rocksdb_import_column_family_options_destroy(rocksdb_import_column_family_options_t *metadata)
    RB_WEAK;
extern rocksdb_export_import_files_metadata_t *rocksdb_export_import_files_metadata_create(void)
    RB_WEAK;
extern char *rocksdb_export_import_files_metadata_get_db_comparator_name(
    rocksdb_export_import_files_metadata_t *metadata) RB_WEAK;
extern void rocksdb_export_import_files_metadata_set_db_comparator_name(
    rocksdb_export_import_files_metadata_t *metadata, const char *name) RB_WEAK;
extern rocksdb_livefiles_t *
rocksdb_export_import_files_metadata_get_files(rocksdb_export_import_files_metadata_t *metadata)
    RB_WEAK;
extern void
rocksdb_export_import_files_metadata_set_files(rocksdb_export_import_files_metadata_t *metadata,
                                               rocksdb_livefiles_t *files) RB_WEAK;
extern void
rocksdb_export_import_files_metadata_destroy(rocksdb_export_import_files_metadata_t *metadata)
    RB_WEAK;
extern uint64_t rocksdb_livefiles_smallest_seqno(const rocksdb_livefiles_t *lf, int index) RB_WEAK;
extern uint64_t rocksdb_livefiles_largest_seqno(const rocksdb_livefiles_t *lf, int index) RB_WEAK;
extern rocksdb_livefiles_t *rocksdb_livefiles_create(void) RB_WEAK;
extern void rocksdb_livefiles_add(rocksdb_livefiles_t *lf, rocksdb_livefile_t *livefile) RB_WEAK;
extern rocksdb_livefile_t *rocksdb_livefile_create(void) RB_WEAK;
extern void rocksdb_livefile_set_level(rocksdb_livefile_t *lf, int level) RB_WEAK;
extern void rocksdb_livefile_set_name(rocksdb_livefile_t *lf, const char *name) RB_WEAK;
extern void rocksdb_livefile_set_directory(rocksdb_livefile_t *lf, const char *directory) RB_WEAK;
extern void rocksdb_livefile_set_size(rocksdb_livefile_t *lf, size_t size) RB_WEAK;
extern void rocksdb_livefile_set_smallest_key(rocksdb_livefile_t *lf, const char *smallest_key,
                                              size_t smallest_key_len) RB_WEAK;
extern void rocksdb_livefile_set_largest_key(rocksdb_livefile_t *lf, const char *largest_key,
                                             size_t largest_key_len) RB_WEAK;
extern void rocksdb_livefile_set_smallest_seqno(rocksdb_livefile_t *lf, uint64_t smallest_seqno)
    RB_WEAK;
extern void rocksdb_livefile_set_largest_seqno(rocksdb_livefile_t *lf, uint64_t largest_seqno)
    RB_WEAK;

/* 10.10 */
typedef struct rocksdb_compactionservice_scheduleresponse_t
    rocksdb_compactionservice_scheduleresponse_t;
typedef struct rocksdb_compactionservice_jobinfo_t rocksdb_compactionservice_jobinfo_t;
typedef struct rocksdb_compactionservice_t rocksdb_compactionservice_t;
typedef struct rocksdb_compaction_service_options_override_t
    rocksdb_compaction_service_options_override_t;
typedef struct rocksdb_open_and_compact_options_t rocksdb_open_and_compact_options_t;
typedef rocksdb_compactionservice_scheduleresponse_t *(*rocksdb_compaction_service_schedule_cb)(
    void *state, const rocksdb_compactionservice_jobinfo_t *info,
    const char *compaction_service_input, size_t input_len);
typedef int (*rocksdb_compaction_service_wait_cb)(void *state, const char *scheduled_job_id,
                                                  char **result, size_t *result_len);
typedef void (*rocksdb_compaction_service_cancel_awaiting_jobs_cb)(void *state);
typedef void (*rocksdb_compaction_service_on_installation_cb)(void *state,
                                                              const char *scheduled_job_id,
                                                              int status);
enum { RB_JOB_DONE = 0, RB_JOB_LOCAL = 3 }; /* the statuses of a job that the glue uses */
extern rocksdb_compactionservice_scheduleresponse_t *
rocksdb_compactionservice_scheduleresponse_create(const char *scheduled_job_id, int status,
                                                  char **errptr) RB_WEAK;
extern rocksdb_compactionservice_scheduleresponse_t *
rocksdb_compactionservice_scheduleresponse_create_with_status(int status, char **errptr) RB_WEAK;
extern const char *
rocksdb_compactionservice_jobinfo_t_get_db_id(const rocksdb_compactionservice_jobinfo_t *info,
                                              size_t *len) RB_WEAK;
extern const char *rocksdb_compactionservice_jobinfo_t_get_db_session_id(
    const rocksdb_compactionservice_jobinfo_t *info, size_t *len) RB_WEAK;
extern const char *
rocksdb_compactionservice_jobinfo_t_get_cf_name(const rocksdb_compactionservice_jobinfo_t *info,
                                                size_t *len) RB_WEAK;
extern uint64_t
rocksdb_compactionservice_jobinfo_t_get_job_id(const rocksdb_compactionservice_jobinfo_t *info)
    RB_WEAK;
extern int
rocksdb_compactionservice_jobinfo_t_get_priority(const rocksdb_compactionservice_jobinfo_t *info)
    RB_WEAK;
extern int rocksdb_compactionservice_jobinfo_t_get_compaction_reason(
    const rocksdb_compactionservice_jobinfo_t *info) RB_WEAK;
extern int rocksdb_compactionservice_jobinfo_t_get_base_input_level(
    const rocksdb_compactionservice_jobinfo_t *info) RB_WEAK;
extern int rocksdb_compactionservice_jobinfo_t_get_output_level(
    const rocksdb_compactionservice_jobinfo_t *info) RB_WEAK;
extern unsigned char rocksdb_compactionservice_jobinfo_t_is_full_compaction(
    const rocksdb_compactionservice_jobinfo_t *info) RB_WEAK;
extern unsigned char rocksdb_compactionservice_jobinfo_t_is_manual_compaction(
    const rocksdb_compactionservice_jobinfo_t *info) RB_WEAK;
extern unsigned char rocksdb_compactionservice_jobinfo_t_is_bottommost_level(
    const rocksdb_compactionservice_jobinfo_t *info) RB_WEAK;
extern rocksdb_compactionservice_t *rocksdb_compactionservice_create(
    void *state, void (*destructor)(void *), rocksdb_compaction_service_schedule_cb schedule,
    const char *name, rocksdb_compaction_service_wait_cb wait,
    rocksdb_compaction_service_cancel_awaiting_jobs_cb cancel_awaiting_jobs,
    rocksdb_compaction_service_on_installation_cb on_installation) RB_WEAK;
extern void rocksdb_options_set_compaction_service(rocksdb_options_t *options,
                                                   rocksdb_compactionservice_t *service) RB_WEAK;
extern void rocksdb_compaction_service_options_override_destroy(
    rocksdb_compaction_service_options_override_t *override_options) RB_WEAK;
extern unsigned char *rocksdb_open_and_compact_canceled_create(void) RB_WEAK;
extern void rocksdb_open_and_compact_canceled_destroy(unsigned char *canceled) RB_WEAK;
extern void rocksdb_open_and_compact_canceled_set(unsigned char *canceled, unsigned char value)
    RB_WEAK;
extern rocksdb_open_and_compact_options_t *rocksdb_open_and_compact_options_create(void) RB_WEAK;
extern void rocksdb_open_and_compact_options_destroy(rocksdb_open_and_compact_options_t *options)
    RB_WEAK;
extern void
rocksdb_open_and_compact_options_set_canceled(rocksdb_open_and_compact_options_t *options,
                                              unsigned char *canceled) RB_WEAK;
extern char *rocksdb_open_and_compact_with_options(
    const rocksdb_open_and_compact_options_t *options, const char *db_path,
    const char *output_directory, const char *input, size_t input_len, size_t *output_len,
    const rocksdb_compaction_service_options_override_t *override_options, char **errptr) RB_WEAK;

/* 10.11 */
extern rocksdb_compaction_service_options_override_t *
rocksdb_compaction_service_options_override_create_from_options(rocksdb_options_t *option) RB_WEAK;
extern void rocksdb_compaction_service_options_override_set_option(
    rocksdb_compaction_service_options_override_t *override_options, const char *key,
    const char *value) RB_WEAK;

/* 11.5 */
extern void rocksdb_set_db_options(rocksdb_t *db, int count, const char *const keys[],
                                   const char *const values[], char **errptr) RB_WEAK;
extern void rocksdb_backup_engine_stop_backup(rocksdb_backup_engine_t *be) RB_WEAK;

/* 11.6 */
typedef struct rocksdb_create_backup_options_t rocksdb_create_backup_options_t;
extern rocksdb_create_backup_options_t *rocksdb_create_backup_options_create(void) RB_WEAK;
extern void rocksdb_create_backup_options_destroy(rocksdb_create_backup_options_t *options) RB_WEAK;
extern void
rocksdb_create_backup_options_set_flush_before_backup(rocksdb_create_backup_options_t *opt,
                                                      unsigned char v) RB_WEAK;
extern void rocksdb_backup_engine_create_new_backup_with_metadata(
    rocksdb_backup_engine_t *be, rocksdb_t *db, const rocksdb_create_backup_options_t *options,
    const char *app_metadata, size_t app_metadata_len, uint32_t *backup_id, char **errptr) RB_WEAK;

typedef struct rocksdb_trace_options_t rocksdb_trace_options_t;
extern rocksdb_trace_options_t *rocksdb_trace_options_create(void) RB_WEAK;
extern void rocksdb_trace_options_destroy(rocksdb_trace_options_t *options) RB_WEAK;
extern void rocksdb_trace_options_set_max_trace_file_size(rocksdb_trace_options_t *opt, uint64_t v)
    RB_WEAK;
extern void rocksdb_trace_options_set_sampling_frequency(rocksdb_trace_options_t *opt, uint64_t v)
    RB_WEAK;
extern void rocksdb_trace_options_set_filter(rocksdb_trace_options_t *opt, uint64_t v) RB_WEAK;
extern void rocksdb_trace_options_set_preserve_write_order(rocksdb_trace_options_t *opt,
                                                           unsigned char v) RB_WEAK;
extern void rocksdb_start_trace(rocksdb_t *db, rocksdb_env_t *env,
                                const rocksdb_envoptions_t *env_options,
                                const rocksdb_trace_options_t *options, const char *trace_path,
                                char **errptr) RB_WEAK;
extern void rocksdb_end_trace(rocksdb_t *db, char **errptr) RB_WEAK;
extern void rocksdb_start_io_trace(rocksdb_t *db, rocksdb_env_t *env,
                                   const rocksdb_envoptions_t *env_options,
                                   const rocksdb_trace_options_t *options, const char *trace_path,
                                   char **errptr) RB_WEAK;
extern void rocksdb_end_io_trace(rocksdb_t *db, char **errptr) RB_WEAK;
extern void rocksdb_start_block_cache_trace(rocksdb_t *db, rocksdb_env_t *env,
                                            const rocksdb_envoptions_t *env_options,
                                            const rocksdb_trace_options_t *options,
                                            const char *trace_path, char **errptr) RB_WEAK;
extern void rocksdb_end_block_cache_trace(rocksdb_t *db, char **errptr) RB_WEAK;

extern void rocksdb_pause_background_work(rocksdb_t *db, char **errptr) RB_WEAK;
extern void rocksdb_continue_background_work(rocksdb_t *db, char **errptr) RB_WEAK;

typedef struct rocksdb_compaction_options_t rocksdb_compaction_options_t;
extern rocksdb_compaction_options_t *rocksdb_compaction_options_create(void) RB_WEAK;
extern void rocksdb_compaction_options_destroy(rocksdb_compaction_options_t *opt) RB_WEAK;
extern void rocksdb_compaction_options_set_output_file_size_limit(rocksdb_compaction_options_t *opt,
                                                                  uint64_t v) RB_WEAK;
extern unsigned char *rocksdb_compaction_options_canceled_create(void) RB_WEAK;
extern void rocksdb_compaction_options_canceled_destroy(unsigned char *canceled) RB_WEAK;
extern void rocksdb_compaction_options_canceled_set(unsigned char *canceled, unsigned char value)
    RB_WEAK;
extern void rocksdb_compaction_options_set_canceled(rocksdb_compaction_options_t *options,
                                                    unsigned char *canceled) RB_WEAK;
extern void rocksdb_compact_files_cf(rocksdb_t *db, rocksdb_column_family_handle_t *column_family,
                                     const rocksdb_compaction_options_t *options,
                                     const char *const *input_file_names,
                                     size_t num_input_file_names, int output_level,
                                     int output_path_id, char ***output_file_names,
                                     size_t *num_output_file_names,
                                     rocksdb_compactionjobinfo_t *compaction_job_info,
                                     char **errptr) RB_WEAK;

extern void rocksdb_readoptions_set_adaptive_readahead(rocksdb_readoptions_t *opt, unsigned char v)
    RB_WEAK;

typedef struct rocksdb_livefiles_storage_info_options_t rocksdb_livefiles_storage_info_options_t;
typedef struct rocksdb_livefiles_storage_info_t rocksdb_livefiles_storage_info_t;
extern rocksdb_livefiles_storage_info_options_t *rocksdb_livefiles_storage_info_options_create(void)
    RB_WEAK;
extern void
rocksdb_livefiles_storage_info_options_destroy(rocksdb_livefiles_storage_info_options_t *options)
    RB_WEAK;
extern void rocksdb_livefiles_storage_info_options_set_wal_size_for_flush(
    rocksdb_livefiles_storage_info_options_t *opt, uint64_t v) RB_WEAK;
extern rocksdb_livefiles_storage_info_t *rocksdb_get_livefiles_storage_info(
    rocksdb_t *db, const rocksdb_livefiles_storage_info_options_t *options, char **errptr) RB_WEAK;
extern size_t rocksdb_livefiles_storage_info_count(const rocksdb_livefiles_storage_info_t *info)
    RB_WEAK;
extern const char *
rocksdb_livefiles_storage_info_relative_filename(const rocksdb_livefiles_storage_info_t *info,
                                                 size_t index) RB_WEAK;
extern const char *
rocksdb_livefiles_storage_info_directory(const rocksdb_livefiles_storage_info_t *info, size_t index)
    RB_WEAK;
extern uint64_t
rocksdb_livefiles_storage_info_file_number(const rocksdb_livefiles_storage_info_t *info,
                                           size_t index) RB_WEAK;
extern int rocksdb_livefiles_storage_info_file_type(const rocksdb_livefiles_storage_info_t *info,
                                                    size_t index) RB_WEAK;
extern uint64_t rocksdb_livefiles_storage_info_size(const rocksdb_livefiles_storage_info_t *info,
                                                    size_t index) RB_WEAK;
extern void rocksdb_livefiles_storage_info_destroy(rocksdb_livefiles_storage_info_t *info) RB_WEAK;

typedef struct rocksdb_size_approximation_options_t rocksdb_size_approximation_options_t;
extern rocksdb_size_approximation_options_t *rocksdb_size_approximation_options_create(void)
    RB_WEAK;
extern void
rocksdb_size_approximation_options_destroy(rocksdb_size_approximation_options_t *options) RB_WEAK;
extern void
rocksdb_size_approximation_options_set_include_memtables(rocksdb_size_approximation_options_t *opt,
                                                         unsigned char v) RB_WEAK;
extern void
rocksdb_size_approximation_options_set_include_files(rocksdb_size_approximation_options_t *opt,
                                                     unsigned char v) RB_WEAK;
extern void
rocksdb_size_approximation_options_set_include_blob_files(rocksdb_size_approximation_options_t *opt,
                                                          unsigned char v) RB_WEAK;
extern void rocksdb_size_approximation_options_set_files_size_error_margin(
    rocksdb_size_approximation_options_t *opt, double v) RB_WEAK;
extern void rocksdb_approximate_sizes_cf_with_options(
    rocksdb_t *db, rocksdb_column_family_handle_t *column_family,
    const rocksdb_size_approximation_options_t *options, int num_ranges,
    const char *const *range_start_key, const size_t *range_start_key_len,
    const char *const *range_limit_key, const size_t *range_limit_key_len, uint64_t *sizes,
    char **errptr) RB_WEAK;

extern void
rocksdb_ingestexternalfileoptions_set_link_files(rocksdb_ingestexternalfileoptions_t *opt,
                                                 unsigned char v) RB_WEAK;
extern void rocksdb_ingestexternalfileoptions_set_failed_move_fall_back_to_copy(
    rocksdb_ingestexternalfileoptions_t *opt, unsigned char v) RB_WEAK;
extern void
rocksdb_ingestexternalfileoptions_set_fill_cache(rocksdb_ingestexternalfileoptions_t *opt,
                                                 unsigned char v) RB_WEAK;
extern void rocksdb_ingestexternalfileoptions_set_prefetch_lmax_index_and_filter_blocks(
    rocksdb_ingestexternalfileoptions_t *opt, unsigned char v) RB_WEAK;
extern void
rocksdb_ingestexternalfileoptions_set_file_opening_threads(rocksdb_ingestexternalfileoptions_t *opt,
                                                           int v) RB_WEAK;

extern void rocksdb_compactoptions_set_blob_garbage_collection_policy(rocksdb_compactoptions_t *opt,
                                                                      int v) RB_WEAK;
extern void
rocksdb_compactoptions_set_blob_garbage_collection_age_cutoff(rocksdb_compactoptions_t *opt,
                                                              double v) RB_WEAK;

typedef struct rocksdb_table_properties_t rocksdb_table_properties_t;
extern void rocksdb_readoptions_set_table_filter(
    rocksdb_readoptions_t *opt, void *state, void (*destructor)(void *),
    unsigned char (*table_filter)(void *state, const rocksdb_table_properties_t *)) RB_WEAK;
extern uint64_t rocksdb_table_properties_orig_file_number(const rocksdb_table_properties_t *props)
    RB_WEAK;
extern uint64_t rocksdb_table_properties_data_size(const rocksdb_table_properties_t *props) RB_WEAK;
extern uint64_t rocksdb_table_properties_raw_key_size(const rocksdb_table_properties_t *props)
    RB_WEAK;
extern uint64_t rocksdb_table_properties_raw_value_size(const rocksdb_table_properties_t *props)
    RB_WEAK;
extern uint64_t rocksdb_table_properties_num_entries(const rocksdb_table_properties_t *props)
    RB_WEAK;
extern uint64_t rocksdb_table_properties_num_deletions(const rocksdb_table_properties_t *props)
    RB_WEAK;
extern uint64_t rocksdb_table_properties_num_merge_operands(const rocksdb_table_properties_t *props)
    RB_WEAK;
extern uint64_t
rocksdb_table_properties_num_range_deletions(const rocksdb_table_properties_t *props) RB_WEAK;
extern uint64_t rocksdb_table_properties_creation_time(const rocksdb_table_properties_t *props)
    RB_WEAK;
extern uint64_t rocksdb_table_properties_oldest_key_time(const rocksdb_table_properties_t *props)
    RB_WEAK;
extern uint64_t rocksdb_table_properties_newest_key_time(const rocksdb_table_properties_t *props)
    RB_WEAK;
extern uint64_t rocksdb_table_properties_file_creation_time(const rocksdb_table_properties_t *props)
    RB_WEAK;
extern uint64_t rocksdb_table_properties_key_largest_seqno(const rocksdb_table_properties_t *props)
    RB_WEAK;

#endif
