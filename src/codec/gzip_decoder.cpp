#include "codec/gzip_decoder.hpp"

#include <algorithm>
#include <cstring>

#include <isa-l/crc.h>

#include "base/assert.hpp"
#include "codec/amplification.hpp"

namespace weir {
namespace {

constexpr unsigned char kMagic0 = 0x1f;
constexpr unsigned char kMagic1 = 0x8b;
constexpr unsigned char kDeflateMethod = 8;
constexpr uint8_t kFlagHeaderCrc = 0x02;
constexpr uint8_t kFlagExtra = 0x04;
constexpr uint8_t kFlagName = 0x08;
constexpr uint8_t kFlagComment = 0x10;
constexpr uint8_t kFlagsReserved = 0xe0;
constexpr size_t kFixedBytes = 10;
constexpr size_t kTrailerBytes = 8;

constexpr size_t kInflateInputMax =
    128 << 10;  ///< of one isa-l call: bounds what is repeated in small steps after a failure
constexpr int32_t kHistoryBytes = ISAL_DEF_HIST_SIZE;
constexpr int32_t kTmpOutBytes = sizeof(inflate_state::tmp_out_buffer);

// A saved state is one library version's own, and of one way to lay it out. x86-64 and aarch64 have the same: 64 bits, little-endian, and the
// tables are built by the same C code of isa-l on both.
#if defined(__x86_64__) || defined(__aarch64__)
constexpr uint32_t kLayout = 1;
#else
#error "name the layout here: saved decoder states are tagged with it"
#endif
constexpr uint32_t kIsalVersion = 0x021e;  // 2.30; what is known here of isa-l's fields and tables holds for this one
constexpr uint32_t kStateTag = 0x47000000u;  // 'G'
constexpr uint32_t kStateVersion = 1;
static_assert(sizeof(inflate_state) == 87368,
              "another isa-l: look through save, load and state_is_sound, then state its version");

// isa-l's decoding tables (igzip_inflate.c).
constexpr uint32_t kLitShortBits = ISAL_DECODE_LONG_BITS;
constexpr uint32_t kDistShortBits = ISAL_DECODE_SHORT_BITS;
constexpr uint32_t kLitIsLong = 1u << 25;
constexpr uint32_t kLitPayload = kLitIsLong - 1;
constexpr uint32_t kLitSymbolMax = 512;  ///< 254 + a length of 258
constexpr uint32_t kEndOfBlock = 256;
constexpr uint32_t kDistIsLong = 1u << 10;
constexpr uint32_t kDistPayload = (1u << 9) - 1;
constexpr uint32_t kDistSymbols = 30;

const unsigned char* bytes_of(const char* text) { return reinterpret_cast<const unsigned char*>(text); }

uint32_t load_u32(const unsigned char* bytes) {
  return bytes[0] | static_cast<uint32_t>(bytes[1]) << 8 | static_cast<uint32_t>(bytes[2]) << 16 |
         static_cast<uint32_t>(bytes[3]) << 24;
}

bool lit_short_is_sound(uint32_t entry) {
  if (entry & kLitIsLong) {
    const uint32_t bits = entry >> 26;
    const uint32_t at = entry & kLitPayload;
    return bits > kLitShortBits && bits <= 21 &&
           at + (1u << (bits - kLitShortBits)) <= ISAL_HUFF_CODE_LARGE_LONG_ALIGNED;
  }
  const uint32_t bits = entry >> 28;
  const uint32_t symbols = entry >> 26 & 3;
  const uint32_t payload = entry & kLitPayload;
  if (bits == 0) return entry == 0;
  if (bits > kLitShortBits || symbols == 0) return false;
  return payload >> (8 * (symbols - 1)) <= kLitSymbolMax;
}

bool lit_long_is_sound(uint16_t entry) {
  const uint32_t bits = entry >> 10;
  return bits == 0 ? entry == 0 : bits > kLitShortBits && bits <= 21 && (entry & 1023u) <= kLitSymbolMax;
}

/// The low 9 or 10 bits of an entry of the table of distances: symbol and number of its extra bits.
bool dist_symbol_is_sound(uint32_t payload) {
  const uint32_t symbol = payload & 31;
  return symbol < kDistSymbols && payload >> 5 == (symbol < 4 ? 0 : symbol / 2 - 1);
}

bool dist_short_is_sound(uint16_t entry) {
  const uint32_t bits = entry >> 11;
  if (entry & kDistIsLong) {
    const uint32_t at = entry & kDistPayload;
    return bits > kDistShortBits && bits <= 15 &&
           at + (1u << (bits - kDistShortBits)) <= ISAL_HUFF_CODE_SMALL_LONG_ALIGNED;
  }
  if (bits == 0) return entry <= 15;  // an unused symbol: the length of its code
  return bits <= kDistShortBits && dist_symbol_is_sound(entry & 1023u);
}

bool dist_long_is_sound(uint16_t entry) {
  const uint32_t bits = entry >> 10;
  if (bits == 0) return entry <= 15;
  return bits > kDistShortBits && bits <= 15 && dist_symbol_is_sound(entry & 1023u);
}

}  // namespace

GzipDecoder::GzipDecoder(const DecoderLimits& limits) : limits_(limits) {
  std::memset(&state_, 0,
              sizeof state_);  // the tables of a first block are read only after it was; still, no stray bytes
  reset();
}

void GzipDecoder::reset() {
  phase_ = Phase::kBetween;
  starved_ = false;
  last_literals_done_ = false;
  flags_ = 0;
  few_size_ = 0;
  field_left_ = 0;
  field_bytes_ = 0;
  header_crc_ = 0;
  crc_ = 0;
  member_bytes_ = 0;
  members_ = 0;
  stored_ = 0;
  decoded_ = 0;
  pending_fault_ = Code::kOk;
  isal_inflate_init(&state_);
}

Transfer GzipDecoder::decode(std::string_view in, bool end, std::span<char> out, Error& error) {
  Call call{in, out, end};
  while (advance(call)) {
  }
  if (call.answer == Step::kFailed) error = error_;
  return {call.answer, in.size() - call.in.size(), out.size() - call.out.size()};
}

bool GzipDecoder::advance(Call& call) {
  switch (phase_) {
    case Phase::kBetween:
      return advance_between(call);
    case Phase::kFixed:
      return advance_fixed(call);
    case Phase::kExtraLength:
    case Phase::kExtra:
    case Phase::kName:
    case Phase::kComment:
    case Phase::kHeaderCrc:
      return advance_field(call);
    case Phase::kDeflate:
      return advance_deflate(call);
    case Phase::kTrailer:
      return advance_trailer(call);
    case Phase::kGarbage:
      take(call, call.in.size());
      call.answer = call.end ? Step::kFinished : Step::kNeedInput;
      return false;
    case Phase::kFailed:
      call.answer = Step::kFailed;
      return false;
  }
  return false;
}

void GzipDecoder::take(Call& call, size_t size) {
  call.in.remove_prefix(size);
  stored_ += size;
}

bool GzipDecoder::fail(Call& call, Code code, uint64_t byte, std::string_view what) {
  error_ = Error(code);
  error_.at_byte(byte);
  error_.detail.append("member ").append_number(members_);
  if (!what.empty()) error_.detail.append(": ").append(what);
  phase_ = Phase::kFailed;
  call.answer = Step::kFailed;
  return false;
}

bool GzipDecoder::starve(Call& call) {
  if (call.end) return fail(call, Code::kGzipTruncated, stored_, "");
  call.answer = Step::kNeedInput;
  return false;
}

bool GzipDecoder::gather(Call& call, size_t size) {
  const size_t n = std::min(size - few_size_, call.in.size());
  if (n != 0) std::memcpy(few_ + few_size_, call.in.data(), n);
  few_size_ = static_cast<uint8_t>(few_size_ + n);
  take(call, n);
  return few_size_ == size;
}

// ---- between members ----------------------------------------------------------------------------------------------

bool GzipDecoder::advance_between(Call& call) {
  if (members_ != 0) {
    const size_t zeros = std::min(call.in.find_first_not_of('\0'), call.in.size());
    take(call, zeros);
  }
  if (call.in.empty()) {
    call.answer = call.end ? Step::kFinished : Step::kNeedInput;
    return false;
  }
  phase_ = Phase::kFixed;
  few_size_ = 0;
  ++members_;
  return true;
}

// ---- header -------------------------------------------------------------------------------------------------------

bool GzipDecoder::advance_fixed(Call& call) {
  while (few_size_ < kFixedBytes) {
    if (call.in.empty()) return starve(call);
    const auto byte = static_cast<unsigned char>(call.in.front());
    const size_t at = few_size_;
    if ((at == 0 && byte != kMagic0) || (at == 1 && byte != kMagic1)) {
      if (members_ == 1) return fail(call, Code::kGzipBadHeader, stored_, "not gzip");
      --members_;
      if (!limits_.trailing_garbage_ignored) return fail(call, Code::kGzipTrailing, stored_ - at, "");
      phase_ = Phase::kGarbage;
      return true;
    }
    if (at == 2 && byte != kDeflateMethod)
      return fail(call, Code::kGzipBadHeader, stored_, "unknown compression method");
    if (at == 3 && (byte & kFlagsReserved) != 0)
      return fail(call, Code::kGzipBadHeader, stored_, "reserved flags are set");
    few_[few_size_++] = byte;
    take(call, 1);
  }
  flags_ = few_[3];
  header_crc_ = crc32_gzip_refl(0, few_, kFixedBytes);
  field_bytes_ = 0;
  next_field();
  return true;
}

void GzipDecoder::next_field() {
  few_size_ = 0;
  // Each case falls on to the next field where the header doesn't have this one.
  switch (phase_) {
    case Phase::kFixed:
      if (flags_ & kFlagExtra) {
        phase_ = Phase::kExtraLength;
        return;
      }
      [[fallthrough]];
    case Phase::kExtra:
      if (flags_ & kFlagName) {
        phase_ = Phase::kName;
        return;
      }
      [[fallthrough]];
    case Phase::kName:
      if (flags_ & kFlagComment) {
        phase_ = Phase::kComment;
        return;
      }
      [[fallthrough]];
    case Phase::kComment:
      if (flags_ & kFlagHeaderCrc) {
        phase_ = Phase::kHeaderCrc;
        return;
      }
      [[fallthrough]];
    default:
      begin_deflate();
  }
}

bool GzipDecoder::advance_field(Call& call) {
  if (phase_ == Phase::kHeaderCrc) {
    if (!gather(call, 2)) return starve(call);
    if ((header_crc_ & 0xffff) != (few_[0] | static_cast<uint32_t>(few_[1]) << 8)) {
      return fail(call, Code::kGzipBadHeader, stored_ - 2, "header checksum is wrong");
    }
    next_field();
    return true;
  }
  if (phase_ == Phase::kExtraLength) {
    if (!gather(call, 2)) return starve(call);
    header_crc_ = crc32_gzip_refl(header_crc_, few_, 2);
    field_left_ = few_[0] | static_cast<uint32_t>(few_[1]) << 8;
    phase_ = Phase::kExtra;
  }
  bool done;
  size_t n;
  if (phase_ == Phase::kExtra) {
    n = std::min<size_t>(field_left_, call.in.size());
    field_left_ -= static_cast<uint32_t>(n);
    done = field_left_ == 0;
  } else {
    const size_t zero = call.in.find('\0');
    done = zero != std::string_view::npos;
    n = done ? zero + 1 : call.in.size();
  }
  if (n > kHeaderFieldBytesMax - field_bytes_) {
    return fail(call, Code::kGzipBadHeader, stored_ + (kHeaderFieldBytesMax - field_bytes_),
                "optional fields of more than 64 KiB");
  }
  field_bytes_ += static_cast<uint32_t>(n);
  header_crc_ = crc32_gzip_refl(header_crc_, bytes_of(call.in.data()), n);
  take(call, n);
  if (!done) return starve(call);
  next_field();
  return true;
}

// ---- deflate ------------------------------------------------------------------------------------------------------

void GzipDecoder::begin_deflate() {
  isal_inflate_reset(&state_);
  starved_ = false;
  crc_ = 0;
  member_bytes_ = 0;
  phase_ = Phase::kDeflate;
}

bool GzipDecoder::amplified() const { return is_amplified(limits_, decoded_ + pending(), stored_); }

bool GzipDecoder::advance_deflate(Call& call) {
  if (pending() != 0) {
    deliver(call);
    if (pending() != 0) {
      call.answer = Step::kHaveOutput;
      return false;
    }
  }
  if (pending_fault_ != Code::kOk) return fail(call, pending_fault_, pending_fault_byte_, "");
  if (state_.block_state == ISAL_BLOCK_INPUT_DONE || state_.block_state == ISAL_BLOCK_FINISH) {
    end_deflate();
    return true;
  }
  if (starved_ && call.in.empty()) {
    if (call.end && !last_literals_done_) {
      last_literals_done_ = true;
      deliver_last_literals();
      pending_fault_ = Code::kGzipTruncated;
      pending_fault_byte_ = stored_;
      return true;
    }
    return starve(call);
  }
  if (inflate(call) && limits_.amplification_guard && amplified()) {
    return fail(call, Code::kAmplification, stored_, "");
  }
  return true;
}

/// Moves what isa-l has decoded ahead to the caller. Keeps what isa-l relies on: once everything was delivered, its
/// buffer holds no more than the history.
void GzipDecoder::deliver(Call& call) {
  const size_t n = std::min<size_t>(pending(), call.out.size());
  if (n == 0) return;
  const unsigned char* from = state_.tmp_out_buffer + state_.tmp_out_processed;
  std::memcpy(call.out.data(), from, n);
  crc_ = crc32_gzip_refl(crc_, from, n);
  member_bytes_ += n;
  decoded_ += n;
  call.out = call.out.subspan(n);
  state_.tmp_out_processed += static_cast<int32_t>(n);
  if (pending() == 0 && state_.tmp_out_processed > kHistoryBytes) {
    std::memmove(state_.tmp_out_buffer, state_.tmp_out_buffer + state_.tmp_out_valid - kHistoryBytes, kHistoryBytes);
    state_.tmp_out_valid = kHistoryBytes;
    state_.tmp_out_processed = kHistoryBytes;
  }
}

/// One call of isa-l with `size` bytes of the input and all of the room; takes and counts what it used and made.
int GzipDecoder::inflate_once(Call& call, size_t size) {
  char none = 0;  // isa-l computes with its pointers even where there is nothing behind them
  const size_t room = std::min<size_t>(call.out.size(), 1u << 30);
  auto* out = reinterpret_cast<uint8_t*>(room != 0 ? call.out.data() : &none);
  state_.next_in = reinterpret_cast<uint8_t*>(const_cast<char*>(size != 0 ? call.in.data() : &none));
  state_.avail_in = static_cast<uint32_t>(size);
  state_.next_out = out;
  state_.avail_out = static_cast<uint32_t>(room);
  const int result = isal_inflate(&state_);
  const size_t made = room - state_.avail_out;
  crc_ = crc32_gzip_refl(crc_, out, made);
  member_bytes_ += made;
  decoded_ += made;
  call.out = call.out.subspan(made);
  // Where it fails its fast loop may have counted a byte more than there were; the caller then goes back.
  take(call, size - std::min<size_t>(state_.avail_in, size));
  // With no room at all isa-l still decodes into its own buffer: nothing there means that nothing can be decoded.
  starved_ = result == ISAL_DECOMP_OK && state_.avail_in == 0 && pending() == 0 && (state_.avail_out != 0 || room == 0);
  return result;
}

bool GzipDecoder::inflate(Call& call) {
  const size_t size = std::min(call.in.size(), kInflateInputMax);
  int result;
  if (size <= 1) {
    result = inflate_once(call, size);
  } else {
    WEIR_ASSERT(pending() == 0 && state_.tmp_out_valid <= kHistoryBytes);
    std::memcpy(before_, &state_, offsetof(inflate_state, tmp_out_buffer) + static_cast<size_t>(state_.tmp_out_valid));
    const auto copied = static_cast<size_t>(state_.tmp_out_valid);
    const Call call_before = call;
    const uint64_t stored_before = stored_;
    const uint64_t decoded_before = decoded_;
    const uint64_t member_bytes_before = member_bytes_;
    const uint32_t crc_before = crc_;
    result = inflate_once(call, size);
    if (result < 0) {
      std::memcpy(&state_, before_, offsetof(inflate_state, tmp_out_buffer) + copied);
      call = call_before;
      stored_ = stored_before;
      decoded_ = decoded_before;
      member_bytes_ = member_bytes_before;
      crc_ = crc_before;
      result = 0;
      for (size_t i = 0; i < size && result == 0; ++i) {
        const uint64_t at = stored_;
        result = inflate_once(call, 1);
        if (stored_ == at) break;  // no room for what comes before the fault: it will be met again
      }
    }
  }
  if (result < 0) {
    const auto unread = static_cast<uint64_t>(std::max(state_.read_in_length, 0) / 8);
    pending_fault_ = Code::kGzipBadData;
    pending_fault_byte_ = stored_ - std::min(unread, stored_);
    return false;
  }
  return true;
}

void GzipDecoder::end_deflate() {
  // isa-l reads ahead up to 8 bytes: never more than the trailer.
  const auto bits = static_cast<uint32_t>(state_.read_in_length);
  const uint64_t ahead = bits == 0 ? 0 : state_.read_in >> (bits % 8);
  few_size_ = static_cast<uint8_t>(bits / 8);
  WEIR_ASSERT(few_size_ <= kTrailerBytes);
  for (size_t i = 0; i < few_size_; ++i) few_[i] = static_cast<unsigned char>(ahead >> (8 * i));
  phase_ = Phase::kTrailer;
}

bool GzipDecoder::advance_trailer(Call& call) {
  if (!gather(call, kTrailerBytes)) return starve(call);
  if (load_u32(few_) != crc_) return fail(call, Code::kGzipChecksum, stored_ - 8, "checksum");
  if (load_u32(few_ + 4) != static_cast<uint32_t>(member_bytes_))
    return fail(call, Code::kGzipChecksum, stored_ - 4, "length");
  phase_ = Phase::kBetween;
  return true;
}

/// The stream ends inside a block. isa-l looks up several literals at once and delivers none of them while the last is
/// incomplete. Here the first symbol of an entry is known to be complete with k bits when all entries that agree in
/// these k bits begin with it.
void GzipDecoder::deliver_last_literals() {
  if (state_.block_state != ISAL_BLOCK_CODED) return;
  uint64_t bits = state_.read_in;
  auto left = static_cast<uint32_t>(std::clamp(state_.read_in_length, 0, 64));
  const uint32_t* table = state_.lit_huff_code.short_code_lookup;
  constexpr uint32_t kNoLiteral = 256;
  const auto first_literal = [](uint32_t entry) {
    if ((entry & kLitIsLong) != 0 || entry >> 28 == 0) return kNoLiteral;
    const uint32_t symbols = entry >> 26 & 3;
    const uint32_t payload = entry & kLitPayload;
    return symbols == 1 && payload >= kEndOfBlock ? kNoLiteral : payload & 255;
  };
  while (state_.tmp_out_valid < kTmpOutBytes) {
    uint32_t length = 0;
    uint32_t literal = kNoLiteral;
    for (uint32_t k = 1; k <= std::min(left, kLitShortBits) && length == 0; ++k) {
      const auto low = static_cast<uint32_t>(bits & ((1u << k) - 1));
      literal = first_literal(table[low]);
      bool same = literal != kNoLiteral;
      for (uint32_t high = 1; same && high < 1u << (kLitShortBits - k); ++high) {
        same = first_literal(table[low | high << k]) == literal;
      }
      if (same) length = k;
    }
    if (length == 0) return;
    state_.tmp_out_buffer[state_.tmp_out_valid++] = static_cast<uint8_t>(literal);
    bits >>= length;
    left -= length;
  }
}

// ---- state --------------------------------------------------------------------------------------------------------
// Of isa-l's state only what the phase needs: the tables inside a coded block, the start of a split block header, the
// last 32 KiB delivered and what waits behind them. Its overflow fields are empty between calls.

size_t GzipDecoder::state_max() {
  constexpr size_t kOwn = 128;
  return kOwn + sizeof(inflate_huff_code_large) + sizeof(inflate_huff_code_small) + ISAL_DEF_MAX_HDR_SIZE +
         kTmpOutBytes;
}

void GzipDecoder::save(StateWriter& out) const {
  WEIR_ASSERT(phase_ != Phase::kFailed);
  out.put(kStateTag | kStateVersion);
  out.put(kIsalVersion << 8 | kLayout);
  out.put(static_cast<uint8_t>(phase_));
  out.put(flags_);
  out.put(few_size_);
  out.bytes({reinterpret_cast<const char*>(few_), sizeof few_});
  out.put(field_left_);
  out.put(field_bytes_);
  out.put(header_crc_);
  out.put(crc_);
  out.put(member_bytes_);
  out.put(members_);
  out.put(stored_);
  out.put(decoded_);
  if (phase_ != Phase::kDeflate) return;
  WEIR_ASSERT(state_.write_overflow_len == 0 && state_.copy_overflow_length == 0);
  out.put(static_cast<uint16_t>(pending_fault_));
  out.put(pending_fault_byte_);
  out.put(static_cast<uint8_t>(state_.block_state));
  out.put(static_cast<uint8_t>(state_.bfinal));
  out.put(static_cast<uint8_t>(std::max(state_.read_in_length, 0)));
  out.put(state_.read_in);
  if (state_.block_state == ISAL_BLOCK_TYPE0) out.put(state_.type0_block_len);
  if (state_.block_state == ISAL_BLOCK_HDR) {
    out.text({reinterpret_cast<const char*>(state_.tmp_in_buffer), static_cast<size_t>(state_.tmp_in_size)});
  }
  if (state_.block_state == ISAL_BLOCK_CODED) {
    out.bytes({reinterpret_cast<const char*>(&state_.lit_huff_code), sizeof state_.lit_huff_code});
    out.bytes({reinterpret_cast<const char*>(&state_.dist_huff_code), sizeof state_.dist_huff_code});
  }
  const int32_t from = std::max(0, state_.tmp_out_processed - kHistoryBytes);
  out.put(state_.tmp_out_processed - from);
  out.text(
      {reinterpret_cast<const char*>(state_.tmp_out_buffer) + from, static_cast<size_t>(state_.tmp_out_valid - from)});
}

bool GzipDecoder::load(StateReader& in) {
  reset();
  const auto load_all = [&] {
    if (in.get<uint32_t>() != (kStateTag | kStateVersion)) return false;
    if (in.get<uint32_t>() != (kIsalVersion << 8 | kLayout)) return false;
    phase_ = static_cast<Phase>(in.get<uint8_t>());  // of any value, being uint8_t: checked below
    flags_ = in.get<uint8_t>();
    few_size_ = in.get<uint8_t>();
    const std::string_view few = in.bytes(sizeof few_);
    if (!in.ok()) return false;
    std::memcpy(few_, few.data(), sizeof few_);
    field_left_ = in.get<uint32_t>();
    field_bytes_ = in.get<uint32_t>();
    header_crc_ = in.get<uint32_t>();
    crc_ = in.get<uint32_t>();
    member_bytes_ = in.get<uint64_t>();
    members_ = in.get<uint64_t>();
    stored_ = in.get<uint64_t>();
    decoded_ = in.get<uint64_t>();
    if (!in.ok() || phase_ >= Phase::kFailed || (flags_ & kFlagsReserved) != 0) return false;
    const size_t few_max = phase_ == Phase::kFixed                                        ? kFixedBytes
                           : phase_ == Phase::kTrailer                                    ? kTrailerBytes
                           : phase_ == Phase::kExtraLength || phase_ == Phase::kHeaderCrc ? 2
                                                                                          : sizeof few_;
    if (few_size_ > few_max || field_left_ > 65535 || field_bytes_ > kHeaderFieldBytesMax) return false;
    if (phase_ != Phase::kDeflate) return true;
    pending_fault_ = static_cast<Code>(in.get<uint16_t>());
    pending_fault_byte_ = in.get<uint64_t>();
    if (pending_fault_ != Code::kOk && pending_fault_ != Code::kGzipBadData && pending_fault_ != Code::kGzipTruncated) {
      return false;
    }
    const auto block_state = in.get<uint8_t>();
    if (block_state > ISAL_BLOCK_INPUT_DONE) return false;
    state_.block_state = static_cast<isal_block_state>(block_state);
    state_.bfinal = in.get<uint8_t>();
    state_.read_in_length = in.get<uint8_t>();
    state_.read_in = in.get<uint64_t>();
    if (state_.block_state == ISAL_BLOCK_TYPE0) state_.type0_block_len = in.get<int32_t>();
    if (state_.block_state == ISAL_BLOCK_HDR) {
      const std::string_view start = in.text();
      if (start.size() > sizeof state_.tmp_in_buffer) return false;
      if (!start.empty()) std::memcpy(state_.tmp_in_buffer, start.data(), start.size());
      state_.tmp_in_size = static_cast<int16_t>(start.size());
    }
    if (state_.block_state == ISAL_BLOCK_CODED) {
      const std::string_view lit = in.bytes(sizeof state_.lit_huff_code);
      const std::string_view dist = in.bytes(sizeof state_.dist_huff_code);
      if (!in.ok()) return false;
      std::memcpy(&state_.lit_huff_code, lit.data(), lit.size());
      std::memcpy(&state_.dist_huff_code, dist.data(), dist.size());
    }
    state_.tmp_out_processed = in.get<int32_t>();
    const std::string_view decoded = in.text();
    if (!in.ok() || decoded.size() > sizeof state_.tmp_out_buffer) return false;
    if (!decoded.empty()) std::memcpy(state_.tmp_out_buffer, decoded.data(), decoded.size());
    state_.tmp_out_valid = static_cast<int32_t>(decoded.size());
    return state_is_sound();
  };
  if (load_all()) return true;
  std::memset(&state_, 0, sizeof state_);
  reset();
  return false;
}

bool GzipDecoder::state_is_sound() const {
  if (state_.bfinal > 1 || state_.read_in_length < 0 || state_.read_in_length > 64) return false;
  if (state_.type0_block_len < 0 || state_.type0_block_len > 65535) return false;
  if (state_.tmp_out_processed < 0 || state_.tmp_out_processed > kHistoryBytes) return false;
  if (state_.tmp_out_valid < state_.tmp_out_processed || state_.tmp_out_valid > kTmpOutBytes) return false;
  if (state_.block_state != ISAL_BLOCK_CODED) return true;
  return std::ranges::all_of(state_.lit_huff_code.short_code_lookup, lit_short_is_sound) &&
         std::ranges::all_of(state_.lit_huff_code.long_code_lookup, lit_long_is_sound) &&
         std::ranges::all_of(state_.dist_huff_code.short_code_lookup, dist_short_is_sound) &&
         std::ranges::all_of(state_.dist_huff_code.long_code_lookup, dist_long_is_sound);
}

}  // namespace weir
