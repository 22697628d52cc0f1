// Streams and their ranges: thin over Core.
#include "face/core.hpp"
#include "face/error_state.hpp"
#include "plan/units.hpp"

namespace weir::face {

Stream open(std::span<const std::string> inputs, const Options& options) {
  return Stream(std::make_shared<Core>(inputs, options));
}

Stream& Stream::filter(Filter keep) & {
  core_->add_filter(std::move(keep));
  return *this;
}

Stream& Stream::transform(Transform function) & {
  core_->add_transform(std::move(function));
  return *this;
}

Records Stream::records(size_t bytes) {
  core_->start(1, bytes != 0 ? bytes : core_->one_record_bytes());
  return Records(core_);
}

Batches Stream::batches(BatchOptions options) {
  core_->start(options.records, options.bytes);
  return Batches(core_);
}

std::vector<std::string> Stream::names() { return core_->names(); }
Counts Stream::counts() const noexcept { return core_->counts(); }
uint64_t Stream::memory() const noexcept { return core_->job().budget().total(); }
void Stream::close() { core_->close(); }

std::string Stream::plan() const {
  std::string text;
  for (const BudgetLine& line : core_->job().budget().lines()) {
    text.append(line.name)
        .append(": ")
        .append(format_bytes(line.bytes).view())
        .append(" - ")
        .append(line.why)
        .append("\n");
  }
  return text.append("sum: ").append(format_bytes(memory()).view()).append("\n");
}

bool Records::at_end(Core& core) { return !core.have_batch(); }
void Records::advance(Core& core) { core.drop_batch(); }
Record Records::current(Core& core) {
  if (!core.have_batch()) throw_error(Code::kContradiction, "there is no record behind the end");
  return *core.batch().begin();
}

bool Batches::at_end(Core& core) { return !core.have_batch(); }
void Batches::advance(Core& core) { core.drop_batch(); }
Batch& Batches::current(Core& core) {
  if (!core.have_batch()) throw_error(Code::kContradiction, "there is no batch behind the end");
  return core.batch();
}

}  // namespace weir::face
