#include "connector/s3_checkpoint_store.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "hash/crc64nvme.hpp"
#include "hash/hex.hpp"
#include "hash/sha256.hpp"

namespace weir {
namespace {

constexpr std::string_view kLeaseMagic = "weir lease ";

}  // namespace

S3CheckpointStore::S3CheckpointStore(Options options, S3Client& client, Clock& clock)
    : options_(std::move(options)), client_(client), clock_(clock) {
  lease_name_ = {options_.name.bucket, options_.name.key + ".lease"};
}

// "weir lease OWNER UNTIL", the time in nanoseconds since 1970.
Status S3CheckpointStore::take_lease() {
  const uint64_t now = clock_.wall_ns();
  lease_until_ns_ = end_wall_ns_ != 0 ? std::min(end_wall_ns_ + kLeaseSlackNs, now + kLeaseNsMax) : now + kLeaseNs;
  FixedText<80> text(kLeaseMagic);
  text.append(owner_.view()).append(" ").append_number(lease_until_ns_).append("\n");
  const Status put = this->put(lease_name_, text.view(), lease_);
  if (put || put.error().code != Code::kOutputExists) return put;
  return fail(Code::kFenced, options_.url);
}

Status S3CheckpointStore::acquire() {
  owner_ = client_.new_id();
  std::array<char, 80> room;
  auto there = client_.get_small(lease_name_, room);
  if (!there) return fail(there.error());
  lease_.etag = client_.info().etag;
  std::string_view text(room.data(), std::min<uint64_t>(*there, room.size()));
  if (text.starts_with(kLeaseMagic)) {
    text.remove_prefix(std::min(text.size(), text.find(' ', kLeaseMagic.size()) + 1));
    uint64_t until = 0;
    std::from_chars(text.data(), text.data() + text.size(), until);
    const uint64_t now = clock_.wall_ns();
    if (until > now) {
      other_until_ns_ = until;
      Error error(Code::kFenced, options_.url);
      error.detail.append(": another run holds it for ").append_number((until - now) / 1'000'000'000 + 1);
      error.detail.append(" s more (").append(lease_name_.key).append(")");
      return fail(error);
    }
  }
  took_over_ = !lease_.etag.empty();
  WEIR_TRY(take_lease());
  held_ = true;
  return {};
}

Result<size_t> S3CheckpointStore::load(std::span<char> room) {
  auto size = client_.get_small(options_.name, room);
  if (!size) return fail(size.error());
  state_.etag = client_.info().etag;
  return static_cast<size_t>(*size);
}

// On condition that what is there is what this run knows. W4101: it is not.
Status S3CheckpointStore::put(const S3Name& name, std::string_view bytes, Kept& kept) {
  Crc64Nvme crc;
  crc.update(bytes);
  FixedText<64> hash;
  if (options_.signed_payload) hash = sha256_hex(bytes);
  for (;;) {
    TextBody body(bytes);
    const Status done = client_.put(name, body, {.crc64nvme = crc.value(), .sha256 = hash.view()},
                                    {.if_match = kept.etag.view(), .if_none = kept.etag.view().empty()}, owner_.view());
    if (done) {
      kept = {client_.info().etag, false};
      return {};
    }
    if (done.error().code != Code::kOutputExists || !kept.unknown) {
      kept.unknown =
          kept.unknown || done.error().exit() == Exit::kUnavailable || done.error().code == Code::kInterrupted;
      return done;
    }
    // The one that was not answered may have been done.
    const auto there = client_.head(name);
    if (!there && there.error().code != Code::kNoInput) return fail(there.error());
    if (!there || there->weir_id.view() != owner_.view()) return done;
    kept = {there->etag, false};
  }
}

Status S3CheckpointStore::save(std::string_view bytes) {
  const Status saved = put(options_.name, bytes, state_);
  if (!saved && saved.error().code == Code::kOutputExists) return fail(Code::kFenced, options_.url);
  WEIR_TRY(saved);
  const auto kept = keep();
  return kept ? Status() : fail(kept.error());
}

Result<uint64_t> S3CheckpointStore::keep() {
  if (!held_ || (end_wall_ns_ != 0 && lease_until_ns_ >= end_wall_ns_ + kLeaseSlackNs)) return kNever;
  if (clock_.wall_ns() + kLeaseNs / 2 >= lease_until_ns_) WEIR_TRY(take_lease());
  const uint64_t wall = clock_.wall_ns();
  return clock_.monotonic_ns() + (lease_until_ns_ > wall + kLeaseNs / 2 ? lease_until_ns_ - wall - kLeaseNs / 2 : 0);
}

Status S3CheckpointStore::clear() {
  WEIR_TRY(client_.remove(options_.name));
  state_ = {};
  return {};
}

void S3CheckpointStore::release() noexcept {
  if (held_) (void)client_.remove(lease_name_);
  held_ = false;
}

}  // namespace weir
