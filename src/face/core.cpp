#include "face/core.hpp"

#include <algorithm>
#include <utility>

#include <unistd.h>

#include "base/assert.hpp"
#include "face/error_state.hpp"
#include "plan/spec.hpp"

namespace weir::face {
namespace {

constexpr size_t kOneRecordSlack = 128u << 10;
constexpr size_t kArenaBytesMin = 256;

Config configure(std::span<const std::string> inputs, const Options& options) {
  std::vector<std::string> sets;
  if (!options.query.empty()) sets.push_back("query=" + options.query);
  if (!options.format.empty()) sets.push_back("input.format=" + options.format);
  if (!options.rejects.empty()) sets.push_back("rejects.to=" + options.rejects);
  sets.insert(sets.end(), options.set.begin(), options.set.end());
  const std::vector<std::string_view> set_views(sets.begin(), sets.end());
  const std::vector<std::string_view> input_views(inputs.begin(), inputs.end());
  PipelineSource source;
  source.text = "";
  source.sets = set_views;
  source.inputs = input_views;
  Pipeline pipeline = parse_pipeline(source);
  for (const Diagnostic& diagnostic : pipeline.diagnostics) {
    if (diagnostic.severity == Severity::kError) throw_error(diagnostic.error);
  }
  if (options.memory != 0) pipeline.config.memory = options.memory;
  if (options.deadline.count() > 0) pipeline.config.deadline_ns = static_cast<uint64_t>(options.deadline.count());
  pipeline.config.query_line = 0;
  return std::move(pipeline.config);
}

}  // namespace

Core::Core(std::span<const std::string> inputs, const Options& options)
    : job_(clock_, wakeup_, disk_, Host::kLibrary, environ) {
  Config config = configure(inputs, options);
  if (config.deadline_ns != 0) deadline_.at_ns = clock_.monotonic_ns() + config.deadline_ns;
  empty_is_null_ = config.input.empty_is_null;
  job_.set_pull();
  check(job_.prepare(std::move(config), deadline_));
  if (!job_.fits()) throw_error(job_.refusal());
}

Core::~Core() {
  if (!closed_) abandon();
}

template <typename T>
T Core::check(Result<T> result) {
  if (!result) throw_error(result.error(), job_.inputs());
  return std::move(*result);
}

void Core::check(const Status& status) {
  if (!status) throw_error(status.error(), job_.inputs());
}

void Core::abandon() noexcept {
  closed_ = ended_ = true;
  have_ = have_row_ = false;
  staged_first_ = 0;
  if (puller_) puller_->cancel();
}

void Core::require_unstarted() const {
  if (puller_ || closed_) throw_error(Code::kContradiction, "operators are added before records() or batches()");
}

void Core::add_filter(Stream::Filter keep) {
  require_unstarted();
  operators_.push_back({std::move(keep), nullptr});
}

void Core::add_transform(Stream::Transform function) {
  require_unstarted();
  operators_.push_back({nullptr, std::move(function)});
  transforms_ = true;
}

size_t Core::one_record_bytes() const { return job_.config().input.record_max + kOneRecordSlack; }

void Core::start(size_t records, size_t bytes) {
  if (bytes < kArenaBytesMin) throw_error(Code::kOutOfRange, "a batch needs 256 bytes at least");
  records_max_ = records == 0 ? SIZE_MAX : records;
  bytes_max_ = bytes;
  if (puller_) {
    if (bytes > arena_bytes_)
      throw_error(Code::kContradiction, "the first range of a stream decides how large a batch may be");
    return;
  }
  if (closed_) throw_error(Code::kContradiction, "the stream is closed");
  arena_bytes_ = bytes;
  const size_t arena = Arena::aligned(bytes);
  const size_t names = Arena::aligned(job_.names_memory_max());
  job_.add_pull_memory(names + arena * (transforms_ ? 2 : 1));
  if (!job_.fits()) throw_error(job_.refusal());
  check(job_.build());
  memory_ = job_.pull_memory();
  name_room_ = memory_.first(names);
  arena_ = memory_.subspan(names, bytes);
  if (transforms_) staging_ = memory_.subspan(names + arena, bytes);
  puller_.emplace(job_.parts(), job_.pull_counters(), deadline_);
}

// The fields' names, copied: known once the reader has its first records, or knows that there are none.
void Core::make_context() {
  if (context_made_) return;
  const Schema& schema = puller_->schema();
  size_t count = 0;
  for (const WriteColumn& column : job_.parts().columns) {
    context_.own_names = context_.own_names || (column.star && !schema.fixed);
    count += column.star ? schema.names.size() : 1;
  }
  context_.sources = job_.inputs();
  context_made_ = true;
  if (context_.own_names) return;
  Arena arena(name_room_);
  const std::span<std::string_view> names(reinterpret_cast<std::string_view*>(name_room_.data()), count);
  size_t text = count * sizeof(std::string_view);
  size_t next = 0;
  const auto add = [&](std::string_view name) {
    WEIR_ASSERT(text + name.size() <= name_room_.size());
    std::copy(name.begin(), name.end(), name_room_.data() + text);
    names[next++] = {name_room_.data() + text, name.size()};
    text += name.size();
  };
  for (const WriteColumn& column : job_.parts().columns) {
    if (!column.star)
      add(column.name);
    else
      for (const std::string_view name : schema.names) add(name);
  }
  context_.names = names;
}

// --- batches ---------------------------------------------------------------------------------------------------------

bool Core::have_batch() {
  if (have_) return true;
  if (failure_ != nullptr) std::rethrow_exception(std::exchange(failure_, nullptr));
  if (ended_) return false;
  try {
    fill();
  } catch (...) {
    abandon();
    if (batch_.size_ == 0) throw;
    // Its records have their fate: they are handed out, and the failure comes behind them.
    failure_ = std::current_exception();
    hand_out();
  }
  return have_;
}

void Core::fill() {
  arena_used_ = 0;
  batch_.size_ = 0;
  while (batch_.size_ < records_max_) {
    if (staged_first_ != 0) {
      if (!place_staged()) break;
      continue;
    }
    if (!have_row_) {
      have_row_ = check(puller_->next(row_));
      if (!have_row_) {
        ended_ = true;
        break;
      }
      make_context();
    }
    if (!place_row()) break;
  }
  if (ended_) {
    check(puller_->finish());
    closed_ = true;
  }
  if (batch_.size_ != 0)
    hand_out();
  else if (!ended_)
    too_large();
}

void Core::hand_out() {
  batch_.begin_ = reinterpret_cast<const PackedRecord*>(arena_.data());
  batch_.end_ = reinterpret_cast<const PackedRecord*>(arena_.data() + arena_used_);
  batch_.number_ = batches_++;
  emitted_ += batch_.size_;
  have_ = true;
}

void Core::too_large() const {
  weir::Error error(Code::kValueTooLarge);
  if (have_row_) {
    error.source = row_.position.source;
    error.byte = row_.position.decoded_byte;
    error.record = row_.position.record;
  }
  error.detail.append("the record does not fit the batch's ")
      .append_number(bytes_max_)
      .append(" bytes; ask for larger batches");
  throw_error(error, job_.inputs());
}

bool Core::place_row() {
  const std::span<char> room = transforms_ ? staging_ : arena_.first(bytes_max_).subspan(arena_used_);
  PackedRecord* const record = pack_row(room, context_, row_, job_.parts().columns, empty_is_null_);
  if (record == nullptr) {
    if (transforms_) too_large();
    return false;
  }
  const auto kept = [&] {
    puller_->accept();
    have_row_ = false;
  };
  if (!transforms_) {
    for (const Operator& op : operators_) {
      if (!op.filter(Record(record))) {
        puller_->drop();
        have_row_ = false;
        return true;
      }
    }
    arena_used_ += record->bytes;
    ++batch_.size_;
    kept();
    return true;
  }
  staging_used_ = record->bytes;
  origin_ = record;
  user_rejected_ = false;
  staged_first_ = 0;
  staged_last_ = nullptr;
  run_operators(*record, 0);
  if (user_rejected_) {
    staged_first_ = 0;
    have_row_ = false;
    check(puller_->reject(Code::kUserReject));
  } else if (staged_first_ == 0) {
    have_row_ = false;
    puller_->drop();
  } else {
    kept();
  }
  return true;
}

bool Core::place_staged() {
  const auto* const record = reinterpret_cast<const PackedRecord*>(staging_.data() + staged_first_ - 1);
  if (record->bytes > bytes_max_ - arena_used_) {
    if (batch_.size_ == 0) too_large();
    return false;
  }
  std::memcpy(arena_.data() + arena_used_, record, record->bytes);
  arena_used_ += record->bytes;
  ++batch_.size_;
  staged_first_ = record->next;
  return true;
}

void Core::run_operators(PackedRecord& record, size_t next) {
  for (; next < operators_.size(); ++next) {
    const Operator& op = operators_[next];
    if (op.filter) {
      if (!op.filter(Record(&record))) return;
      continue;
    }
    Emitter emitter(*this, next + 1);
    op.transform(Record(&record), emitter);
    return;
  }
  const uint64_t offset = static_cast<uint64_t>(record.base() - staging_.data()) + 1;
  (staged_last_ == nullptr ? staged_first_ : staged_last_->next) = offset;
  staged_last_ = &record;
}

void Core::emit_copy(const PackedRecord& record, size_t next) {
  const std::span<char> room = staging_left();
  if (record.bytes > room.size()) too_large();
  std::memcpy(room.data(), &record, record.bytes);
  auto* const copy = reinterpret_cast<PackedRecord*>(room.data());
  copy->next = 0;
  staging_used_ += copy->bytes;
  run_operators(*copy, next);
}

void Core::emit_fields(const PackedRecord* base, std::span<const Field> fields, size_t next) {
  PackedRecord* const record = pack_fields(staging_left(), context_, base, fields, *origin_);
  if (record == nullptr) too_large();
  staging_used_ += record->bytes;
  run_operators(*record, next);
}

void Emitter::emit(const Record& record) { core_.emit_copy(*record.packed_, next_); }
void Emitter::emit(const Record& record, std::span<const Field> changed) {
  core_.emit_fields(record.packed_, changed, next_);
}
void Emitter::emit(std::span<const Field> fields) { core_.emit_fields(nullptr, fields, next_); }
void Emitter::reject() { core_.reject(); }

// --- the rest --------------------------------------------------------------------------------------------------------

std::vector<std::string> Core::names() {
  if (!puller_) throw_error(Code::kContradiction, "names() stands behind records() or batches()");
  if (!context_made_) {
    if (closed_) return {};
    try {
      check(puller_->read_schema());
    } catch (...) {
      abandon();
      throw;
    }
    make_context();
  }
  return {context_.names.begin(), context_.names.end()};
}

Counts Core::counts() const {
  const Counters& counters = job_.counters();
  Counts counts;
  counts.read = counters.read;
  counts.delivered = counters.written;
  counts.folded = counters.folded;
  counts.filtered = counters.filtered;
  counts.rejected = counters.rejected;
  counts.emitted = emitted_;
  counts.batches = batches_;
  counts.stored_bytes = counters.stored_bytes;
  counts.decoded_bytes = counters.decoded_bytes;
  return counts;
}

void Core::close() {
  if (closed_) return;
  closed_ = ended_ = true;
  have_ = have_row_ = false;
  staged_first_ = 0;
  if (!puller_) return;
  if (const Status finished = puller_->finish(); !finished) {
    puller_->cancel();
    throw_error(finished.error(), job_.inputs());
  }
}

}  // namespace weir::face
