#include "delivery/lambda_function.hpp"

#include "aws/credential_json.hpp"
#include "base/assert.hpp"
#include "delivery/aws_delivery.hpp"
#include "delivery/text_room.hpp"

namespace weir {
namespace {

constexpr std::string_view kFunctionError = "X-Amz-Function-Error";

class LambdaDelivery final : public AwsDelivery {
 public:
  LambdaDelivery(AwsSession& session, const AwsServiceName& service, std::string_view path)
      : AwsDelivery(session, service, {}, {}), path_(path) {}

  void begin(HttpBody& body, const BatchInfo&) override {
    refused_ = false;
    request_.rest(service_, "POST", path_, body);
    request_.field("X-Amz-Invocation-Type", "RequestResponse");
  }
  bool wants_text(const HttpHead& head) override { return head.has(kFunctionError); }
  FailureClass judge(const HttpHead& head, std::string_view text, Error& error) override {
    const FailureClass failure = AwsDelivery::judge(head, text, error);
    if (failure == FailureClass::kNone && head.has(kFunctionError)) {
      refused_ = true;
      error = function_error(head, text);
      return FailureClass::kFatal;
    }
    // A function that is being made or changed takes no calls for some seconds.
    if (failure == FailureClass::kFatal && head.status() == 409) {
      error.code = Code::kServerError;
      return FailureClass::kTransient;
    }
    return failure;
  }

 private:
  // {"errorMessage":"...","errorType":"...", ...}, if the function keeps to its runtime's ways; text of any length, of which the first bytes are here.
  static Error function_error(const HttpHead& head, std::string_view text) {
    FixedText<60> type;
    FixedText<160> message;
    for (JsonMembers members(text); members.next();) {
      if (members.kind() != JsonMembers::Kind::kString) continue;
      if (members.name() == "errorType") type = FixedText<60>(members.text());
      if (members.name() == "errorMessage") message = FixedText<160>(members.text());
    }
    if (type.empty() && message.empty()) message = FixedText<160>(text);
    Error error(Code::kMessageRefused, "lambda: the function failed (");
    error.detail.append(head.value(kFunctionError).substr(0, 20)).append(")");
    if (!type.empty()) error.detail.append(": ").append(type.view());
    if (!message.empty()) error.detail.append(": ").append(message.view());
    return error;
  }

  std::string_view path_;
};

// The name of an input, which may be of any bytes and any length, as the inside of a JSON string of at most kSourceBytesMax bytes.
void put_source(TextRoom& out, std::string_view source) {
  FixedText<LambdaDestination::kSourceBytesMax> clean;
  size_t bytes = 0;
  while (!source.empty()) {
    size_t size = 1;
    const auto lead = static_cast<unsigned char>(source[0]);
    if (lead >= 0x80) size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    const bool valid = size <= source.size() && utf8_valid_prefix(source.substr(0, size)) == size;
    const std::string_view part = valid ? source.substr(0, size) : std::string_view("?");
    bytes += lead < 0x20 ? 6 : lead == '"' || lead == '\\' ? 2 : part.size();
    if (bytes > LambdaDestination::kSourceBytesMax) break;
    clean.append(part);
    source.remove_prefix(valid ? size : 1);
  }
  out.put_json(clean.view());
}

// What escape_json adds.
uint64_t escapes_bytes(std::string_view text) {
  uint64_t bytes = 0;
  for (const char c : text) {
    const bool is_short = c == '"' || c == '\\' || c == '\b' || c == '\t' || c == '\n' || c == '\f' || c == '\r';
    bytes += is_short ? 1 : static_cast<unsigned char>(c) < 0x20 ? 5 : 0;
  }
  return bytes;
}

void put_end(TextRoom& out, std::string_view name, const BatchInfo::End& end) {
  out.put(",\"").put(name).put("\":{\"id\":\"").put(end.id).put("\",\"source\":\"");
  put_source(out, end.source);
  out.put("\",\"byte\":").put_number(end.byte);
  if (end.record != kNoOffset) out.put(",\"record\":").put_number(end.record);
  out.put('}');
}

}  // namespace

Result<std::unique_ptr<Destination>> LambdaDestination::make(const DestinationOptions& options) {
  std::unique_ptr<LambdaDestination> made(new LambdaDestination(options));
  const std::string_view text = behind_scheme(options.address);
  std::string_view name = text;
  Arn arn;
  bool good = true;
  if (parse_arn(text, "lambda", arn)) {
    constexpr std::string_view kKind = "function:";
    made->region_ = arn.region;
    good = arn.resource.starts_with(kKind) && is_regional(arn);
    name = good ? arn.resource.substr(kKind.size()) : std::string_view{};
  }
  std::string_view qualifier;
  const size_t colon = name.find(':');
  const bool qualified = colon != std::string_view::npos;
  if (qualified) {
    qualifier = name.substr(colon + 1);
    name = name.substr(0, colon);
  }
  if (!good || !is_resource_name(name, 64, "-_") || (qualified && !is_resource_name(qualifier, 128, "$-_")))
    return fail(Code::kBadUrl,
                "lambda://function, lambda://function:alias or lambda://arn:aws:lambda:region:account:function:name: " +
                    options.address);
  const std::string_view function =
      made->region_.empty() ? name : text.substr(0, text.size() - (qualified ? qualifier.size() + 1 : 0));
  FixedText<1024> path("/2015-03-31/functions/");
  append_encoded(path, function, false);
  path.append("/invocations");
  if (qualified) append_encoded(path.append("?Qualifier="), qualifier, false);
  WEIR_ASSERT(!path.truncated());
  made->path_ = path.view();
  made->service_ = {"lambda", options.environment("AWS_ENDPOINT_URL_LAMBDA")};
  return made;
}

// A function that is not there is found by the first batch: nothing but an invocation tells, and that would run it.
Status LambdaDestination::start(HttpCall&) { return check_region(region_, *options_.aws); }

Result<EncodedMessage> LambdaDestination::encode(const Message& message, uint32_t, std::span<char> room) const {
  EncodedMessage encoded;
  encoded.counted = message.text.size() + separator().size();
  TextRoom out(room);
  if (options_.json) {
    out.put(message.text);
  } else {
    out.put('"').put_json(message.text).put('"');
    encoded.counted += 2 + escapes_bytes(message.text);
  }
  if (out.fits() && !out.utf8()) return fail(Code::kBadUtf8);
  encoded.bytes = out.fits() ? out.bytes() : 0;
  return encoded;
}

std::string_view LambdaDestination::begin(const BatchInfo&, std::span<char>) const { return "{\"records\":["; }

std::string_view LambdaDestination::end(const BatchInfo& batch, std::span<char> room) const {
  TextRoom out(room);
  out.put("],\"batch\":{\"id\":\"").put_json(batch.id).put('"');
  put_end(out, "first", batch.first);
  put_end(out, "last", batch.last);
  out.put("}}");
  WEIR_ASSERT(out.fits());
  return out.view();
}

std::unique_ptr<DeliveryRequest> LambdaDestination::make_request() const {
  return std::make_unique<LambdaDelivery>(*options_.aws, service_, path_);
}

}  // namespace weir
