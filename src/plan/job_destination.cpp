// A job whose output is a service: what its messages are, how its batches are cut, what each request is made by.
#include <algorithm>

#include "connector/credential_chain.hpp"
#include "io/http_address.hpp"
#include "plan/job.hpp"

namespace weir {
namespace {

/// Of a request, where batch.bytes is not given: services take between 256 KiB and 16 MB, and every batch on its way has room for so much.
constexpr uint64_t kMessageBatchBytes = 1u << 20;

}  // namespace

// Records go to a service as messages: JSON, or a line each.
Status Job::choose_destination(const DestinationKind& kind) {
  to_ = To::kMessages;
  const OutputConfig& output = config_.output;
  const std::string scheme(kind.scheme);
  output_name_ = is_http(output.to) ? shown_address(output.to) : output.to;
  if (output.codec != CodecChoice::kAuto && output.codec != CodecChoice::kNone)
    return fail(Code::kContradiction, "output.codec: messages are not compressed");
  output_format_ = output.format;
  output_why_ = "as configured";
  const bool lines = (detected_.format == Format::kLines || detected_.format == Format::kBlocks ||
                      detected_.format == Format::kFile) &&
                     columns_.size() == 1 && !kind.needs_json && output.key.empty();
  if (output_format_ == OutputFormat::kAuto) {
    output_format_ = !lines                               ? OutputFormat::kNdjson
                     : detected_.format == Format::kLines ? OutputFormat::kLines
                                                          : OutputFormat::kRaw;
    output_why_ = lines ? "as the input" : "as messages are";
  }
  const bool text = output_format_ == OutputFormat::kLines || output_format_ == OutputFormat::kRaw;
  const bool array = output_format_ == OutputFormat::kJson && kind.takes_array;
  if (!text && !array && output_format_ != OutputFormat::kNdjson)
    return fail(Code::kContradiction, "output.format: " + scheme + ":// takes ndjson" +
                                          (kind.needs_json ? "" : ", lines and raw") +
                                          (kind.takes_array ? ", json" : ""));
  if (text && kind.needs_json) return fail(Code::kContradiction, "output.format: " + scheme + ":// takes ndjson");
  if (text && columns_.size() != 1)
    return fail(Code::kContradiction, "output.format lines and raw write one column; the query gives more");
  if (text && !output.key.empty()) return fail(Code::kContradiction, "output.key: its columns are looked for in JSON");
  if (!output.key.empty() && !kind.takes_key)
    return fail(Code::kContradiction, "output.key has no meaning for " + scheme + "://");
  if (output.key.empty() && kind.needs_key)
    return fail(Code::kMissingKey, "output.key: " + scheme + ":// needs the columns that name an item");
  for (const std::string& column : output.key) {
    bool known = false;
    for (const WriteColumn& write : columns_) known = known || write.star || write.name == column;
    if (!known) return fail(Code::kContradiction, "output.key: the query gives no column `" + column + "`");
  }
  if (!config_.input.types.empty()) {
    for (const WriteColumn& column : columns_) {
      if (column.star)
        return fail(
            Code::kContradiction,
            "input.types does not reach `*`, which passes fields on as they are: list the columns in the query");
    }
  }

  DestinationOptions& options = destination_options_;
  options.address = output.to;
  options.key = output.key;
  options.json = !text;
  options.array = array;
  options.headers = config_.http.headers;
  options.pipeline = config_.name;
  options.event_source = config_.events.source;
  options.event_type = config_.events.detail_type;
  options.aws = &network_->send_session();
  options.web = &network_->send_web_session();
  options.environment = [this](std::string_view name) { return ProcessEnvironment(environment_).get(name); };
  for (HttpSession* session : {options.web, static_cast<HttpSession*>(options.aws)}) {
    HttpTimes& times = session->http.times;
    times.reply_ns = output.timeout_ns != 0 ? output.timeout_ns : kind.reply_default_ns;
    times.stall_ns = std::min(times.stall_ns, times.reply_ns);  // a reply that breaks off in its middle
  }
  auto made = kind.make(options);
  if (!made) {
    Error error(made.error().code, "output.to: ");
    error.detail.append(made.error().detail.view());
    return fail(error);
  }
  destination_ = std::move(*made);

  const DestinationLimits limits = destination_->limits();
  OutboxOptions& outbox = outbox_options_;
  outbox.in_flight = output.in_flight;
  outbox.messages_per_s = output.rate;
  outbox.tries = output.tries;
  const uint64_t records = config_.batch.records == 0 ? kind.messages_default : config_.batch.records;
  outbox.batch_messages = static_cast<uint32_t>(std::min<uint64_t>(records, limits.messages_max));
  // More than twice what the service takes is never filled, as it is encoded.
  const uint64_t bytes = config_.batch.bytes_given ? config_.batch.bytes : kMessageBatchBytes;
  outbox.batch_bytes = std::min(bytes, 2 * limits.request_bytes_max + (64u << 10));
  if (limits.body_bytes_max != 0)
    outbox.batch_bytes = std::min(outbox.batch_bytes, limits.body_bytes_max - 2 * Destination::kFrameBytesMax);
  for (uint32_t i = 0; i < outbox_shape().in_flight; ++i) requests_.push_back(destination_->make_request());

  WriterOptions& writer = writer_options_;
  writer.format = output_format_ == OutputFormat::kLines ? WriterFormat::kLines
                  : output_format_ == OutputFormat::kRaw ? WriterFormat::kRaw
                                                         : WriterFormat::kNdjson;
  writer.header = false;
  writer.batch_records_max = writer.batch_bytes_max = 0;
  writer.whole_records = true;
  return choose_rejects();
}

}  // namespace weir
