// ExecSink: runs a command once a batch, with the batch on its standard input. At least once: a batch is repeated until the command ends with 0.
//
// The command sees WEIR_BATCH_ID (the same on every attempt and in every run), WEIR_ATTEMPT (from 1) and WEIR_BATCH_RECORDS. Its memory is outside
// the budget and limited by RLIMIT_AS. It is started by vfork and execve on what memory there is: nothing is mapped.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "port/ports.hpp"

namespace weir {

struct ExecOptions {
  std::vector<std::string> command;  ///< argv; the program is looked up in PATH beforehand
  std::string name;  ///< of the pipeline: the batch ids' prefix
  uint64_t memory_max = 256u << 20;  ///< bytes of the child's address space
  uint32_t retries = 3;
  uint64_t timeout_ns = 60'000'000'000;
};

class ExecSink final : public BatchSink {
 public:
  ExecSink(ExecOptions options, Clock& clock, Wakeup& wakeup, char** environment);
  ~ExecSink() override;

  SinkTraits traits() const override { return {.object_per_batch = true, .whole_batches = true, .age_allowed = true}; }
  Status start() override;
  Accepted open_object(const ObjectInfo& info, Error& error) override;
  Accepted write(std::string_view bytes, Error& error) override;
  Accepted close_object(Error& error) override;
  Status commit() override { return {}; }
  Status finish() override { return {}; }
  void cancel() noexcept override;
  std::string_view leftover() const override { return {}; }
  /// At the end of a batch; a batch may come twice, with the same WEIR_BATCH_ID.
  bool resumable() const override { return true; }
  size_t state_bytes_max() const override { return 0; }
  void save(StateWriter&) const override {}
  bool load(StateReader&) override { return true; }
  Status resume(bool) override { return start(); }

  /// From this time on a command is not waited for: it is ended, and its batch counts as not accepted.
  void set_stop_at(uint64_t monotonic_ns) { stop_at_ns_ = monotonic_ns; }

 private:
  [[nodiscard]] bool stop_asked() const;
  Accepted judge(std::string_view what, int number, Error& error);
  void end_child() noexcept;
  void end_group() noexcept;
  bool wait_child(uint64_t until_ns, bool stoppable, int* status);

  ExecOptions options_;
  Clock& clock_;
  Wakeup& wakeup_;
  std::string program_;
  std::vector<char*> argv_;
  std::vector<char*> envp_;
  char id_[160];
  char attempt_[40];
  char records_[40];
  int child_ = -1;
  int pipe_ = -1;
  bool input_refused_ = false;  ///< the command closed its input early
  uint64_t due_ns_ = kNever;
  uint64_t stop_at_ns_ = kNever;
  ObjectInfo info_;
};

}  // namespace weir
