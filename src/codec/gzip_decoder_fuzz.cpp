// Any bytes as a gzip stream: fed whole, fed in pieces, and saved and loaded half way must give the same bytes, the
// same end and the same offset, and where the reference can follow, the reference's bytes.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "codec/codec_testing.hpp"

using namespace weir;
using namespace weir::codec_testing;

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 5) return 0;
  uint32_t seed = 0;
  for (size_t i = 0; i < 4; ++i) seed = seed << 8 | data[i];
  const bool with_header = data[4] % 2 == 0;  // inflate is reached without finding ten bytes first
  std::string stored(reinterpret_cast<const char*>(data) + 5, size - 5);
  if (with_header) stored.insert(0, std::string_view("\x1f\x8b\x08\0\0\0\0\0\0\xff", 10));

  DecoderLimits limits;
  limits.amplification_free = uint64_t{1} << 40;
  limits.trailing_garbage_ignored = (data[4] & 2) != 0;
  static const OwnedDecoder kStrict(Codec::kGzip, {.amplification_free = uint64_t{1} << 40});
  static const OwnedDecoder kLax(Codec::kGzip,
                                 {.amplification_free = uint64_t{1} << 40, .trailing_garbage_ignored = true});
  Decoder& decoder = limits.trailing_garbage_ignored ? *kLax : *kStrict;

  decoder.reset();
  const Outcome whole = decode_all(decoder, stored, always(1 << 16), always(1 << 16));
  require(whole.step == Step::kFinished || (!whole.error.ok() && whole.error.byte <= stored.size()));
  decoder.reset();
  require(decode_all(decoder, stored, always(1), always(700)) == whole);
  decoder.reset();
  require(decode_all(decoder, stored, random_sizes(seed, 5000), random_sizes(seed + 1, 5000)) == whole);

  // The first window, a save, a load, and the rest.
  decoder.reset();
  std::string room(1 + seed % 70'000, '\0');
  Error error;
  const size_t first = seed % (stored.size() + 1);
  const Transfer t = decoder.decode(std::string_view(stored).substr(0, first), first == stored.size(), room, error);
  if (t.step != Step::kFinished && t.step != Step::kFailed) {
    const std::string state = saved(decoder);
    require(loaded(decoder, state));
    require(saved(decoder) == state);
    Outcome rest = decode_all(decoder, stored, always(1 << 16), always(1 << 16), t.consumed);
    rest.bytes.insert(0, room.substr(0, t.produced));
    require(rest == whole);
  }

  if (with_header) {
    std::string reference;
    const Verdict verdict = reference_gunzip(stored, reference);
    if (whole.step == Step::kFinished && verdict == Verdict::kGood) require(whole.bytes == reference);
    if (whole.step == Step::kFailed && whole.error.code == Code::kGzipTruncated && verdict == Verdict::kTruncated) {
      require(whole.bytes == reference);
    }
  }
  return 0;
}
