// IdentityDecoder and IdentityEncoder: bytes pass through. The engine goes around them; they are here so that every
// codec answers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "codec/codec.hpp"

namespace weir {

class IdentityDecoder final : public Decoder {
 public:
  void reset() override { bytes_ = 0; }
  Transfer decode(std::string_view in, bool end, std::span<char> out, Error& error) override;
  DecoderPosition position() const override { return {bytes_, bytes_}; }
  size_t state_bytes_max() const override { return 16; }
  void save(StateWriter& out) const override;
  bool load(StateReader& in) override;

 private:
  uint64_t bytes_ = 0;
};

class IdentityEncoder final : public Encoder {
 public:
  void reset() override {}
  Transfer encode(std::string_view in, Flush flush, std::span<char> out, Error& error) override;
  size_t state_bytes_max() const override { return 8; }
  void save(StateWriter& out) const override;
  bool load(StateReader& in) override;
};

}  // namespace weir
