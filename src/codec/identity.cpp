#include "codec/identity.hpp"

#include <algorithm>
#include <cstring>

namespace weir {
namespace {

constexpr uint32_t kDecoderTag = 0x4e000001u;  // 'N', version 1
constexpr uint32_t kEncoderTag = 0x6e000001u;  // 'n', version 1

size_t copy(std::string_view in, std::span<char> out) {
  const size_t n = std::min(in.size(), out.size());
  if (n != 0) std::memcpy(out.data(), in.data(), n);
  return n;
}

}  // namespace

Transfer IdentityDecoder::decode(std::string_view in, bool end, std::span<char> out, Error&) {
  const size_t n = copy(in, out);
  bytes_ += n;
  return {n < in.size() ? Step::kHaveOutput : end ? Step::kFinished : Step::kNeedInput, n, n};
}

void IdentityDecoder::save(StateWriter& out) const {
  out.put(kDecoderTag);
  out.put(bytes_);
}

bool IdentityDecoder::load(StateReader& in) {
  const bool tag_is_right = in.get<uint32_t>() == kDecoderTag;
  bytes_ = in.get<uint64_t>();
  if (in.ok() && tag_is_right) return true;
  reset();
  return false;
}

Transfer IdentityEncoder::encode(std::string_view in, Flush flush, std::span<char> out, Error&) {
  const size_t n = copy(in, out);
  const bool finish = flush == Flush::kFinish;
  return {n < in.size() ? Step::kHaveOutput : finish ? Step::kFinished : Step::kNeedInput, n, n};
}

void IdentityEncoder::save(StateWriter& out) const { out.put(kEncoderTag); }

bool IdentityEncoder::load(StateReader& in) { return in.get<uint32_t>() == kEncoderTag && in.ok(); }

}  // namespace weir
