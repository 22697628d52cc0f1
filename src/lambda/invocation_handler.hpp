// InvocationHandler: what is done for one event, and what is answered.
//
//   an event that names S3 objects -> a job for each, one after the other     an event of records -> one job over them
//   a cursor -> the jobs that it names go on                                  a pipeline whose input is no event -> its one job
//
// A job is told by its report alone (job_process.hpp). At the deadline the job leaves a checkpoint, and what is left goes on by `lambda.continue`:
// a cursor that names the inputs that are left. The answer is held to the rules of the event's source: failed entries by their ids (SQS, Kinesis,
// DynamoDB), an error for the whole where all of them failed or the source knows no entries, else a result.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "event/event_objects.hpp"
#include "lambda/aws_sender.hpp"
#include "lambda/job_process.hpp"
#include "lambda/lambda_log.hpp"
#include "lambda/lambda_settings.hpp"
#include "lambda/runtime_client.hpp"

namespace weir {

struct Answer {
  bool is_error = false;
  std::string error_type;  ///< "Function.InputCorrupt"
  std::string_view json;
};

/// The sums over the jobs of an invocation, for metrics.
struct InvocationFigures {
  uint64_t jobs = 0;
  uint64_t failed = 0;
  uint64_t continued = 0;
  uint64_t read = 0, written = 0, filtered = 0, rejected = 0;
  uint64_t stored_bytes = 0, sent_bytes = 0;
  uint64_t cpu_ns = 0;
  uint64_t peak_bytes = 0;
};

class InvocationHandler {
 public:
  /// Takes memory for the longest answer, touched only as far as it is used. All outlive it.
  static Result<std::unique_ptr<InvocationHandler>> make(const LambdaSettings& settings, const Config& config,
                                                         Clock& clock, const LambdaLog& log);
  ~InvocationHandler();
  InvocationHandler(const InvocationHandler&) = delete;
  InvocationHandler& operator=(const InvocationHandler&) = delete;

  Answer handle(const Invocation& invocation);
  [[nodiscard]] const InvocationFigures& figures() const { return figures_; }

 private:
  /// How an input that is not done goes on.
  enum class Via : uint8_t { kReturn, kSelf, kRequeue, kRetry };
  struct Cursor {
    uint64_t hop = 0;  ///< invocations before this one
    Via via = Via::kReturn;
    std::vector<std::string> inputs;  ///< s3:// addresses; empty: the pipeline's own
  };
  /// An entry of the event, or a cursor: inputs that succeed or fail together.
  struct Group {
    std::vector<std::string> inputs;
    size_t input_bytes = 0;
    Cursor cursor;  ///< it came with
    std::string receipt;  ///< of an SQS message
    Error fault;  ///< it can't be read
  };

  InvocationHandler(const LambdaSettings& settings, const Config& config, Clock& clock, const LambdaLog& log)
      : settings_(settings), config_(config), clock_(clock), log_(log) {}
  enum class CursorKind : uint8_t { kNone, kGood, kBad };
  static CursorKind read_cursor(std::string_view json, Cursor& cursor);
  std::string cursor_json(const Cursor& from, Via via, std::span<const std::string> inputs) const;
  static bool may_be_cursor(std::string_view entry);
  static bool read_message_cursor(std::string_view entry, Cursor& cursor);
  static void add_input(Group& group, const EventObject& object);
  bool run_all(const Event& event);
  std::vector<uint8_t> run_entries(const Event& event);
  bool run_group(const Group& group, const Event* event);
  bool run_records(const Event& event);
  JobReport run_job(const std::string* input, ByteSource* source);
  void tell(const JobReport& report, std::string_view input);
  Via via_of(const Group& group, const Event* event) const;
  bool go_on(const Group& group, const Event* event, std::span<const std::string> left);
  void wait_for_owner(const JobReport& report, const Group& group, const Event* event);
  bool keep_failed(const JobReport& report, std::string_view input);
  Status send(const std::function<Status(AwsSender&)>& what);
  void set_failed(int exit, const Error& error, std::string_view source);
  void fail_with(const Error& error, std::string_view source);
  Answer result(bool done);
  Answer failure();
  Answer batch(const Event& event, std::span<const uint8_t> failed);

  const LambdaSettings& settings_;
  const Config& config_;
  Clock& clock_;
  const LambdaLog& log_;
  std::span<char> room_;  ///< of a batch's answer
  const Invocation* invocation_ = nullptr;
  uint64_t job_deadline_ns_ = kNever;
  uint64_t kill_at_ns_ = kNever;
  InvocationFigures figures_;
  std::string text_;  ///< of an answer
  std::string jobs_;  ///< its jobs
  size_t jobs_told_ = 0;
  std::string status_;
  std::string cursor_;  ///< given back
  double progress_ = 0;
  int exit_ = 0;  ///< of the first job that failed
  Error error_;
  std::string error_source_;
};

}  // namespace weir
