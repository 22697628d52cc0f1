// HttpGet: the body of one GET, told from any other that the address may give, and gone on with behind any byte. Redirects are followed.
//
// What a body is told by is its validator: a strong ETag; where there is none, Last-Modified, if it is at least a second older than the reply
// (RFC 9110, 8.8.2.2). Every request asks for a range, from byte 0 on too: a server that has ranges says so by 206. A reply of another
// body is W3101, whatever way the server says it: 412, 404, 416, or the validator that it sends.
//
// Redirects (301, 302, 303, 307, 308): five at most; never from https to http; never to an address further inside than where they come from
// (io/address_kind.hpp). Name and password go to the host that they were given for alone, and no query of ours is sent to any other.
// An attempt after the first bytes begins at the address that was given: what it led to may have expired.
//
// Content-Encoding is not undone: "identity" is asked for, and what comes all the same is the body.
//
// Memory: memory_max(), fixed.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "io/http_address.hpp"
#include "io/http_call.hpp"

namespace weir {

struct HttpObjectInfo {
  uint64_t size = kNoOffset;  ///< of the whole body; kNoOffset: not known
  FixedText<128> etag;  ///< with quotes, and W/ of a weak one; empty: none, or a longer one
  FixedText<40> modified;  ///< Last-Modified, as it was sent
  bool modified_strong = false;
  bool ranges = false;  ///< the server sends parts

  [[nodiscard]] bool etag_strong() const { return !etag.empty() && !etag.view().starts_with("W/"); }
  /// Has a validator by which two bodies are told apart for sure.
  [[nodiscard]] bool strong() const { return etag_strong() || modified_strong; }
  /// By all that both know; `sure`: by a strong validator.
  [[nodiscard]] bool same(const HttpObjectInfo& other, bool& sure) const;
};

class HttpGet final : public HttpService {
 public:
  static constexpr size_t memory_max() { return HttpCall::memory_max(); }
  static constexpr uint32_t kRedirectsMax = 5;
  static constexpr uint32_t kBadRepliesMax = 3;

  /// The session's redirects_max should be kRedirectsMax.
  HttpGet(HttpSession& session, std::span<char> room);

  /// Begins to read `address`, which outlives it, from `from` on. The body must be the one of `pinned`, as far as that tells.
  void begin(const HttpAddress& address, const HttpObjectInfo& pinned, uint64_t from);
  /// kHaveOutput: info() and first_byte() are there, and read() goes on. kBlocked: see waits(). kFailed: W3101 another body, W2014 none,
  /// W6001, W6005, W6006, W4022 to W4029.
  Step step(Error& error);
  ReadResult read(std::span<char> room, Error& error) { return call_.read(room, error); }
  /// The body broke off: begins again at `from`, if there may be another attempt; else `error` stays. See HttpCall::again.
  bool again(uint64_t from, bool progressed, Error& error);
  /// Steps until the head is there, and waits in between; behind a stop within the grace.
  Status run();

  [[nodiscard]] const HttpObjectInfo& info() const { return info_; }
  /// Offset of the byte that read() begins at: what was asked for, or 0.
  [[nodiscard]] uint64_t first_byte() const { return first_byte_; }
  /// The reply is a range: its end need not be the body's.
  [[nodiscard]] bool partial() const { return partial_; }
  [[nodiscard]] const HttpWait& waits() const { return call_.waits(); }
  [[nodiscard]] const HttpWait& read_waits() const { return call_.read_waits(); }
  void close() noexcept { call_.close(); }

  Status make(HttpRequest& request, uint32_t attempt) override;
  FailureClass judge(const HttpHead& head, std::string_view text, Error& error) override;

 private:
  void to_origin();
  [[nodiscard]] bool at_origin() const;
  FailureClass redirect(const HttpHead& head, Error& error);
  FailureClass refused(unsigned status, Error& error) const;
  /// What is wrong with a reply that succeeded; empty: nothing.
  std::string_view take_reply(Error& error);

  HttpSession& session_;
  HttpCall call_;
  const HttpAddress* address_ = nullptr;
  Url origin_;  ///< views of *address_
  FixedText<kUrlBytesMax> target_;  ///< where a redirect led to
  Url url_;  ///< views of *address_ or target_
  AddressKind reach_ = AddressKind::kLinkLocal;
  HttpObjectInfo pinned_;
  HttpObjectInfo info_;
  uint64_t from_ = 0;
  uint64_t first_byte_ = 0;
  bool whole_only_ = false;  ///< a server that can't send a range of nothing is asked without
  bool ended_ = false;  ///< there is nothing behind from_
  bool partial_ = false;
  bool got_ = false;  ///< the head was looked at
  uint32_t bad_replies_ = 0;
  std::array<HttpField, 8> fields_;
  FixedText<48> range_;
};

}  // namespace weir
