//go:build rb_cxx

// cxx.cc: the only C++ of rockbridge: what RocksDB's C API lacks. See cxx.h.
#include "cxx.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <string>
#include <typeinfo>
#include <vector>

#include "events.h"
#include "rocksdb/cache.h"
#include "rocksdb/db.h"
#include "rocksdb/iostats_context.h"
#include "rocksdb/iterator.h"
#include "rocksdb/listener.h"
#include "rocksdb/metadata.h"
#include "rocksdb/options.h"
#include "rocksdb/rate_limiter.h"
#include "rocksdb/sst_file_manager.h"
#include "rocksdb/status.h"
#include "rocksdb/table_properties.h"
#include "rocksdb/trace_reader_writer.h"
#include "rocksdb/utilities/checkpoint.h"
#include "rocksdb/utilities/stackable_db.h"
#include "rocksdb/version.h"
#include "rocksdb/wide_columns.h"
#include "rocksdb/write_buffer_manager.h"
#if __has_include("rocksdb/advanced_cache.h")
#include "rocksdb/advanced_cache.h"
#endif

namespace {

namespace rdb = ROCKSDB_NAMESPACE;

rb_status Ok() { return rb_status{RB_OK, nullptr}; }

// An answer of RocksDB's as the C API gives it: by its text.
rb_status Told(const rdb::Status &s) {
  return s.ok() ? Ok() : rb_status_from(strdup(s.ToString().c_str()));
}

// Keeps exceptions from C.
template <typename F> rb_status Guarded(F f) noexcept {
  try {
    return f();
  } catch (const std::bad_alloc &) {
    return rb_status{RB_NO_MEMORY, nullptr};
  } catch (const std::exception &e) {
    return rb_status_make(RB_UNKNOWN, e.what());
  } catch (...) {
    return rb_status_make(RB_UNKNOWN, "an exception that is none of the standard library's");
  }
}

// ---- whether handles of the C API are what they are taken for ----

// What the first member of a handle points to, or is.
template <typename T> T *Behind(const void *handle) { return *static_cast<T *const *>(handle); }

// Reads memory that may not be there: the kernel then refuses to copy it into a pipe.
class Probe {
public:
  Probe() {
    if (pipe(ends_) != 0) {
      ends_[0] = ends_[1] = -1;
      return;
    }
    fcntl(ends_[0], F_SETFD, FD_CLOEXEC);
    fcntl(ends_[1], F_SETFD, FD_CLOEXEC);
  }
  Probe(const Probe &) = delete;
  Probe &operator=(const Probe &) = delete;
  ~Probe() {
    if (ends_[0] >= 0) {
      close(ends_[0]);
      close(ends_[1]);
    }
  }

  bool Read(const void *at, void *out, size_t n) const {
    return ends_[0] >= 0 && write(ends_[1], at, n) == static_cast<ssize_t>(n) &&
           read(ends_[0], out, n) == static_cast<ssize_t>(n);
  }

  // Whether object is one of RocksDB's classes: its type's name, behind its table of virtual
  // functions, says so.
  bool OfRocksDB(const void *object) const {
    static const char space[] = "rocksdb";
    const void *const *table = nullptr;
    const void *const *type = nullptr;
    const char *name = nullptr;
    char begin[2 + sizeof space] = {};
    // The name of a nested one begins with "N" and the length of the namespace's.
    return object != nullptr && Read(object, &table, sizeof table) &&
           Read(table - 1, &type, sizeof type) && type != nullptr &&
           Read(type + 1, &name, sizeof name) && Read(name, begin, sizeof begin - 1) &&
           begin[0] == 'N' && strncmp(begin + 2, space, sizeof space - 1) == 0;
  }

private:
  int ends_[2];
};

std::string HeaderVersion() {
  return std::to_string(ROCKSDB_MAJOR) + "." + std::to_string(ROCKSDB_MINOR) + "." +
         std::to_string(ROCKSDB_PATCH);
}

// Whether what the C API sets is found where the headers have it, in both directions.
bool OptionsAgree() {
  rocksdb_options_t *o = rocksdb_options_create();
  rocksdb_options_set_max_open_files(o, 4711);
  rocksdb_options_set_wal_recovery_mode(o, 3);
  rocksdb_options_set_write_buffer_size(o, 123457);
  rocksdb_options_set_blob_gc_force_threshold(o, 0.8125);
  auto *options = reinterpret_cast<rdb::Options *>(o);
  bool agree = options->max_open_files == 4711 &&
               options->wal_recovery_mode == rdb::WALRecoveryMode::kSkipAnyCorruptedRecords &&
               options->write_buffer_size == 123457 &&
               options->blob_garbage_collection_force_threshold == 0.8125 &&
               options->listeners.empty() && options->write_buffer_manager == nullptr;
  if (agree) {
    options->max_background_jobs = 17;
    agree = rocksdb_options_get_max_background_jobs(o) == 17;
  }
  rocksdb_options_destroy(o);
  return agree;
}

// The same of the options of reads, which begin their handle.
bool ReadOptionsAgree() {
  rocksdb_readoptions_t *o = rocksdb_readoptions_create();
  rocksdb_readoptions_set_deadline(o, 4711);
  rocksdb_readoptions_set_fill_cache(o, 0);
  auto *read = reinterpret_cast<const rdb::ReadOptions *>(o);
  bool agree = read->deadline.count() == 4711 && !read->fill_cache && read->verify_checksums;
  rocksdb_readoptions_destroy(o);
  return agree;
}

// The same for the options of ingestions.
bool IngestionsAgree() {
  rocksdb_ingestexternalfileoptions_t *i = rocksdb_ingestexternalfileoptions_create();
  auto *o = reinterpret_cast<rdb::IngestExternalFileOptions *>(i);
  bool agree = !o->move_files && o->failed_move_fall_back_to_copy && o->snapshot_consistency &&
               o->allow_blocking_flush && !o->ingest_behind;
  rocksdb_ingestexternalfileoptions_set_move_files(i, 1);
  rocksdb_ingestexternalfileoptions_set_snapshot_consistency(i, 0);
  rocksdb_ingestexternalfileoptions_set_ingest_behind(i, 1);
  agree = agree && o->move_files && o->failed_move_fall_back_to_copy && !o->snapshot_consistency &&
          o->allow_blocking_flush && o->ingest_behind;
  rocksdb_ingestexternalfileoptions_destroy(i);
  return agree;
}

bool CachesAgree(const Probe &probe) {
  rocksdb_cache_t *c = rocksdb_cache_create_lru(3 << 20);
  bool agree = probe.OfRocksDB(Behind<void>(c)) &&
               Behind<rdb::Cache>(c)->GetCapacity() == static_cast<size_t>(3 << 20);
  rocksdb_cache_destroy(c);
  return agree;
}

std::string Refusal() {
  std::string linked = rdb::GetRocksVersionAsString(true);
  if (linked != HeaderVersion()) {
    return "rb_cxx was compiled with the headers of RocksDB " + HeaderVersion() + "; linked is " +
           linked;
  }
  Probe probe;
  if (!OptionsAgree() || !ReadOptionsAgree() || !IngestionsAgree() || !CachesAgree(probe)) {
    return "rb_cxx does not find RocksDB's objects where its headers have them: was the library "
           "built by another compiler, or without RTTI?";
  }
  return "";
}

// ---- events ----

uint32_t StallOf(rdb::WriteStallCondition c) {
  switch (c) {
    case rdb::WriteStallCondition::kDelayed:
      return RB_STALL_DELAYED;
    case rdb::WriteStallCondition::kStopped:
      return RB_STALL_STOPPED;
    default:
      return RB_STALL_NONE;
  }
}

// Puts what RocksDB tells into a queue. RocksDB survives no exception from here: an event that
// memory is short for is lost.
class Listener : public rdb::EventListener {
public:
  explicit Listener(rb_events *events) : events_(rb_events_hold(events)) {}
  Listener(const Listener &) = delete;
  Listener &operator=(const Listener &) = delete;
  ~Listener() override { rb_events_free(events_); }
  const char *Name() const override { return "rockbridge.Listener"; }

  void OnFlushBegin(rdb::DB *, const rdb::FlushJobInfo &i) override {
    Flush(RB_EVENT_FLUSH_BEGUN, i);
  }
  void OnFlushCompleted(rdb::DB *, const rdb::FlushJobInfo &i) override {
    Flush(RB_EVENT_FLUSH_COMPLETED, i);
  }
  void OnCompactionBegin(rdb::DB *, const rdb::CompactionJobInfo &i) override {
    Compaction(RB_EVENT_COMPACTION_BEGUN, i);
  }
  void OnCompactionCompleted(rdb::DB *, const rdb::CompactionJobInfo &i) override {
    Compaction(RB_EVENT_COMPACTION_COMPLETED, i);
  }
  void OnTableFileCreated(const rdb::TableFileCreationInfo &i) override {
    rb_event v = rb_event_of(RB_EVENT_TABLE_CREATED);
    v.family = i.cf_name.c_str();
    v.path = i.file_path.c_str();
    v.job = i.job_id;
    v.reason = static_cast<int32_t>(i.reason);
    v.bytes_out = i.file_size;
    v.records_out = i.table_properties.num_entries;
    Put(&v, i.status);
  }
  void OnTableFileDeleted(const rdb::TableFileDeletionInfo &i) override {
    rb_event v = rb_event_of(RB_EVENT_TABLE_DELETED);
    v.path = i.file_path.c_str();
    v.job = i.job_id;
    Put(&v, i.status);
  }
  void OnErrorRecoveryEnd(const rdb::BackgroundErrorRecoveryInfo &i) override {
    rb_event v = rb_event_of(RB_EVENT_RECOVERY_ENDED);
    Put(&v, i.new_bg_error);
  }
  void OnBackgroundError(rdb::BackgroundErrorReason reason, rdb::Status *s) override {
    rb_event v = rb_event_of(RB_EVENT_BACKGROUND_ERROR);
    v.reason = static_cast<int32_t>(reason);
    Put(&v, *s);
  }
  void OnStallConditionsChanged(const rdb::WriteStallInfo &i) override {
    rb_event v = rb_event_of(RB_EVENT_STALL_CHANGED);
    v.family = i.cf_name.c_str();
    v.stall = StallOf(i.condition.cur);
    v.stall_before = StallOf(i.condition.prev);
    rb_events_put(events_, &v);
  }
  void OnExternalFileIngested(rdb::DB *, const rdb::ExternalFileIngestionInfo &i) override {
    rb_event v = rb_event_of(RB_EVENT_FILE_INGESTED);
    v.family = i.cf_name.c_str();
    v.path = i.internal_file_path.c_str();
    v.first_sequence = i.global_seqno;
    v.records_out = i.table_properties.num_entries;
    rb_events_put(events_, &v);
  }
  void OnMemTableSealed(const rdb::MemTableInfo &i) override {
    rb_event v = rb_event_of(RB_EVENT_MEMTABLE_SEALED);
    v.family = i.cf_name.c_str();
    v.entries = i.num_entries;
    v.deletes = i.num_deletes;
    v.first_sequence = i.first_seqno;
    rb_events_put(events_, &v);
  }

private:
  void Put(rb_event *v, const rdb::Status &status) {
    rb_status s = Guarded([&] { return Told(status); });
    v->code = s.code;
    v->text = s.msg;
    rb_events_put(events_, v);
    rb_free(s.msg);
  }
  void Flush(uint32_t kind, const rdb::FlushJobInfo &i) {
    rb_event v = rb_event_of(kind);
    v.family = i.cf_name.c_str();
    v.path = i.file_path.c_str();
    v.job = i.job_id;
    v.reason = static_cast<int32_t>(i.flush_reason);
    v.first_sequence = i.smallest_seqno;
    v.last_sequence = i.largest_seqno;
    v.records_out = i.table_properties.num_entries;
    rb_events_put(events_, &v);
  }
  void Compaction(uint32_t kind, const rdb::CompactionJobInfo &i) {
    rb_event v = rb_event_of(kind);
    v.family = i.cf_name.c_str();
    v.job = i.job_id;
    v.reason = static_cast<int32_t>(i.compaction_reason);
    v.level = i.base_input_level;
    v.output_level = i.output_level;
    v.files_in = i.input_files.size();
    v.files_out = i.output_files.size();
    v.records_in = i.stats.num_input_records;
    v.records_out = i.stats.num_output_records;
    v.bytes_in = i.stats.total_input_bytes;
    v.bytes_out = i.stats.total_output_bytes;
    v.micros = i.stats.elapsed_micros;
    Put(&v, i.status);
  }

  rb_events *events_;
};

// Has RocksDB wait for Resume.
class Holder : public rdb::EventListener {
public:
  const char *Name() const override { return "rockbridge.Holder"; }
  void OnErrorRecoveryBegin(rdb::BackgroundErrorReason, rdb::Status, bool *by_itself) override {
    *by_itself = false;
  }
};

rdb::ColumnFamilyHandle *FamilyBehind(const rocksdb_column_family_handle_t *f) {
  return Behind<rdb::ColumnFamilyHandle>(f);
}

// ---- families as table files ----

// Versions from 8.1 on keep the ends of a file as RocksDB has them inside: without them it takes
// the ends from the rows, and range deletions that reach further end there.
template <typename File> constexpr bool has_bounds = requires(File f) { f.smallest.size(); };

template <typename File> const std::string *LowBound(const File &f) {
  if constexpr (has_bounds<File>) {
    return &f.smallest;
  }
  return nullptr;
}

template <typename File> const std::string *HighBound(const File &f) {
  if constexpr (has_bounds<File>) {
    return &f.largest;
  }
  return nullptr;
}

template <typename File>
void SetBounds(File &f, const char *low, size_t low_len, const char *high, size_t high_len) {
  if constexpr (has_bounds<File>) {
    if (low_len > 0 && high_len > 0) {
      f.smallest.assign(low, low_len);
      f.largest.assign(high, high_len);
    }
  }
}

void TellFile(const rdb::LiveFileMetaData &f, rb_cxx_tell tell, void *to) {
  const std::string *texts[5] = {&f.name, &f.smallestkey, &f.largestkey, LowBound(f), HighBound(f)};
  const char *at[5] = {};
  uint64_t numbers[RB_FAMILY_FILE_NUMBERS] = {f.size, static_cast<uint64_t>(f.level),
                                              f.smallest_seqno, f.largest_seqno};
  for (size_t i = 0; i < 5; i++) {
    if (texts[i] != nullptr) {
      at[i] = texts[i]->data();
      numbers[RB_FAMILY_FILE_NUMBERS - 5 + i] = texts[i]->size();
    }
  }
  tell(to, numbers, at);
}

// ---- rows of several columns ----

size_t VarintLen(size_t n) {
  size_t len = 1;
  for (; n >= 0x80; n >>= 7) {
    len++;
  }
  return len;
}

uint8_t *PutVarint(uint8_t *to, size_t n) {
  for (; n >= 0x80; n >>= 7) {
    *to++ = static_cast<uint8_t>(n | 0x80);
  }
  *to++ = static_cast<uint8_t>(n);
  return to;
}

uint8_t *PutBytes(uint8_t *to, const rdb::Slice &s) {
  if (!s.empty()) {
    memcpy(to, s.data(), s.size());
  }
  return to + s.size();
}

// How many bytes columns take in RocksDB's form of them, version 1: see internal/entity.
size_t EntityLen(const rdb::WideColumns &columns) {
  size_t len = 1 + VarintLen(columns.size());
  for (const auto &c : columns) {
    len += VarintLen(c.name().size()) + c.name().size() + VarintLen(c.value().size()) +
           c.value().size();
  }
  return len;
}

// Later versions have columns in blob files, in a form of version 2: here they are resolved.
void PutEntity(const rdb::WideColumns &columns, uint8_t *to) {
  *to++ = 1;
  to = PutVarint(to, columns.size());
  for (const auto &c : columns) {
    to = PutBytes(PutVarint(to, c.name().size()), c.name());
    to = PutVarint(to, c.value().size());
  }
  for (const auto &c : columns) {
    to = PutBytes(to, c.value());
  }
}

// ---- traces ----

// The file of a trace. RocksDB's own writer ends the process, with assertions before 9.5, when it
// is asked again after an error, and tells nobody what the last bytes met. RocksDB calls one at a
// time, and survives no exception from here.
class TraceFile {
public:
  TraceFile(const char *path)
      : fd_(open(path, O_WRONLY | O_TRUNC | O_CLOEXEC)), buffer_(new char[room]) {
    failed_ = fd_ < 0 ? errno : 0;
  }
  TraceFile(const TraceFile &) = delete;
  TraceFile &operator=(const TraceFile &) = delete;
  ~TraceFile() { Close(); }

  bool Write(const char *data, size_t n) {
    if (n > room - used_) {
      Flush();
    }
    if (n > room) {
      Put(data, n);
    } else if (failed_ == 0) {
      memcpy(buffer_.get() + used_, data, n);
      used_ += n;
    }
    size_ += n;
    return failed_ == 0;
  }

  void Close() {
    Flush();
    if (fd_ >= 0 && close(fd_) != 0 && failed_ == 0) {
      failed_ = errno;
    }
    fd_ = -1;
  }

  // RocksDB records nothing in a file that is larger than its limit.
  uint64_t Size() const { return failed_ == 0 ? size_ : UINT64_MAX; }

  rb_status Outcome() const {
    if (failed_ == 0) {
      return Ok();
    }
    return rb_status_make(failed_ == ENOSPC || failed_ == EDQUOT ? RB_NO_SPACE : RB_IO,
                          strerror(failed_));
  }

private:
  static constexpr size_t room = 64 << 10;

  void Flush() {
    Put(buffer_.get(), used_);
    used_ = 0;
  }
  void Put(const char *data, size_t n) {
    while (n > 0 && failed_ == 0) {
      ssize_t done = write(fd_, data, n);
      if (done >= 0) {
        data += done;
        n -= static_cast<size_t>(done);
      } else if (errno != EINTR) {
        failed_ = errno;
      }
    }
  }

  int fd_;
  int failed_; // an errno; 0: nothing has
  std::unique_ptr<char[]> buffer_;
  size_t used_ = 0;
  uint64_t size_ = 0;
};

// What RocksDB owns of a trace.
class TraceWriter : public rdb::TraceWriter {
public:
  explicit TraceWriter(std::shared_ptr<TraceFile> file) : file_(std::move(file)) {}
  ~TraceWriter() override { file_->Close(); }
  rdb::Status Write(const rdb::Slice &data) override {
    return file_->Write(data.data(), data.size()) ? rdb::Status::OK() : rdb::Status::IOError();
  }
  rdb::Status Close() override { return rdb::Status::OK(); }
  uint64_t GetFileSize() override { return file_->Size(); }

private:
  std::shared_ptr<TraceFile> file_;
};

rdb::Status StartTrace(rdb::DB *db, uint32_t kind, const rdb::TraceOptions &o,
                       std::unique_ptr<rdb::TraceWriter> writer) {
  switch (kind) {
    case RB_TRACE_IO:
      return db->StartIOTrace(o, std::move(writer));
    case RB_TRACE_CACHE:
      return db->StartBlockCacheTrace(o, std::move(writer));
    default:
      return db->StartTrace(o, std::move(writer));
  }
}

rdb::Status EndTrace(rdb::DB *db, uint32_t kind) {
  switch (kind) {
    case RB_TRACE_IO:
      return db->EndIOTrace();
    case RB_TRACE_CACHE:
      return db->EndBlockCacheTrace();
    default:
      return db->EndTrace();
  }
}

// Makes a family from files where it is asked for an empty one: so RocksDB's C API makes the
// handle, of which only it knows the inside. It owns no database.
class Importer : public rdb::StackableDB {
public:
  Importer(rdb::DB *db, const rdb::ExportImportFilesMetaData &files, bool move)
      : StackableDB(std::shared_ptr<rdb::DB>(db, [](rdb::DB *) {})), files_(files) {
    how_.move_files = move;
  }
  using StackableDB::CreateColumnFamily;
  rdb::Status CreateColumnFamily(const rdb::ColumnFamilyOptions &o, const std::string &name,
                                 rdb::ColumnFamilyHandle **h) override {
    *h = nullptr;
    return db_->CreateColumnFamilyWithImport(o, name, how_, files_, h);
  }

private:
  const rdb::ExportImportFilesMetaData &files_;
  rdb::ImportColumnFamilyOptions how_;
};

} // namespace

// ---- what C sees ----

struct rb_cxx_files {
  rdb::ExportImportFilesMetaData list;
  std::string dir;
};

struct rb_cxx_trace {
  std::shared_ptr<TraceFile> file;
};

struct rb_cxx_disk {
  std::shared_ptr<rdb::SstFileManager> manager;
};

struct rb_cxx_buffers {
  std::shared_ptr<rdb::WriteBufferManager> manager;
};

extern "C" {

const char *rb_cxx_refusal(void) {
  // Never destroyed: threads may ask while the process ends.
  static const std::string *const refusal = [] {
    try {
      return new std::string(Refusal());
    } catch (...) {
      return static_cast<std::string *>(nullptr);
    }
  }();
  if (refusal == nullptr) {
    return "an exception of C++ while RocksDB was looked at";
  }
  return refusal->empty() ? nullptr : refusal->c_str();
}

rb_status rb_cxx_check(const rocksdb_t *db, const rocksdb_column_family_handle_t *family) {
  return Guarded([&] {
    Probe probe;
    if (rb_cxx_refusal() != nullptr) {
      return rb_status_make(RB_UNSUPPORTED, rb_cxx_refusal());
    }
    auto *handle = const_cast<rocksdb_column_family_handle_t *>(family);
    if (!probe.OfRocksDB(Behind<void>(db)) || !probe.OfRocksDB(Behind<void>(family)) ||
        FamilyBehind(family)->GetID() != rocksdb_column_family_handle_get_id(handle)) {
      return rb_status_make(RB_UNSUPPORTED,
                            "rb_cxx does not find the C++ objects behind RocksDB's handles");
    }
    return Ok();
  });
}

rb_status rb_cxx_listen(rocksdb_options_t *o, rb_events *e) {
  return Guarded([&] {
    reinterpret_cast<rdb::Options *>(o)->listeners.push_back(std::make_shared<Listener>(e));
    return Ok();
  });
}

rb_status rb_cxx_hold(rocksdb_options_t *o) {
  return Guarded([&] {
    reinterpret_cast<rdb::Options *>(o)->listeners.push_back(std::make_shared<Holder>());
    return Ok();
  });
}

rb_status rb_cxx_limit(rocksdb_options_t *o, int64_t rate, int mode, uint8_t tunes) {
  return Guarded([&] {
    reinterpret_cast<rdb::Options *>(o)->rate_limiter.reset(
        rdb::NewGenericRateLimiter(rate, RB_REFILL_MICROS, RB_FAIRNESS,
                                   static_cast<rdb::RateLimiter::Mode>(mode), tunes != 0));
    return Ok();
  });
}

void rb_cxx_io_begin(void) { rdb::get_iostats_context()->Reset(); }

char *rb_cxx_io_figures(void) {
  char *text = nullptr;
  rb_status s = Guarded([&] {
    text = strdup(rdb::get_iostats_context()->ToString(true).c_str());
    return Ok();
  });
  rb_free(s.msg);
  return text;
}

rb_status rb_cxx_resume(rocksdb_t *db) {
  return Guarded([&] { return Told(Behind<rdb::DB>(db)->Resume()); });
}

rb_status rb_cxx_compact(rocksdb_t *db, rocksdb_column_family_handle_t *family, const char *from,
                         size_t from_len, const char *to, size_t to_len, const rb_compaction *how) {
  return Guarded([&] {
    rdb::Slice begin(from != nullptr ? from : "", from_len);
    rdb::Slice end(to != nullptr ? to : "", to_len);
    rdb::CompactRangeOptions o;
    o.exclusive_manual_compaction = how->exclusive != 0;
    o.bottommost_level_compaction = static_cast<rdb::BottommostLevelCompaction>(how->bottommost);
    o.change_level = how->change_level != 0;
    o.target_level = how->target;
    o.allow_write_stall = how->allow_stall != 0;
    o.max_subcompactions = how->subcompactions;
    o.blob_garbage_collection_policy = static_cast<rdb::BlobGarbageCollectionPolicy>(how->blobs);
    o.blob_garbage_collection_age_cutoff = how->blob_age;
    rdb::Status s = Behind<rdb::DB>(db)->CompactRange(o, FamilyBehind(family),
                                                      from != nullptr ? &begin : nullptr,
                                                      to != nullptr ? &end : nullptr);
    return s.IsManualCompactionPaused() ? Ok() : Told(s);
  });
}

void rb_cxx_ingest_no_copy(rocksdb_ingestexternalfileoptions_t *i) {
  reinterpret_cast<rdb::IngestExternalFileOptions *>(i)->failed_move_fall_back_to_copy = false;
}

rb_status rb_cxx_table_filter(rocksdb_readoptions_t *r,
                              uint8_t (*keeps)(const void *state, const uint64_t *values),
                              const void *state) {
  return Guarded([&] {
    reinterpret_cast<rdb::ReadOptions *>(r)->table_filter = [=](const rdb::TableProperties &p) {
      uint64_t v[RB_TABLE_TAGGED];
      v[RB_TABLE_NUMBER] = p.orig_file_number;
      v[RB_TABLE_DATA_SIZE] = p.data_size;
      v[RB_TABLE_KEY_SIZE] = p.raw_key_size;
      v[RB_TABLE_VALUE_SIZE] = p.raw_value_size;
      v[RB_TABLE_ENTRIES] = p.num_entries;
      v[RB_TABLE_DELETIONS] = p.num_deletions;
      v[RB_TABLE_MERGE_OPERANDS] = p.num_merge_operands;
      v[RB_TABLE_RANGE_DELETIONS] = p.num_range_deletions;
      v[RB_TABLE_CREATION_TIME] = p.creation_time;
      v[RB_TABLE_OLDEST_KEY_TIME] = p.oldest_key_time;
      v[RB_TABLE_FILE_CREATION_TIME] = p.file_creation_time;
      return keeps(state, v) != 0;
    };
    return Ok();
  });
}

rb_status rb_cxx_sizes(rocksdb_t *db, rocksdb_column_family_handle_t *family,
                       const rb_size_options *o, const struct rb_ranges *r, uint64_t *sizes) {
  return Guarded([&] {
    std::vector<rdb::Range> ranges;
    for (size_t i = 0; i < r->n; i++) {
      ranges.emplace_back(rdb::Slice(r->starts[i], r->start_lens[i]),
                          rdb::Slice(r->ends[i], r->end_lens[i]));
    }
    rdb::SizeApproximationOptions how;
    how.include_memtables = o->memtables != 0;
    how.include_files = o->no_files == 0;
    how.files_size_error_margin = o->margin;
    return Told(Behind<rdb::DB>(db)->GetApproximateSizes(how, FamilyBehind(family), ranges.data(),
                                                         static_cast<int>(r->n), sizes));
  });
}

rb_status rb_cxx_all_files(rocksdb_t *db, rb_cxx_tell tell, void *to) {
  return Guarded([&] {
    rdb::LiveFilesStorageInfoOptions o;
    o.wal_size_for_flush = UINT64_MAX; // no flush
    std::vector<rdb::LiveFileStorageInfo> files;
    rdb::Status s = Behind<rdb::DB>(db)->GetLiveFilesStorageInfo(o, &files);
    for (const auto &f : files) {
      const uint64_t numbers[RB_FILE_NUMBERS] = {f.size, static_cast<uint64_t>(f.file_type),
                                                 f.file_number, f.relative_filename.size(),
                                                 f.directory.size()};
      const char *texts[] = {f.relative_filename.c_str(), f.directory.c_str()};
      tell(to, numbers, texts);
    }
    return Told(s);
  });
}

rb_status rb_cxx_refresh(rocksdb_iterator_t *it) {
  return Guarded([&] { return Told(Behind<rdb::Iterator>(it)->Refresh()); });
}

rb_status rb_cxx_pause(rocksdb_t *db) {
  return Guarded([&] { return Told(Behind<rdb::DB>(db)->PauseBackgroundWork()); });
}

rb_status rb_cxx_continue(rocksdb_t *db) {
  return Guarded([&] { return Told(Behind<rdb::DB>(db)->ContinueBackgroundWork()); });
}

rb_status rb_cxx_trace_start(rocksdb_t *db, uint32_t kind, const char *path,
                             const rb_trace_options *o, rb_cxx_trace **t) {
  *t = nullptr;
  return Guarded([&] {
    auto made = std::make_unique<rb_cxx_trace>();
    made->file = std::make_shared<TraceFile>(path);
    rb_status opened = made->file->Outcome();
    if (opened.code != RB_OK) {
      return opened;
    }
    rdb::TraceOptions how;
    how.max_trace_file_size = o->max_bytes;
    how.sampling_frequency = o->every;
    how.filter = o->without;
    how.preserve_write_order = o->ordered != 0;
    rdb::Status s =
        StartTrace(Behind<rdb::DB>(db), kind, how, std::make_unique<TraceWriter>(made->file));
    if (s.ok()) {
      *t = made.release();
    }
    return Told(s);
  });
}

rb_status rb_cxx_trace_end(rocksdb_t *db, uint32_t kind, rb_cxx_trace *t) {
  return Guarded([&] {
    std::unique_ptr<rb_cxx_trace> mine(t);
    rdb::Status s = EndTrace(Behind<rdb::DB>(db), kind); // the writer ends, and closes the file
    rb_status written = mine->file->Outcome();
    return written.code != RB_OK ? written : Told(s);
  });
}

rb_status rb_cxx_compact_files(rocksdb_t *db, rocksdb_column_family_handle_t *family,
                               const char *names, size_t n, int32_t level, uint64_t most) {
  return Guarded([&] {
    std::vector<std::string> files;
    for (size_t i = 0; i < n; i++) {
      files.emplace_back(names);
      names += files.back().size() + 1;
    }
    rdb::CompactionOptions o;
    o.compression = rdb::kDisableCompressionOption; // the family's
    if (most > 0) {
      o.output_file_size_limit = most;
    }
    return Told(Behind<rdb::DB>(db)->CompactFiles(o, FamilyBehind(family), files, level));
  });
}

rb_status rb_cxx_export(rocksdb_t *db, rocksdb_column_family_handle_t *family, const char *dir,
                        rb_cxx_tell tell, void *to, char **comparator) {
  return Guarded([&] {
    rdb::Checkpoint *made = nullptr;
    rdb::Status s = rdb::Checkpoint::Create(Behind<rdb::DB>(db), &made);
    if (!s.ok()) {
      return Told(s);
    }
    std::unique_ptr<rdb::Checkpoint> checkpoint(made);
    rdb::ExportImportFilesMetaData *exported = nullptr;
    s = checkpoint->ExportColumnFamily(FamilyBehind(family), dir, &exported);
    std::unique_ptr<rdb::ExportImportFilesMetaData> list(exported);
    if (!s.ok()) {
      return Told(s);
    }
    for (const auto &f : list->files) {
      TellFile(f, tell, to);
    }
    *comparator = strdup(list->db_comparator_name.c_str());
    return Ok();
  });
}

rb_cxx_files *rb_cxx_files_new(const char *dir, const char *comparator) {
  try {
    auto made = std::make_unique<rb_cxx_files>();
    made->dir = dir;
    made->list.db_comparator_name = comparator;
    return made.release();
  } catch (...) {
    return nullptr;
  }
}

rb_status rb_cxx_files_add(rb_cxx_files *l, const uint64_t *numbers, const char *const *texts) {
  return Guarded([&] {
    const uint64_t *len = numbers + RB_FAMILY_FILE_NUMBERS - 5;
    rdb::LiveFileMetaData f;
    f.size = numbers[0];
    f.level = static_cast<int>(numbers[1]);
    f.smallest_seqno = numbers[2];
    f.largest_seqno = numbers[3];
    f.name.assign(texts[0], len[0]);
    f.smallestkey.assign(texts[1], len[1]);
    f.largestkey.assign(texts[2], len[2]);
    f.db_path = l->dir;
    SetBounds(f, texts[3], len[3], texts[4], len[4]);
    l->list.files.push_back(f);
    return Ok();
  });
}

void rb_cxx_files_free(rb_cxx_files *l) { delete l; }

rb_status rb_cxx_import(rocksdb_t *db, const rocksdb_options_t *o, const char *name,
                        rb_cxx_files *l, uint8_t move, rocksdb_column_family_handle_t **h) {
  return Guarded([&] {
    Importer importer(Behind<rdb::DB>(db), l->list, move != 0);
    rdb::DB *stand_in[8] = {&importer}; // the beginning of a rocksdb_t, and room for the rest
    char *err = nullptr;
    *h = rocksdb_create_column_family(reinterpret_cast<rocksdb_t *>(stand_in), o, name, &err);
    return rb_status_from(err);
  });
}

uint8_t rb_cxx_import_bounds(void) { return has_bounds<rdb::LiveFileMetaData> ? 1 : 0; }

rb_cxx_disk *rb_cxx_disk_new(void) {
  try {
    auto made = std::make_unique<rb_cxx_disk>();
    made->manager.reset(rdb::NewSstFileManager(rdb::Env::Default()));
    return made.release();
  } catch (...) {
    return nullptr;
  }
}

void rb_cxx_disk_free(rb_cxx_disk *d) { delete d; }

void rb_cxx_disk_set(rb_cxx_disk *d, uint64_t rate, double share) {
  d->manager->SetDeleteRateBytesPerSecond(static_cast<int64_t>(rate));
  d->manager->SetMaxTrashDBRatio(share);
}

uint64_t rb_cxx_disk_files(rb_cxx_disk *d) { return d->manager->GetTotalSize(); }

uint64_t rb_cxx_disk_trash(rb_cxx_disk *d) { return d->manager->GetTotalTrashSize(); }

void rb_cxx_disk_use(rb_cxx_disk *d, rocksdb_options_t *o) {
  reinterpret_cast<rdb::Options *>(o)->sst_file_manager = d->manager;
}

rb_cxx_buffers *rb_cxx_buffers_new(size_t bytes, const rocksdb_cache_t *cache) {
  try {
    auto shared = *reinterpret_cast<const std::shared_ptr<rdb::Cache> *>(cache);
    auto made = std::make_unique<rb_cxx_buffers>();
    made->manager = std::make_shared<rdb::WriteBufferManager>(bytes, shared, false);
    return made.release();
  } catch (...) {
    return nullptr;
  }
}

void rb_cxx_buffers_free(rb_cxx_buffers *b) { delete b; }

void rb_cxx_buffers_resize(rb_cxx_buffers *b, size_t bytes) { b->manager->SetBufferSize(bytes); }

size_t rb_cxx_buffers_used(const rb_cxx_buffers *b) { return b->manager->memory_usage(); }

size_t rb_cxx_buffers_charge(const rb_cxx_buffers *b) {
  return b->manager->dummy_entries_in_cache_usage();
}

void rb_cxx_buffers_use(rb_cxx_buffers *b, rocksdb_options_t *o) {
  reinterpret_cast<rdb::Options *>(o)->write_buffer_manager = b->manager;
}

rb_status rb_cxx_get_entity(rocksdb_t *db, const rocksdb_readoptions_t *o,
                            rocksdb_column_family_handle_t *family, const char *key, size_t klen,
                            uint8_t *buf, size_t cap, uint8_t **rest, size_t *len) {
  *rest = nullptr;
  *len = 0;
  return Guarded([&] {
    rdb::PinnableWideColumns found;
    rdb::Status s =
        Behind<rdb::DB>(db)->GetEntity(*reinterpret_cast<const rdb::ReadOptions *>(o),
                                       FamilyBehind(family), rdb::Slice(key, klen), &found);
    if (s.IsNotFound()) {
      return rb_status{RB_NOT_FOUND, nullptr};
    }
    if (!s.ok()) {
      return Told(s);
    }
    *len = EntityLen(found.columns());
    if (*len > cap) {
      *rest = buf = static_cast<uint8_t *>(malloc(*len));
    }
    if (buf == nullptr) {
      return rb_status{RB_NO_MEMORY, nullptr};
    }
    PutEntity(found.columns(), buf);
    return Ok();
  });
}

rb_status rb_cxx_columns(const rocksdb_iterator_t *it, uint8_t *buf, size_t cap, size_t *len) {
  *len = 0;
  return Guarded([&] {
    const rdb::WideColumns &columns = Behind<rdb::Iterator>(it)->columns();
    *len = EntityLen(columns);
    if (*len <= cap) {
      PutEntity(columns, buf);
    }
    return Ok();
  });
}

} // extern "C"
