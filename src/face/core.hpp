// Core: what stands behind a Stream and its ranges: a job whose records are pulled, the batch's arena, and the user's
// functions.
#pragma once

#include <exception>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "face/packed_record.hpp"
#include "io/system_clock.hpp"
#include "io/system_disk.hpp"
#include "io/system_wakeup.hpp"
#include "plan/job.hpp"

namespace weir::face {

class Core {
 public:
  Core(std::span<const std::string> inputs, const Options& options);
  ~Core();
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  void add_filter(Stream::Filter keep);
  void add_transform(Stream::Transform function);
  /// Takes the memory; the first call decides on the arena's size, later ones may ask for as much at most.
  void start(size_t records, size_t bytes);
  [[nodiscard]] size_t one_record_bytes() const;

  /// Looks for the next batch unless there is one already; false at the end.
  bool have_batch();
  Batch& batch() { return batch_; }
  void drop_batch() { have_ = false; }

  std::vector<std::string> names();
  [[nodiscard]] Counts counts() const;
  [[nodiscard]] const Job& job() const { return job_; }
  void close();

  // Of Emitter.
  void emit_copy(const PackedRecord& record, size_t next);
  void emit_fields(const PackedRecord* base, std::span<const Field> fields, size_t next);
  void reject() { user_rejected_ = true; }

 private:
  struct Operator {
    Stream::Filter filter;
    Stream::Transform transform;
  };

  void fill();
  void hand_out();
  /// Puts what becomes of the pulled row behind the batch's records. False: it does not fit, and nothing has changed.
  bool place_row();
  bool place_staged();
  void run_operators(PackedRecord& record, size_t next);
  void make_context();
  void require_unstarted() const;
  [[noreturn]] void too_large() const;
  std::span<char> staging_left() { return staging_.subspan(staging_used_); }
  template <typename T>
  T check(Result<T> result);
  void check(const Status& status);
  void abandon() noexcept;

  SystemClock clock_;
  SystemWakeup wakeup_{clock_};
  SystemDisk disk_;
  Job job_;
  Deadline deadline_;
  std::optional<Puller> puller_;
  std::vector<Operator> operators_;
  bool transforms_ = false;
  bool empty_is_null_ = false;

  std::span<char> memory_;
  std::span<char> name_room_;
  std::span<char> arena_;
  std::span<char> staging_;  ///< with transforms: one input record, and all that becomes of it
  size_t arena_bytes_ = 0;  ///< as asked for
  size_t records_max_ = 0;
  size_t bytes_max_ = 0;
  RecordContext context_;
  bool context_made_ = false;

  PulledRow row_;
  bool have_row_ = false;  ///< pulled, without a fate
  size_t staging_used_ = 0;
  PackedRecord* origin_ = nullptr;
  uint64_t staged_first_ = 0;  ///< offset + 1 of the first record that is ready and not in a batch; 0: none
  PackedRecord* staged_last_ = nullptr;
  bool user_rejected_ = false;

  Batch batch_;
  size_t arena_used_ = 0;
  bool have_ = false;
  bool ended_ = false;
  bool closed_ = false;
  std::exception_ptr failure_;  ///< met behind the records of the batch that is handed out
  uint64_t emitted_ = 0;
  uint64_t batches_ = 0;
};

}  // namespace weir::face
