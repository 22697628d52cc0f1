// RoutedSource: inputs of several kinds as one source, each read by the source that its name is for.
#pragma once

#include <span>
#include <string>

#include "io/http_address.hpp"
#include "port/ports.hpp"

namespace weir {

class RoutedSource final : public ByteSource {
 public:
  /// All are over the same names; `objects` may be null where no name begins with "s3://", `web` where none is_http. All outlive it.
  RoutedSource(std::span<const std::string> names, ByteSource& files, ByteSource* objects, ByteSource* web)
      : names_(names), files_(files), objects_(objects), web_(web) {}

  size_t count() const override { return names_.size(); }
  std::string_view name(size_t index) const override { return names_[index]; }
  uint64_t size(size_t index) const override { return of(index).size(index); }
  Status open(size_t index) override {
    if (open_ != nullptr && open_ != &of(index)) open_->close();
    open_ = &of(index);
    return open_->open(index);
  }
  Result<bool> resumable(size_t index) override { return of(index).resumable(index); }
  Result<SourceIdentity> identity(size_t index) override { return of(index).identity(index); }
  bool same(std::string_view before, std::string_view now) const override { return before == now; }
  Status seek(uint64_t stored_byte) override { return open_->seek(stored_byte); }
  bool known_by_name(size_t index) const override { return of(index).known_by_name(index); }
  ReadResult read(std::span<char> room, Error& error) override { return open_->read(room, error); }
  void close() noexcept override {
    if (open_ != nullptr) open_->close();
  }
  Result<std::string_view> peek(size_t index, Deadline deadline) override {
    if (open_ != nullptr && open_ != &of(index)) open_->close();
    open_ = &of(index);
    return open_->peek(index, deadline);
  }

 private:
  [[nodiscard]] ByteSource& of(size_t index) const {
    if (objects_ != nullptr && names_[index].starts_with("s3://")) return *objects_;
    return web_ != nullptr && is_http(names_[index]) ? *web_ : files_;
  }

  std::span<const std::string> names_;
  ByteSource& files_;
  ByteSource* objects_;
  ByteSource* web_;
  ByteSource* open_ = nullptr;
};

}  // namespace weir
