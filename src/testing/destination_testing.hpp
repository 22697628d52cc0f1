// A service's destination as a test has it: made by its address, asked for a whole request, told of replies.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "aws/aws_request.hpp"
#include "delivery/delivery_testing.hpp"
#include "testing/sim_net.hpp"
#include "testing/virtual_time.hpp"

namespace weir::testing {

class AnyKeys final : public CredentialProvider {
 public:
  AnyKeys() {
    keys_.access_key = FixedText<kAccessKeyBytesMax>("AKIDEXAMPLE");
    keys_.secret_key = FixedText<kSecretKeyBytesMax>("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
  }
  Result<const Credentials*> get(uint64_t) override { return &keys_; }
  bool renew() override { return false; }

 private:
  Credentials keys_;
};

/// Answers in turn; the last answer again and again.
struct ScriptedServer final : SimServer {
  SimReply answer(const SimRequest& request) override {
    requests.push_back(request);
    const SimReply reply = replies.front();
    if (replies.size() > 1) replies.erase(replies.begin());
    return reply;
  }
  std::vector<SimReply> replies{{}};
  std::vector<SimRequest> requests;
};

class DestinationTest : public ::testing::Test {
 public:
  DestinationTest() : net(server, clock, 1) {
    session.http.net = &net;
    session.http.clock = &clock;
    session.http.proxy = &proxy;
    session.credentials = &keys;
    session.aws.endpoint.region = "eu-central-1";
    options.aws = &session;
    options.web = &session;
    options.environment = [this](std::string_view name) -> std::string_view {
      const auto found = environment.find(std::string(name));
      return found == environment.end() ? std::string_view{} : std::string_view(found->second);
    };
  }

  Code make(const std::string& address) {
    options.address = address;
    const DestinationKind* kind = destination_kind(address);
    EXPECT_NE(kind, nullptr) << address;
    auto made = kind->make(options);
    if (made) {
      destination = std::move(*made);
      request = destination->make_request();
      return Code::kOk;
    }
    error = made.error();
    return error.code;
  }
  Code start() {
    std::vector<char> room(HttpCall::memory_max());
    HttpCall call(session, room);
    const Status started = destination->start(call);
    error = started ? Error() : started.error();
    return error.code;
  }

  /// One message as encoded, empty where it does not fit or is refused: see `error`, `encoded`.
  std::string encode(std::string_view text, uint32_t index = 0, std::string_view id = "id-0",
                     size_t room_bytes = 4u << 20) {
    std::vector<char> room(room_bytes, '\x7f');
    Message message;
    message.text = text;
    message.id = id;
    const auto done = destination->encode(message, index, room);
    error = done ? Error() : done.error();
    encoded = done.value_or(EncodedMessage{});
    // The slack is the kernels'; behind the room there is nothing.
    return {room.data(), encoded.bytes};
  }
  /// Begin, messages with their numbers in the request, end.
  std::string whole(const std::vector<std::string>& texts, const BatchInfo& batch = {}) {
    std::vector<char> frame(Destination::kFrameBytesMax);
    std::string all(destination->begin(batch, frame));
    for (size_t i = 0; i < texts.size(); ++i) {
      std::string text = encode(texts[i], static_cast<uint32_t>(i), "id-" + std::to_string(i));
      EXPECT_NE(text, "") << error.detail.view();
      text.resize(destination->renumber(text, static_cast<uint32_t>(i)));
      all.append(i == 0 ? std::string_view{} : destination->separator()).append(text);
    }
    return all.append(destination->end(batch, frame));
  }
  HttpRequest made(std::string_view text, const BatchInfo& batch = {}) {
    body = TextBody(text);
    request->begin(body, batch);
    HttpRequest out;
    const Status done = request->make(out, 1);
    EXPECT_TRUE(done) << done.error().detail.view();
    return out;
  }
  static std::string field(const HttpRequest& request, std::string_view name) {
    std::string all;
    for (const HttpField& field : request.fields) {
      if (field.name == name) all += (all.empty() ? "" : "|") + std::string(field.value);
    }
    return all.empty() ? "none" : all;
  }
  /// `head`: status line and fields, lines ended by \r\n.
  FailureClass judge(std::string_view head_text, std::string_view text) {
    std::vector<char> room(8192);
    HttpHead head(room);
    Error bad;
    EXPECT_EQ(head.parse(std::string(head_text) + "\r\n", bad).step, Step::kFinished) << bad.detail.view();
    (void)made("{}");
    error = Error();
    return request->judge(head, text, error);
  }
  FailureClass judge(unsigned status, std::string_view text) {
    return judge("HTTP/1.1 " + std::to_string(status) + " So\r\n", text);
  }
  [[nodiscard]] std::string words() const { return std::string(error.detail.view()); }

  VirtualClock clock;
  ScriptedServer server;
  SimNet net;
  ProxyRules proxy;
  AnyKeys keys;
  AwsSession session;
  std::map<std::string, std::string> environment;
  DestinationOptions options;
  std::unique_ptr<Destination> destination;
  std::unique_ptr<DeliveryRequest> request;
  TextBody body;
  Error error;
  EncodedMessage encoded;
};

}  // namespace weir::testing
