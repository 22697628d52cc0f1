#include "engine/checkpoint.hpp"

#include <algorithm>
#include <cstring>

#include "base/assert.hpp"
#include "hash/crc32c.hpp"
#include "hash/hmac.hpp"

namespace weir {
namespace {

constexpr std::string_view kMagic = "WEIRCKPT";
constexpr size_t kFixedBytes = 8 + 4 + 4 + 1 + CheckpointHead::kBytes;  // magic, version, length, signed, head
constexpr size_t kTrailerBytes = 32 + 4;

std::string_view text_of(const Sha256::Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

void put_head(StateWriter& out, const CheckpointHead& head) {
  out.put(static_cast<uint8_t>(head.kind));
  out.put(head.epoch);
  out.put(head.sequence);
  out.put(head.runs);
  out.put(head.idle_runs);
  out.put(head.saved_wall_ns);
  out.put(head.progress);
  out.put(head.verdict);
  out.put(head.verdict_source);
  out.put(head.verdict_byte);
  out.put(head.verdict_record);
  out.bytes(text_of(head.job_id));
  char version[24] = {};
  const std::string_view text = head.version.view();
  std::memcpy(version, text.data(), std::min(text.size(), sizeof version));
  out.bytes({version, sizeof version});
}

bool get_head(StateReader& in, CheckpointHead& head) {
  const auto kind = in.get<uint8_t>();
  head.kind = static_cast<CheckpointKind>(kind);
  head.epoch = in.get<uint64_t>();
  head.sequence = in.get<uint64_t>();
  head.runs = in.get<uint32_t>();
  head.idle_runs = in.get<uint32_t>();
  head.saved_wall_ns = in.get<uint64_t>();
  head.progress = in.get<uint64_t>();
  head.verdict = in.get<uint16_t>();
  head.verdict_source = in.get<uint32_t>();
  head.verdict_byte = in.get<uint64_t>();
  head.verdict_record = in.get<uint64_t>();
  const std::string_view id = in.bytes(head.job_id.size());
  if (!id.empty()) std::memcpy(head.job_id.data(), id.data(), id.size());
  const std::string_view version = in.bytes(24);
  head.version = FixedText<24>(version.substr(0, std::min(version.find('\0'), version.size())));
  const bool padded = version.find_first_not_of('\0', head.version.view().size()) == version.npos;
  return in.ok() && kind >= 1 && kind <= 4 && padded;
}

// Head, HMAC and checksum of a checkpoint whose sections stand between them.
std::string_view put_frame(std::span<char> bytes, const CheckpointHead& head, std::string_view key) {
  StateWriter front(bytes.first(kFixedBytes));
  front.bytes(kMagic);
  front.put(kCheckpointVersion);
  front.put(static_cast<uint32_t>(bytes.size()));
  front.put(static_cast<uint8_t>(!key.empty()));
  put_head(front, head);
  WEIR_ASSERT(front.ok() && front.size() == kFixedBytes);
  const std::string_view body(bytes.data(), bytes.size() - kTrailerBytes);
  Sha256::Digest digest{};
  if (!key.empty()) {
    HmacSha256 hmac(key);
    hmac.update(body);
    digest = hmac.digest();
  }
  StateWriter back(bytes.last(kTrailerBytes));
  back.bytes(text_of(digest));
  back.put(crc32c(crc32c(0, body), text_of(digest)));
  WEIR_ASSERT(back.ok());
  return {bytes.data(), bytes.size()};
}

Status damaged(std::string_view what) { return fail(Code::kCheckpointInvalid, what); }

Status other_version(uint32_t version) {
  Error error(version > kCheckpointVersion ? Code::kCheckpointNewer : Code::kCheckpointInvalid);
  error.detail.append("its format is version ").append_number(version);
  error.detail.append(", this program knows ").append_number(kCheckpointVersion);
  return fail(error);
}

}  // namespace

size_t CheckpointWriter::overhead_bytes() { return kFixedBytes + kTrailerBytes + kCheckpointSections * 6; }

void CheckpointWriter::begin() {
  used_ = kFixedBytes;
  ok_ = room_.size() >= kFixedBytes + kTrailerBytes;
}

std::string_view CheckpointWriter::seal(const CheckpointHead& head, std::string_view key) {
  ok_ = ok_ && room_.size() - used_ >= kTrailerBytes;
  WEIR_ASSERT(ok_);
  return put_frame(room_.first(used_ + kTrailerBytes), head, key);
}

std::string_view reseal_checkpoint(std::span<char> bytes, const CheckpointHead& head, std::string_view key) {
  WEIR_ASSERT(bytes.size() >= kFixedBytes + kTrailerBytes);
  return put_frame(bytes, head, key);
}

Status CheckpointReader::parse(std::string_view bytes, std::string_view key) {
  if (bytes.size() < kMagic.size() + 8 || !bytes.starts_with(kMagic)) return damaged("it is no checkpoint");
  StateReader front(bytes.substr(kMagic.size()));
  const auto version = front.get<uint32_t>();
  const auto length = front.get<uint32_t>();
  if (bytes.size() < kFixedBytes + kTrailerBytes || length != bytes.size()) {
    // A newer format may be framed otherwise: its version is told all the same, unless the bytes are plainly cut.
    if (version > kCheckpointVersion && length == bytes.size()) return other_version(version);
    return damaged("it was cut short");
  }
  const std::string_view body = bytes.substr(0, bytes.size() - kTrailerBytes);
  StateReader back(bytes.substr(body.size()));
  const std::string_view hmac = back.bytes(32);
  if (back.get<uint32_t>() != crc32c(crc32c(0, body), hmac)) return damaged("its checksum is wrong");
  if (version != kCheckpointVersion) return other_version(version);
  const auto is_signed = front.get<uint8_t>();
  signed_ = is_signed == 1;
  if (!get_head(front, head_) || is_signed > 1) return damaged("its head is not sound");
  if (!signed_ && hmac.find_first_not_of('\0') != hmac.npos)
    return damaged("it is not signed, but a signature stands in it");
  if (!key.empty()) {
    if (!signed_) return damaged("it is not signed, and checkpoint.key is set");
    HmacSha256 expected(key);
    expected.update(body);
    Sha256::Digest found{};
    std::memcpy(found.data(), hmac.data(), hmac.size());
    if (!same_digest(expected.digest(), found))
      return damaged("its signature is wrong: another key, or somebody changed it");
  }
  std::string_view rest = body.substr(kFixedBytes);
  for (size_t i = 0; i < kCheckpointSections; ++i) {
    StateReader frame(rest);
    const auto id = frame.get<uint16_t>();
    const auto size = frame.get<uint32_t>();
    if (!frame.ok() || id != i + 1 || size > rest.size() - 6) return damaged("its sections are not sound");
    sections_[i] = rest.substr(6, size);
    rest.remove_prefix(6 + size);
  }
  return rest.empty() ? Status{} : damaged("bytes follow its last section");
}

Status CheckpointReader::peek(std::string_view bytes) {
  if (bytes.size() < kFixedBytes || !bytes.starts_with(kMagic)) return damaged("it is no checkpoint");
  StateReader front(bytes.substr(kMagic.size()));
  const auto version = front.get<uint32_t>();
  if (version > kCheckpointVersion) return other_version(version);
  front.get<uint32_t>();
  front.get<uint8_t>();
  return version == kCheckpointVersion && get_head(front, head_) ? Status{} : damaged("its head is not sound");
}

void CheckpointSource::save(StateWriter& out) const {
  out.put(inputs);
  out.put(input);
  out.text(name);
  out.text(identity);
  out.bytes(text_of(finished));
  out.put(stored_byte);
  out.put(stored_size);
}

bool CheckpointSource::load_front(StateReader& in) {
  inputs = in.get<uint32_t>();
  input = in.get<uint32_t>();
  name = in.text();
  identity = in.text();
  const std::string_view chain = in.bytes(finished.size());
  if (!chain.empty()) std::memcpy(finished.data(), chain.data(), chain.size());
  stored_byte = in.get<uint64_t>();
  stored_size = in.get<uint64_t>();
  return in.ok() && input <= inputs;
}

}  // namespace weir
