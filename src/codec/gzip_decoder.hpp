// GzipDecoder: gzip (RFC 1952) on isa-l's raw inflate (RFC 1951). Header and trailer are read here, so that each byte's
// offset is known, nothing of a header is buffered, and the whole state can be saved after any byte.
//
// Accepted: any number of members, empty ones too; zero bytes between and behind members; optional fields of a header
// up to 64 KiB together, skipped; a header CRC, which is verified. A stream of 0 bytes is complete and empty.
//
// What a decoder delivers is a function of the stream alone, also when the stream is truncated or damaged. isa-l needs
// help for that in two places:
//   - its fast loop may count bytes behind a damaged symbol as output that it never wrote. A failing call is
//     therefore taken back and repeated in steps of one byte, which never enter that loop; hence the copy of
//     inflate_state.
//   - at the end of a truncated stream it holds back complete literals that share a table entry with an incomplete one.
//     `deliver_last_literals` reads them from its table.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <isa-l/igzip_lib.h>

#include "codec/codec.hpp"

namespace weir {

class GzipDecoder final : public Decoder {
 public:
  static constexpr uint32_t kHeaderFieldBytesMax = 64 << 10;  ///< FEXTRA, FNAME and FCOMMENT of one member together

  explicit GzipDecoder(const DecoderLimits& limits);

  void reset() override;
  Transfer decode(std::string_view in, bool end, std::span<char> out, Error& error) override;
  DecoderPosition position() const override { return {stored_, decoded_}; }
  static size_t state_max();
  size_t state_bytes_max() const override { return state_max(); }
  void save(StateWriter& out) const override;
  bool load(StateReader& in) override;

 private:
  static constexpr size_t kBeforeBytes = offsetof(inflate_state, tmp_out_buffer) + ISAL_DEF_HIST_SIZE;

  enum class Phase : uint8_t {
    kBetween,  ///< before the first member, or behind one: the next member, zeros or garbage
    kFixed,  ///< in the 10 fixed bytes of a header
    kExtraLength,  ///< in the 2 bytes of XLEN
    kExtra,
    kName,
    kComment,
    kHeaderCrc,
    kDeflate,
    kTrailer,
    kGarbage,  ///< behind the last member, ignoring the rest
    kFailed,
  };

  /// The two windows of one call, and its answer.
  struct Call {
    std::string_view in;
    std::span<char> out;
    bool end;
    Step answer = Step::kNeedInput;
  };

  bool advance(Call& call);  ///< one phase's work; false: `call.answer` is the call's
  bool advance_between(Call& call);
  bool advance_fixed(Call& call);
  bool advance_field(Call& call);
  bool advance_trailer(Call& call);
  bool advance_deflate(Call& call);
  bool gather(Call& call, size_t size);  ///< collects `size` bytes in `few_`; false: the input is used up
  bool fail(Call& call, Code code, uint64_t byte, std::string_view what);
  bool starve(Call& call);  ///< the input is used up inside a member
  void next_field();  ///< the phase after the header field that ended
  void take(Call& call, size_t size);
  void deliver(Call& call);
  bool inflate(Call& call);  ///< one call of isa-l; false: `pending_fault_` was set
  int inflate_once(Call& call, size_t size);
  void begin_deflate();
  void end_deflate();
  void deliver_last_literals();
  bool amplified() const;
  bool state_is_sound() const;  ///< every field that isa-l uses as an index or a length is within bounds
  uint32_t pending() const { return static_cast<uint32_t>(state_.tmp_out_valid - state_.tmp_out_processed); }

  DecoderLimits limits_;
  Phase phase_ = Phase::kBetween;
  bool starved_ = false;  ///< isa-l can't go on without input
  bool last_literals_done_ = false;
  uint8_t flags_ = 0;  ///< FLG of the header
  uint8_t few_size_ = 0;  ///< bytes gathered in `few_`
  unsigned char few_[10] = {};  ///< a fixed header, a length, a header CRC or a trailer
  uint32_t field_left_ = 0;  ///< bytes of FEXTRA to come
  uint32_t field_bytes_ = 0;  ///< of this header's optional fields so far
  uint32_t header_crc_ = 0;
  uint32_t crc_ = 0;  ///< of the member's bytes so far
  uint64_t member_bytes_ = 0;  ///< decoded bytes of the member so far
  uint64_t members_ = 0;  ///< begun so far; the running one's number, from 1
  uint64_t stored_ = 0;  ///< bytes taken from the stream
  uint64_t decoded_ = 0;  ///< bytes delivered
  Code pending_fault_ = Code::kOk;  ///< to be told when everything before it is delivered
  uint64_t pending_fault_byte_ = 0;
  Error error_;
  inflate_state state_;  ///< its pointers are set for each call; when one begins, nothing is pending in its buffer
  alignas(8) unsigned char before_[kBeforeBytes];  ///< `state_` as it was before the running call of isa-l
};

}  // namespace weir
