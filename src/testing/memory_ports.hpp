// Sources and sinks in memory, for tests: they cut reads as they are told and fail where they are told.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "port/ports.hpp"

namespace weir::testing {

class MemorySource final : public ByteSource {
 public:
  std::vector<std::string> inputs;
  /// Bytes of the next read, given what is left and the room; default: as much as fits.
  std::function<size_t(size_t left, size_t room)> cut;
  uint64_t fail_at_read = kNoOffset;   ///< the read of this number fails
  uint64_t block_every = 0;            ///< every n-th read answers kBlocked first

  size_t count() const override { return inputs.size(); }
  std::string_view name(size_t) const override { return "memory"; }
  uint64_t size(size_t index) const override { return inputs[index].size(); }
  Status open(size_t index) override {
    index_ = index;
    at_ = 0;
    return {};
  }
  Result<bool> resumable(size_t) override { return true; }
  Result<SourceIdentity> identity(size_t index) override {
    SourceIdentity identity("size=");
    identity.append_number(inputs[index].size());
    return identity;
  }
  bool same(std::string_view before, std::string_view now) const override { return before == now; }
  Status seek(uint64_t stored_byte) override {
    at_ = stored_byte;
    return {};
  }
  ReadResult read(std::span<char> room, Error& error) override {
    ++reads;
    if (reads == fail_at_read) {
      error = Error(Code::kReadFailed, "as told");
      return {Step::kFailed, 0};
    }
    if (block_every != 0 && reads % block_every == 0) return {Step::kBlocked, 0};
    const size_t left = inputs[index_].size() - at_;
    if (left == 0) return {Step::kFinished, 0};
    size_t take = std::min(left, room.size());
    if (cut) take = std::min(take, std::max<size_t>(1, cut(left, room.size())));
    inputs[index_].copy(room.data(), take, at_);
    at_ += take;
    return {Step::kHaveOutput, take};
  }
  void close() noexcept override {}
  Result<std::string_view> peek(size_t index, Deadline) override {
    return std::string_view(inputs[index]).substr(0, kPeekBytes);
  }

  uint64_t reads = 0;

 private:
  size_t index_ = 0;
  size_t at_ = 0;
};

class MemorySink final : public BatchSink {
 public:
  explicit MemorySink(SinkTraits traits = {}) : traits_(traits) {}

  std::vector<std::string> objects;  ///< the last one may still be open
  std::vector<ObjectInfo> infos;
  bool finished = false;
  bool cancelled = false;
  uint64_t fail_at_write = kNoOffset;
  uint64_t closed_at_write = kNoOffset;  ///< the reader goes away at this write
  uint32_t retries_wanted = 0;           ///< each object is asked for again so many times

  SinkTraits traits() const override { return traits_; }
  Status start() override { return {}; }
  Accepted open_object(const ObjectInfo& info, Error&) override {
    if (info.attempt > 0) objects.pop_back();
    objects.emplace_back();
    infos.push_back(info);
    attempt_ = info.attempt;
    return Accepted::kYes;
  }
  Accepted write(std::string_view bytes, Error& error) override {
    ++writes;
    if (writes == fail_at_write) {
      error = Error(Code::kWriteFailed, "as told");
      return Accepted::kFailed;
    }
    if (writes >= closed_at_write) return Accepted::kClosed;
    objects.back() += bytes;
    return Accepted::kYes;
  }
  Accepted close_object(Error&) override { return attempt_ < retries_wanted ? Accepted::kRetry : Accepted::kYes; }
  Status commit() override { return {}; }
  Status finish() override {
    finished = true;
    return {};
  }
  void cancel() noexcept override { cancelled = true; }
  std::string_view leftover() const override { return {}; }
  bool resumable() const override { return false; }
  size_t state_bytes_max() const override { return 0; }
  void save(StateWriter&) const override {}
  bool load(StateReader&) override { return true; }
  Status resume(bool) override { return {}; }

  uint64_t writes = 0;

 private:
  SinkTraits traits_;
  uint32_t attempt_ = 0;
};

/// What a sink wrote, over the runs of a job: outlives them.
struct StoredOutput {
  std::vector<std::string> objects;  ///< the last one may still be open
  bool finished = false;
};

/// A sink that a later run goes on with: what was written behind the last commit() is lost when the run ends without one.
class ResumableSink final : public BatchSink {
 public:
  explicit ResumableSink(StoredOutput& output, SinkTraits traits = {}) : output_(output), traits_(traits) {}

  std::function<void()> on_commit;  ///< how long it takes, say
  uint64_t commits = 0;

  SinkTraits traits() const override { return traits_; }
  Status start() override {
    output_ = {};
    return {};
  }
  Accepted open_object(const ObjectInfo&, Error&) override {
    output_.objects.emplace_back();
    open_ = true;
    return Accepted::kYes;
  }
  Accepted write(std::string_view bytes, Error&) override {
    output_.objects.back() += bytes;
    return Accepted::kYes;
  }
  Accepted close_object(Error&) override {
    open_ = false;
    return Accepted::kYes;
  }
  Status commit() override {
    ++commits;
    if (on_commit) on_commit();
    return {};
  }
  Status finish() override {
    output_.finished = true;
    return {};
  }
  void cancel() noexcept override {}
  std::string_view leftover() const override { return {}; }
  bool resumable() const override { return true; }
  size_t state_bytes_max() const override { return 1 + 8 + 8; }
  void save(StateWriter& out) const override {
    out.put(static_cast<uint8_t>(open_));
    out.put(static_cast<uint64_t>(output_.objects.size()));
    out.put(static_cast<uint64_t>(output_.objects.empty() ? 0 : output_.objects.back().size()));
  }
  bool load(StateReader& in) override {
    const auto open = in.get<uint8_t>();
    objects_ = in.get<uint64_t>();
    bytes_ = in.get<uint64_t>();
    open_ = open == 1;
    return in.ok() && open <= 1;
  }
  Status resume(bool) override {
    const bool there = objects_ <= output_.objects.size() && (objects_ != 0 || bytes_ == 0) &&
                       (objects_ == 0 || bytes_ <= output_.objects[objects_ - 1].size());
    if (!there) return fail(Code::kOutputLost, "memory");
    output_.objects.resize(objects_);
    if (objects_ != 0) output_.objects.back().resize(bytes_);
    return {};
  }

 private:
  StoredOutput& output_;
  SinkTraits traits_;
  bool open_ = false;
  uint64_t objects_ = 0;
  uint64_t bytes_ = 0;
};

/// A checkpoint in memory, over the runs of a job.
class MemoryCheckpointStore final : public CheckpointStore {
 public:
  std::string bytes;  ///< empty: there is none
  std::function<void()> on_save;
  uint64_t saves = 0;

  std::string_view name() const override { return "memory.weir"; }
  Status acquire() override {
    if (held_) return fail(Code::kFenced, "memory.weir");
    held_ = true;
    return {};
  }
  Result<size_t> load(std::span<char> room) override {
    bytes.copy(room.data(), room.size());
    return bytes.size();
  }
  Status save(std::string_view checkpoint) override {
    ++saves;
    if (on_save) on_save();
    bytes = checkpoint;
    return {};
  }
  Status clear() override {
    bytes.clear();
    return {};
  }
  void release() noexcept override { held_ = false; }

 private:
  bool held_ = false;
};

}  // namespace weir::testing
