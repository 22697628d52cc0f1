// Job: a configured pipeline from the memory plan to its ending. Everything meets here, in plain code.
//
//   Job job(clock, wakeup, environment);
//   job.prepare(config)   -> opens nothing for writing; knows formats, the compiled query and the memory table
//   job.budget()          -> the table, for `weir plan`
//   job.build()           -> W2101 when it does not fit; else takes the memory, and wires the pipeline
//   job.run(...)          -> seals the process' memory and runs
//
// prepare and build may take memory; run takes none.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "connector/file_source.hpp"
#include "connector/folder_sink.hpp"
#include "connector/http_source.hpp"
#include "delivery/destinations.hpp"
#include "delivery/outbox.hpp"
#include "engine/driver.hpp"
#include "engine/message_output.hpp"
#include "engine/stream_output.hpp"
#include "memory/budget.hpp"
#include "plan/config.hpp"
#include "plan/detect.hpp"
#include "plan/network.hpp"

namespace weir {

/// What a job's memory is counted against.
enum class Host : uint8_t {
  kProcess,  ///< the weir binary: the whole process
  kLibrary,  ///< a host program: what Weir itself holds
};

using LineFormula = decltype(BudgetLine::formula);

class ExecSink;
class S3CheckpointStore;
class PartRoom;
class S3Output;
struct S3SinkOptions;

class Job {
 public:
  Job(Clock& clock, Wakeup& wakeup, Disk& disk, Host host, char** environment);
  ~Job();
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;

  /// Waits for what it looks at of the inputs until `deadline`. Fails with the first of mistakes().
  Status prepare(Config config, Deadline deadline = {});
  /// All that prepare() found, each at its place in the pipeline file, or in the query where that is not from a file.
  std::span<const Error> mistakes() const { return mistakes_; }
  /// After prepare(): looks for the query's columns in the first input's header, if it is a file. False: see
  /// mistakes(). prepare() does it where there is no checkpoint.
  bool check_columns();
  /// For a pipeline that can't be prepared, because other things are wrong: what can be said of its query, as far as the
  /// inputs are known. Waits for nothing.
  std::span<const Error> lint(Config config);
  /// What reaches other machines; without it, names of those are W2021. Before prepare(); outlives the job.
  void set_net(Net* net) { net_ = net; }
  /// As prepare, but every batch goes to `sink` and records to `preview_records` at most.
  void set_preview(uint64_t records) { preview_records_ = records; }
  /// Inputs are those of this source instead of input.from; owned by the caller. Before prepare().
  void set_source(ByteSource* source) { outside_source_ = source; }
  /// Output goes to this sink instead of output.to; owned by the caller.
  void set_sink(BatchSink* sink) { outside_sink_ = sink; }

  /// For tests: how many decoded bytes lie between two states of the decoder that are kept.
  void set_snapshot_every(uint64_t bytes) { pipeline_.snapshot_every_bytes = bytes; }

  /// The host pulls the records itself (engine/puller.hpp): no output, no writer. Before prepare().
  void set_pull() { pull_ = true; }
  /// Memory that a pulling host needs of the budget besides; between prepare() and build().
  void add_pull_memory(uint64_t bytes);

  const Budget& budget() const { return budget_; }
  bool fits() const { return budget_.needed() <= config_.memory; }
  /// The refusal, with the knob that helps most.
  Error refusal() const;

  /// What a run that died left in S3 and nothing will go on with.
  struct Garbage {
    const char* kind;  ///< "upload", "tail"
    std::string url;
    std::string upload_id;
    bool young = false;  ///< a run may be at work on it: it is told, and stays
  };
  /// Age below which an upload may be a live run's: of a job with a checkpoint its lease tells, of one without nothing does.
  static constexpr uint64_t kYoungNs = 24ull * 3600 * 1'000'000'000;
  [[nodiscard]] uint64_t young_ns() const { return checkpoint_name_.empty() ? kYoungNs : 0; }
  /// In place of build(): tells uploads to the output and the rejects, and tails, that the checkpoint does not name; with `take_away` they go, but for
  /// uploads that were begun less than `older_than_ns` ago, by S3's clock. W5101 while another run is at work. Needs no more than S3's listings; the process' memory is not sealed.
  Status collect_garbage(bool take_away, uint64_t older_than_ns, const std::function<void(const Garbage&)>& found);

  Status build();
  Outcome run(Deadline deadline, RunObserver* observer);
  /// After build(), for a pulling host: the wired parts, the memory asked for, and the counters to count in.
  const PipelineParts& parts() const { return pipeline_; }
  std::span<char> pull_memory() const { return pull_memory_; }
  /// Worst case of the output's names and of views of them; known after prepare().
  size_t names_memory_max() const { return output_columns_max() * sizeof(std::string_view) + names_bytes_; }
  Counters& pull_counters() { return counters_; }

  const Config& config() const { return config_; }
  const Detected& detected() const { return detected_; }
  /// As they may be shown: an http(s):// address without its secrets.
  const std::vector<std::string>& inputs() const { return inputs_; }
  const Counters& counters() const { return counters_; }
  const Program& program() const { return *program_; }
  OutputFormat output_format() const { return output_format_; }
  Codec output_codec() const { return output_codec_; }
  std::string_view output_name() const { return output_name_; }
  std::string_view output_why() const { return output_why_; }
  /// What stays behind of an output that was not completed; empty: nothing.
  std::string_view leftover() const;
  std::string_view rejects_leftover() const;
  /// Nothing is to be done: why, as the summary's status says it ("already_there", "already_done"); else empty.
  std::string_view skipped() const { return skipped_; }
  /// The checkpoint's place; empty: the run leaves none.
  std::string_view checkpoint_name() const { return checkpoint_name_; }
  /// Null: none. After build().
  const Checkpointer* checkpointer() const { return checkpointer_ ? &*checkpointer_ : nullptr; }
  /// After W5101: until when another run has said to own the job, as wall time; 0: not known.
  uint64_t owner_until_wall_ns() const;
  /// Decoded bytes behind which this run went on; kNoOffset: it began at the beginning.
  uint64_t resumed_at() const { return resumed_at_; }
  /// What a whole, undisturbed run asks of S3 by its plan.
  struct S3Expectation {
    uint64_t gets = 0;
    uint64_t puts = 0;
    uint64_t puts_per_gib = 0;  ///< written
    bool each_object = false;  ///< and a GET and a PUT for each object of many
    uint64_t puts_per_checkpoint = 0;  ///< but the last two, at most
  };
  S3Expectation s3_expectation() const;
  /// What was asked of S3; null where nothing is there.
  const S3Requests* s3_requests() const {
    return network_ && network_->needs().objects ? &network_->requests() : nullptr;
  }
  size_t work_bytes() const { return budget_.work_bytes(); }
  /// What is sent to a service, and how; null where output.to names none. After prepare().
  const Destination* destination() const { return destination_.get(); }
  OutboxShape outbox_shape() const { return Outbox::shape(*destination_, outbox_options_); }
  /// What was sent so far; null where output.to names no service.
  const SendFigures* send_figures() const { return outbox_ ? &outbox_->figures() : nullptr; }

 private:
  struct Sizes {
    size_t stored = 0, reader = 0, gzip = 0, zstd = 0, program = 0, driver = 0, writer = 0, output = 0, encoder = 0,
           encoded = 0;
    size_t rejects = 0, rejects_encoder = 0, rejects_encoded = 0;
    size_t checkpoint = 0, snapshots = 0, reader_state = 0, upload = 0, rejects_upload = 0, outbox = 0;
  };

  Status check_spool() const;
  Status open_network();
  Status take_addresses();
  Status choose_input(Deadline deadline);
  Status detect(Deadline deadline);
  Status choose_output();
  Status choose_destination(const DestinationKind& kind);
  void choose_reader();
  Status compile();
  QueryOptions query_options(bool format_known);
  Status prepare_parts(Deadline deadline);
  void find_mistakes(bool format_known);
  Error in_file(Error error) const;
  Status choose_rejects();
  Status refuse_loop(std::string_view name, std::string_view key) const;
  Status choose_checkpoint();
  Status open_checkpoint();
  Status replace_shown();
  Status begin_anew();
  Result<bool> is_done_already();
  Result<bool> skips();
  Result<bool> last_file_is_there(const CheckpointReader& loaded);
  Status start_sinks();
  std::unique_ptr<CheckpointStore> make_checkpoint_store();
  // memory_table.cpp
  void sum_up();
  void sum_up_process();
  void sum_up_input();
  void sum_up_output();
  void sum_up_checkpoint();
  void sum_up_network();
  void sum_up_outbox();
  void add_line(const char* name, uint64_t bytes, const char* knob, const char* why, const LineFormula& formula = {});
  /// The columns of the output with those that `*` stands for, and the bytes of their names, at most.
  size_t output_columns_max() const;
  size_t output_names_max() const;
  void make_sinks(Arena& arena);
  std::unique_ptr<BatchSink> make_batch_sink(std::span<char> upload_room);
  void make_rejects_sink(std::span<char> rejects_room);
  /// Where an upload's bytes wait; `memory` is its line of the plan, whose end is the table of parts.
  PartRoom& make_room(uint64_t capacity, std::span<char>& memory);
  std::unique_ptr<BatchSink> make_upload(const std::string& url, bool replace, uint64_t capacity,
                                         std::span<char> memory);
  S3SinkOptions upload_options(const std::string& url, bool replace) const;
  bool raw_records_possible() const;
  /// The output is cut into pieces of output.roll_bytes or roll_records.
  bool rolls() const { return config_.output.roll_bytes != 0 || config_.output.roll_records != 0; }
  /// Files or objects are shown one by one.
  bool is_of_many() const { return to_ == To::kFolder || to_ == To::kObjects; }
  /// A file or object of an output of many.
  std::string one_of_many(uint64_t number) const {
    std::string digits = std::to_string(number);
    if (digits.size() < FolderSink::kNumberDigits) digits.insert(0, FolderSink::kNumberDigits - digits.size(), '0');
    return output_prefix_ + digits + output_suffix_;
  }

  Clock& clock_;
  Wakeup& wakeup_;
  Disk& disk_;
  Net* net_ = nullptr;
  std::unique_ptr<Network> network_;
  Host host_;
  char** environment_;
  Config config_;
  Deadline deadline_;
  std::vector<std::string> inputs_;
  std::unique_ptr<ByteSource> source_;
  std::unique_ptr<FileSource> files_;
  std::unique_ptr<ByteSource> objects_;
  std::vector<HttpAddress> addresses_;  ///< of inputs_, those that are http(s)://; empty where there is none
  std::unique_ptr<HttpSource> web_;
  Detected detected_;
  DecoderLimits decoder_limits_;
  ReaderOptions reader_options_;
  std::vector<std::string_view> given_columns_;
  std::vector<TypeHint> types_;
  std::vector<Error> mistakes_;
  WriterOptions writer_options_;
  OutputFormat output_format_ = OutputFormat::kNdjson;
  Codec output_codec_ = Codec::kNone;
  Codec rejects_codec_ = Codec::kNone;
  std::string output_name_;
  std::string output_prefix_;
  std::string output_suffix_;
  std::string rejects_name_;
  std::string output_why_;
  std::string checkpoint_name_;
  Sha256::Digest job_id_{};
  enum class To : uint8_t {
    kStdout,
    kFile,
    kFolder,
    kObject,
    kObjects,
    kExec,
    kMessages,
    kOutside,
    kPull
  } to_ = To::kStdout;
  std::unique_ptr<Program> program_;
  std::vector<WriteColumn> columns_;
  size_t names_bytes_ = 0;
  Budget budget_;
  Sizes sizes_;
  uint64_t setup_bytes_max_ = kNoOffset;  ///< what build() may make the set-up arena
  uint64_t preview_records_ = kNoOffset;
  DestinationOptions destination_options_;
  std::unique_ptr<Destination> destination_;
  OutboxOptions outbox_options_;
  std::vector<std::unique_ptr<DeliveryRequest>> requests_;  ///< of the outbox
  ByteSource* outside_source_ = nullptr;
  BatchSink* outside_sink_ = nullptr;
  std::string_view skipped_;
  bool pull_ = false;
  uint64_t pull_bytes_ = 0;
  std::span<char> pull_memory_;

  std::span<char> memory_;
  std::unique_ptr<CheckpointStore> checkpoint_store_;
  std::optional<Checkpointer> checkpointer_;
  bool goes_on_ = false;  ///< with a checkpoint that was loaded
  bool finishing_ = false;  ///< and all that is left is to show the output
  uint64_t resumed_at_ = kNoOffset;
  uint64_t room_bytes_ = 0;  ///< of the upload's PartRoom
  uint64_t rejects_room_bytes_ = 0;
  std::vector<std::unique_ptr<PartRoom>> rooms_;
  std::unique_ptr<Sink> own_sink_;
  S3CheckpointStore* lease_ = nullptr;  ///< checkpoint_store_, when it is one
  std::vector<S3Output*> uploads_;  ///< own_sink_ and rejects_sink_, when they are
  ExecSink* exec_sink_ = nullptr;  ///< own_sink_, when it is one
  std::unique_ptr<BatchSink> rejects_sink_;
  Outbox* outbox_ = nullptr;  ///< own_sink_, when it is one
  BatchSink* batch_sink_ = nullptr;  ///< own_sink_ or outside_sink_, when it is one
  std::optional<ByteOutput> byte_output_;
  std::optional<ByteOutput> rejects_output_;
  std::optional<StreamOutput> stream_output_;
  std::optional<MessageOutput> message_output_;
  std::optional<Rejects> rejects_;
  std::optional<Driver> driver_;
  PipelineParts pipeline_;
  Counters counters_;
};

}  // namespace weir
