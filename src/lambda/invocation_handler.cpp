#include "lambda/invocation_handler.hpp"

#include <algorithm>
#include <cstdio>
#include <memory>

#include <sys/mman.h>

#include "event/batch_response.hpp"
#include "hash/hex.hpp"
#include "io/system_disk.hpp"
#include "io/system_net.hpp"
#include "io/system_wakeup.hpp"
#include "lambda/event_source.hpp"
#include "memory/process_memory.hpp"

extern char** environ;

namespace weir {
namespace {

constexpr uint64_t kMs = 1'000'000;
constexpr uint64_t kSecond = 1000 * kMs;
/// What is kept of an invocation for going on and answering, behind the job's own deadline.
constexpr uint64_t kAnswerNsMin = 300 * kMs;
constexpr uint64_t kAnswerNsMax = 3 * kSecond;
/// When a job's process that did not stop is ended.
constexpr uint64_t kKillNsMax = 200 * kMs;
constexpr uint64_t kLateNs = 10 * kSecond;
/// Lambda cuts a chain of about 16 invocations (docs, "recursive loop detection").
constexpr uint64_t kHopsMax = 14;
constexpr size_t kJobsTold = 20;
/// Of the addresses that succeed or fail together: what a cursor and this process' set-up arena have room for.
constexpr size_t kInputBytesMax = 96u << 10;
constexpr std::string_view kCursorBegin = "{\"weir_cursor\":";

bool is_from_event(const Config& config) { return config.input.from.size() == 1 && config.input.from[0] == "event"; }

void append_member(std::string& out, std::string_view name, std::string_view text) {
  out.append(",\"").append(name).append("\":\"");
  append_json(out, text);
  out.append("\"");
}

void append_number(std::string& out, std::string_view name, uint64_t number) {
  out.append(",\"").append(name).append("\":").append(std::to_string(number));
}

void append_error(std::string& out, const Error& error, std::string_view source) {
  const CodeInfo& info = code_info(error.code);
  char code[16];
  snprintf(code, sizeof code, "W%04u", static_cast<unsigned>(error.code));
  out.append("{\"code\":\"").append(code).append("\"");
  append_member(out, "msg", info.message);
  if (!error.detail.empty()) append_member(out, "detail", error.detail.view());
  if (!source.empty()) append_member(out, "source", source);
  if (error.byte != kNoOffset) append_number(out, "byte", error.byte);
  if (error.record != kNoOffset) append_number(out, "record", error.record);
  if (*info.hint != 0) append_member(out, "hint", info.hint);
  out.append("}");
}

}  // namespace

Result<std::unique_ptr<InvocationHandler>> InvocationHandler::make(const LambdaSettings& settings, const Config& config,
                                                                   Clock& clock, const LambdaLog& log) {
  std::unique_ptr<InvocationHandler> handler(new InvocationHandler(settings, config, clock, log));
  auto room = map_working_memory((kPayloadBytesMax + 4095) / 4096 * 4096);
  if (!room) return fail(room.error());
  handler->room_ = *room;
  return handler;
}

InvocationHandler::~InvocationHandler() { unmap_working_memory(room_); }

// ---- cursors --------------------------------------------------------------------------------------------------------

// {"weir_cursor":1,"hop":2,"via":"self","inputs":["s3://b/k"]}, or a result that holds one as "cursor" (what Step Functions passes on), or
// that inside "Payload" (its lambda:invoke).
InvocationHandler::CursorKind InvocationHandler::read_cursor(std::string_view json, Cursor& cursor) {
  if (const std::string_view inside = find_member(json, {"Payload", "cursor"}); is_json_object(inside)) {
    json = inside;
  } else if (const std::string_view result = find_member(json, {"cursor"}); is_json_object(result)) {
    json = result;
  }
  WantedMember members[] = {{"weir_cursor"}, {"hop"}, {"via"}, {"inputs"}};
  find_members(json, members);
  if (members[0].value.empty()) return CursorKind::kNone;
  if (members[0].value != "1" || members[1].value.empty() || !is_json_array(members[3].value)) return CursorKind::kBad;
  for (const char c : members[1].value) {
    if (c < '0' || c > '9' || cursor.hop > 1'000'000) return CursorKind::kBad;
    cursor.hop = cursor.hop * 10 + static_cast<uint64_t>(c - '0');
  }
  if (cursor.hop == 0) return CursorKind::kBad;
  if (json_string_is(members[2].value, "self")) {
    cursor.via = Via::kSelf;
  } else if (json_string_is(members[2].value, "requeue")) {
    cursor.via = Via::kRequeue;
  } else if (!json_string_is(members[2].value, "return")) {
    return CursorKind::kBad;
  }
  size_t bytes = 0;
  for (JsonElementsView inputs(members[3].value); inputs.next();) {
    FixedText<1200> input;
    if (!put_json_text(inputs.value(), input) || !input.view().starts_with("s3://")) return CursorKind::kBad;
    bytes += input.view().size() + sizeof(std::string);
    if (bytes > kInputBytesMax) return CursorKind::kBad;
    cursor.inputs.emplace_back(input.view());
  }
  return CursorKind::kGood;
}

std::string InvocationHandler::cursor_json(const Cursor& from, Via via, std::span<const std::string> inputs) const {
  std::string json(kCursorBegin);
  json.append("1");
  append_number(json, "hop", from.hop + 1);
  append_member(json, "via", via == Via::kSelf ? "self" : via == Via::kRequeue ? "requeue" : "return");
  json.append(",\"inputs\":[");
  for (const std::string& input : inputs) {
    json.append(&input == inputs.data() ? "\"" : ",\"");
    append_json(json, input);
    json.append("\"");
  }
  return json.append("]}");
}

// ---- what an event asks for -----------------------------------------------------------------------------------------

/// A message of SQS whose body begins as a cursor does.
bool InvocationHandler::may_be_cursor(std::string_view entry) {
  const std::string_view body = find_member(entry, {"body"});
  if (!is_json_string(body)) return false;
  EventText bytes = EventText::of_string(body);
  for (const char c : kCursorBegin) {
    if (bytes.next() != static_cast<unsigned char>(c)) return false;
  }
  return true;
}

bool InvocationHandler::read_message_cursor(std::string_view entry, Cursor& cursor) {
  if (!may_be_cursor(entry)) return false;
  std::string text;
  EventText bytes = EventText::of_string(find_member(entry, {"body"}));
  for (int byte = bytes.next(); byte >= 0; byte = bytes.next()) text.push_back(static_cast<char>(byte));
  return is_json_container(EventText(text), kEventDepthMax) && read_cursor(text, cursor) == CursorKind::kGood;
}

void InvocationHandler::add_input(Group& group, const EventObject& object) {
  std::string url = "s3://";
  url.append(object.bucket.view()).append("/").append(object.key.view());
  group.input_bytes += url.size() + sizeof(std::string);
  if (group.input_bytes > kInputBytesMax) {
    group.fault = Error(Code::kBadEntry, "it names more objects than can be gone on with: call it with fewer");
    return;
  }
  group.inputs.push_back(std::move(url));
}

/// Of an event that succeeds or fails as a whole.
bool InvocationHandler::run_all(const Event& event) {
  Group group;
  EventObjects objects(event);
  EventObject object;
  Error error;
  for (auto next = objects.next(object, error); next != EventObjects::Next::kEnd; next = objects.next(object, error)) {
    if (next == EventObjects::Next::kBadEntry) {
      group.fault = error;
    } else if (group.fault.ok()) {
      add_input(group, object);
    }
  }
  return run_group(group, &event);
}

/// Entry by entry, each with the objects that it names; an entry that names none is done. A byte an entry: it failed.
std::vector<uint8_t> InvocationHandler::run_entries(const Event& event) {
  std::vector<uint8_t> failed(event.entries());
  EventObjects objects(event);
  EventObject object;
  Error error;
  EventObjects::Next next = objects.next(object, error);
  for (EventEntries entries(event); entries.next();) {
    const uint64_t entry = entries.index();
    Group group;
    const bool is_cursor = event.kind() == EventKind::kSqs && read_message_cursor(entries.value(), group.cursor);
    if (is_cursor) group.inputs = group.cursor.inputs;
    if (event.kind() == EventKind::kSqs) {
      FixedText<2048> receipt;
      if (put_json_text(find_member(entries.value(), {"receiptHandle"}), receipt)) group.receipt = receipt.view();
    }
    for (; next != EventObjects::Next::kEnd; next = objects.next(object, error)) {
      if ((next == EventObjects::Next::kObject ? object.entry : error.record) > entry) break;
      if (is_cursor) continue;
      if (next == EventObjects::Next::kBadEntry) {
        group.fault = error;
      } else if (group.fault.ok()) {
        add_input(group, object);
      }
    }
    // Behind a failure in a queue that keeps order nothing is done: it comes again, in its order.
    const bool behind = event.is_fifo() && entry != 0 && failed[entry - 1] != 0;
    failed[entry] = !behind && run_group(group, &event) ? 0 : 1;
  }
  return failed;
}

// ---- running --------------------------------------------------------------------------------------------------------

JobReport InvocationHandler::run_job(const std::string* input, ByteSource* source) {
  Config config = config_;
  if (source != nullptr) {
    set_for_records(config, source->name(0));
  } else if (input != nullptr) {
    config.input.from = {*input};
    config.input.from_event = true;
  }
  JobRequest request;
  request.config = &config;
  request.source = source;
  request.deadline_ns = job_deadline_ns_;
  request.kill_at_ns = kill_at_ns_;
  request.trace_id = invocation_->trace_id.view();
  JobReport report = run_job_in_child(request, clock_);
  tell(report, input != nullptr ? std::string_view(*input) : std::string_view("event"));
  return report;
}

void InvocationHandler::tell(const JobReport& report, std::string_view input) {
  ++figures_.jobs;
  figures_.read += report.counters.read;
  figures_.written += report.counters.written;
  figures_.filtered += report.counters.filtered;
  figures_.rejected += report.counters.rejected;
  figures_.stored_bytes += report.counters.stored_bytes;
  figures_.sent_bytes += report.counters.sent_bytes;
  figures_.cpu_ns += report.cpu_ns;
  figures_.peak_bytes = std::max(figures_.peak_bytes, report.peak_bytes);
  if (!report.done() && !report.stopped()) {
    ++figures_.failed;
    log_.error(LogLevel::kError, report.error, report.source.empty() ? input : report.source.view());
  }
  if (!report.summary.empty()) {
    std::string more;
    append_member(more, "input", input);
    more.append(",\"summary\":").append(report.summary.view());
    log_.line(LogLevel::kInfo, report.status.view(), more);
  }
  // The one that says most: what failed, then what is to go on.
  if (status_.empty() || !report.done()) status_ = report.status.view();
  if (report.stopped() && report.counters.input_size != 0)
    progress_ = std::min(
        1.0, static_cast<double>(report.counters.stored_bytes) / static_cast<double>(report.counters.input_size));
  if (++jobs_told_ > kJobsTold) return;
  jobs_.append(jobs_.empty() ? "{\"input\":\"" : ",{\"input\":\"");
  append_json(jobs_, input);
  jobs_.append("\",\"exit\":").append(std::to_string(report.exit));
  append_member(jobs_, "status", report.status.view());
  const Counters& c = report.counters;
  jobs_.append(",\"records\":{\"read\":").append(std::to_string(c.read));
  append_number(jobs_, "written", c.written);
  append_number(jobs_, "folded", c.folded);
  append_number(jobs_, "filtered", c.filtered);
  append_number(jobs_, "rejected", c.rejected);
  jobs_.append("}");
  if (!report.output.empty()) append_member(jobs_, "output", report.output.view());
  if (report.error.code != Code::kOk) {
    jobs_.append(",\"error\":");
    append_error(jobs_, report.error, report.source.view());
  }
  jobs_.append("}");
}

InvocationHandler::Via InvocationHandler::via_of(const Group& group, const Event* event) const {
  const bool queue = event != nullptr && event->kind() == EventKind::kSqs;
  switch (config_.lambda.cont) {
    case Continue::kReturn:
      // What a queue or a stream hands over is answered by entries, and nobody reads more.
      return event != nullptr && BatchResponse::applies(event->kind()) ? Via::kRetry : Via::kReturn;
    case Continue::kSelf:
      return Via::kSelf;
    case Continue::kRequeue:
      return queue && !event->is_fifo() ? Via::kRequeue : Via::kRetry;
    case Continue::kRetry:
      return Via::kRetry;
    case Continue::kAuto:
      break;
  }
  if (queue) return event->is_fifo() ? Via::kRetry : Via::kRequeue;
  if (event == nullptr) return group.cursor.hop != 0 ? group.cursor.via : Via::kReturn;
  return event->kind() == EventKind::kDirect ? Via::kReturn : Via::kSelf;
}

Status InvocationHandler::send(const std::function<Status(AwsSender&)>& what) {
  // A request that hangs must leave time for an answer.
  const uint64_t until = kill_at_ns_ > 100 * kMs ? kill_at_ns_ - 50 * kMs : kill_at_ns_;
  const JobReport report = in_child(clock_, kill_at_ns_, [&](JobReport& out) {
    SystemDisk disk;
    SystemNet net(clock_);
    SystemWakeup wakeup(clock_);
    if (!invocation_->trace_id.empty())
      setenv("_X_AMZN_TRACE_ID", std::string(invocation_->trace_id.view()).c_str(), 1);
    auto sender = AwsSender::make(config_.aws, net, clock_, wakeup, disk, environ, until);
    const Status sent = sender ? what(**sender) : Status(fail(sender.error()));
    out.exit = sent ? 0 : static_cast<int>(sent.error().exit());
    if (!sent) out.error = sent.error();
    out.reported = true;
  });
  return report.exit == 0 ? Status{} : fail(report.error);
}

/// What the answer says, if nothing failed before.
void InvocationHandler::set_failed(int exit, const Error& error, std::string_view source) {
  if (exit_ != 0) return;
  exit_ = exit;
  error_ = error;
  error_source_ = source;
}

void InvocationHandler::fail_with(const Error& error, std::string_view source) {
  log_.error(LogLevel::kError, error, source);
  set_failed(static_cast<int>(error.exit() == Exit::kNone ? Exit::kInputCorrupt : error.exit()), error, source);
}

/// True: what is left will go on elsewhere, and this event is done with.
bool InvocationHandler::go_on(const Group& group, const Event* event, std::span<const std::string> left) {
  ++figures_.continued;
  const Via via = via_of(group, event);
  if (via == Via::kRetry) {
    Error error(Code::kCheckpointed, "lambda.continue: retry: the event is to be delivered again");
    fail_with(error, left.empty() ? std::string_view{} : std::string_view(left[0]));
    return false;
  }
  if (via != Via::kReturn && group.cursor.hop + 1 > kHopsMax && config_.lambda.loop == LambdaLoop::kGuard) {
    fail_with(Error(Code::kLoopGuard), left.empty() ? std::string_view{} : std::string_view(left[0]));
    return false;
  }
  const std::string cursor = cursor_json(group.cursor, via, left);
  Status sent;
  if (via == Via::kReturn) {
    cursor_ = cursor;
  } else if (via == Via::kSelf) {
    sent = send([&](AwsSender& sender) {
      return sender.invoke(invocation_->function_arn.empty() ? std::string_view(settings_.function_name)
                                                             : invocation_->function_arn.view(),
                           cursor);
    });
  } else {
    sent = send([&](AwsSender& sender) { return sender.send_message(event->source_arn(), cursor); });
  }
  if (!sent) {
    fail_with(sent.error(), "lambda.continue");
    return false;
  }
  std::string more;
  append_number(more, "hop", group.cursor.hop + 1);
  append_number(more, "inputs_left", left.size());
  log_.line(LogLevel::kInfo, "the job goes on in another invocation", more);
  return true;
}

/// True: event and error are where lambda.on_fatal wants them, and the event is done with.
bool InvocationHandler::keep_failed(const JobReport& report, std::string_view input) {
  const std::string& to = config_.lambda.on_fatal;
  if (to == "fail" || !report.fatal()) return false;
  std::string letter = "{\"requestId\":\"";
  append_json(letter, invocation_->id.view());
  letter.append("\"");
  append_member(letter, "pipeline", config_.name);
  append_member(letter, "input", input);
  append_number(letter, "exit", static_cast<uint64_t>(report.exit));
  letter.append(",\"error\":");
  append_error(letter, report.error, report.source.view());
  // A message of SQS holds 1 MiB, and this process not much more.
  constexpr size_t kEventMax = 64u << 10;
  const std::string_view event = invocation_->event;
  const bool is_object = to.starts_with("s3://");
  const bool large = event.size() > kEventMax;
  if (large && !is_object) {
    log_.line(LogLevel::kError, "lambda.on_fatal: the event is too large for a message: name s3://bucket/prefix/");
    return false;
  }
  if (is_object && input.starts_with("s3://") && to.starts_with(input.substr(0, input.rfind('/') + 1))) {
    log_.line(LogLevel::kError, "lambda.on_fatal lies in the folder whose objects call this function");
    return false;
  }
  if (!large) letter.append(",\"event\":").append(event);
  letter.append("}");
  Sha256 hash;
  hash.update(input);
  hash.update(event);
  char digits[64];
  to_hex(hash.digest(), digits);
  const std::string name = to + (to.ends_with('/') ? "" : "/") + std::string(digits, 32);
  const Status sent = send([&](AwsSender& sender) -> Status {
    if (!is_object) return sender.send_message(std::string_view(to).substr(6), letter);
    if (large) WEIR_TRY(sender.put_object(name + ".event.json", event));
    return sender.put_object(name + ".json", letter);
  });
  if (!sent) {
    log_.error(LogLevel::kError, sent.error(), "lambda.on_fatal");
    return false;
  }
  log_.line(LogLevel::kWarn, "the event was put where lambda.on_fatal says");
  return true;
}

/// True: the group's inputs are done, or will be elsewhere.
bool InvocationHandler::run_group(const Group& group, const Event* event) {
  if (!group.fault.ok()) {
    log_.error(LogLevel::kError, group.fault, "event");
    JobReport report;
    report.error = group.fault;
    report.exit = static_cast<int>(group.fault.exit());
    if (keep_failed(report, "event")) return true;
    set_failed(report.exit, group.fault, "event");
    return false;
  }
  const std::span<const std::string> inputs(group.inputs);
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (clock_.monotonic_ns() >= job_deadline_ns_) return go_on(group, event, inputs.subspan(i));
    const JobReport report = run_job(&inputs[i], nullptr);
    if (report.done()) continue;
    if (report.stopped()) return go_on(group, event, inputs.subspan(i));
    if (report.exit == static_cast<int>(Exit::kFenced)) wait_for_owner(report, group, event);
    if (!keep_failed(report, inputs[i])) {
      set_failed(report.exit, report.error, inputs[i]);
      return false;
    }
  }
  return true;
}

/// A message whose job another run owns is not delivered again before that run's lease is up.
void InvocationHandler::wait_for_owner(const JobReport& report, const Group& group, const Event* event) {
  const uint64_t now = clock_.wall_ns();
  if (group.receipt.empty()) return;
  // Of one that took it in the same moment the end is not known.
  const uint64_t until = report.owner_until_wall_ns > now ? report.owner_until_wall_ns : now + 60 * kSecond;
  const uint64_t seconds = std::min<uint64_t>((until - now) / kSecond + 1, 43'200);
  const Status sent =
      send([&](AwsSender& sender) { return sender.change_visibility(event->source_arn(), group.receipt, seconds); });
  if (!sent) log_.error(LogLevel::kWarn, sent.error(), "sqs:ChangeMessageVisibility");
}

bool InvocationHandler::run_records(const Event& event) {
  for (const std::string* name : {&config_.output.to, &config_.rejects.to}) {
    if (name->find("{input.") == std::string::npos || name->find("{input.stem}") != std::string::npos ||
        name->find("{input.key}") != std::string::npos)
      continue;
    Error error(Code::kBadTemplate, name == &config_.output.to ? "output.to" : "rejects.to");
    error.detail.append(": {input.dir} is the same for all events of records: take {input.stem}");
    fail_with(error, "event");
    return false;
  }
  std::string name = "event/";
  name.append(event.id().empty() ? invocation_->id.view() : event.id());
  if (event.entries() > 1 && !event.id().empty()) {
    // Messages come again in other company: what stands under a name is of just these.
    Sha256 ids;
    for (EventEntries entries(event); entries.next();) {
      WantedMember members[] = {{"messageId"}, {"eventID"}};
      find_members(entries.value(), members);
      ids.update(members[0].value.empty() ? members[1].value : members[0].value);
    }
    char digits[64];
    to_hex(ids.digest(), digits);
    name.append("-").append(digits, 8);
  }
  EventSource source(event, name);
  const JobReport report = run_job(nullptr, &source);
  if (report.done()) return true;
  // Its records are nowhere but in the event: what is not committed is to be delivered again.
  if (keep_failed(report, name)) return true;
  set_failed(report.exit, report.error, name);
  return false;
}

// ---- the answer -----------------------------------------------------------------------------------------------------

Answer InvocationHandler::result(bool done) {
  text_ = done ? "{\"done\":true" : "{\"done\":false";
  append_member(text_, "status", status_.empty() ? std::string_view("nothing_to_do") : std::string_view(status_));
  if (!done) {
    char progress[32];
    snprintf(progress, sizeof progress, ",\"progress\":%.4f", progress_);
    text_.append(progress);
  }
  append_number(text_, "jobs_count", jobs_told_);
  text_.append(",\"jobs\":[").append(jobs_).append("]");
  if (!cursor_.empty()) text_.append(",\"cursor\":").append(cursor_);
  text_.append("}");
  return {false, {}, text_};
}

Answer InvocationHandler::failure() {
  const std::string type = error_type_of(exit_);
  text_ = "{\"errorType\":\"Weir." + type + "\",\"errorMessage\":\"";
  const CodeInfo& info = code_info(error_.code);
  append_json(text_, info.message);
  if (!error_.detail.empty()) {
    text_.append(": ");
    append_json(text_, error_.detail.view());
  }
  if (!error_source_.empty()) {
    text_.append(" (");
    append_json(text_, error_source_);
    text_.append(")");
  }
  text_.append("\",\"exit\":").append(std::to_string(exit_)).append(",\"error\":");
  append_error(text_, error_, error_source_);
  text_.append(",\"jobs\":[").append(jobs_).append("]}");
  return {true, "Function." + type, text_};
}

// Where none came through the function fails: that is right also where the mapping does not report entries, and it shows in its metrics.
Answer InvocationHandler::batch(const Event& event, std::span<const uint8_t> failed) {
  const auto count = static_cast<size_t>(std::count(failed.begin(), failed.end(), uint8_t{1}));
  if (count == failed.size() && count != 0) return failure();
  BatchResponse response(event, failed);
  size_t size = 0;
  for (;;) {
    size_t produced = 0;
    const Step step = response.step(room_.subspan(size), produced);
    size += produced;
    if (step == Step::kFinished || size == room_.size()) break;
  }
  return {false, {}, {room_.data(), size}};
}

Answer InvocationHandler::handle(const Invocation& invocation) {
  invocation_ = &invocation;
  figures_ = {};
  jobs_.clear();
  status_.clear();
  cursor_.clear();
  jobs_told_ = 0;
  progress_ = 0;
  exit_ = 0;
  error_ = Error();
  error_source_.clear();
  const uint64_t now = clock_.monotonic_ns();
  const uint64_t wall = clock_.wall_ns();
  const uint64_t left = invocation.deadline_wall_ns > wall ? invocation.deadline_wall_ns - wall : 1;
  if (invocation.deadline_wall_ns != 0) {
    const uint64_t deadline_ns = now + left;
    job_deadline_ns_ = deadline_ns - std::min(left / 2, std::clamp(left / 10, kAnswerNsMin, kAnswerNsMax));
    kill_at_ns_ = deadline_ns - std::min(left / 8, kKillNsMax);
    // A deadline in the past is a clock that is wrong: the job stops at once, and is given the time for it.
    if (left == 1) kill_at_ns_ = now + kLateNs;
  } else {
    job_deadline_ns_ = kill_at_ns_ = kNever;
  }

  auto event = Event::read(invocation.event);
  if (!event) {
    fail_with(event.error(), "event");
    return failure();
  }
  const bool by_entry = BatchResponse::applies(event->kind());
  if (sends_to_caller(config_.output.to, event->source_arn(), settings_.function_name)) {
    Error error(Code::kContradiction, "output.to calls this function again: ");
    error.detail.append(config_.output.to);
    fail_with(error, "event");
    return failure();
  }
  Group group;
  bool is_cursor = false;
  if (event->kind() == EventKind::kDirect) {
    const CursorKind kind = read_cursor(event->text(), group.cursor);
    if (kind == CursorKind::kBad ||
        (kind == CursorKind::kGood && is_from_event(config_) && group.cursor.inputs.empty())) {
      fail_with(Error(Code::kBadEvent, "a cursor of another version, or a damaged one"), "event");
      return failure();
    }
    is_cursor = kind == CursorKind::kGood;
  }
  if (is_cursor && is_from_event(config_)) {
    group.inputs = group.cursor.inputs;
    if (!run_group(group, nullptr)) return failure();
    return result(cursor_.empty());
  }
  if (!is_from_event(config_)) {
    // The event is no more than the occasion.
    if (event->kind() == EventKind::kSqs) {
      EventEntries entries(*event);
      if (entries.next()) read_message_cursor(entries.value(), group.cursor);
    }
    const JobReport report = run_job(nullptr, nullptr);
    bool done = report.done();
    if (report.stopped()) {
      done = go_on(group, is_cursor ? nullptr : &*event, {});
    } else if (!done) {
      done = keep_failed(report, "");
      if (!done) set_failed(report.exit, report.error, {});
    }
    if (!done) return failure();
    return by_entry ? batch(*event, std::vector<uint8_t>(event->entries())) : result(cursor_.empty());
  }
  if (event->kind() == EventKind::kS3Test) return result(true);
  bool has_cursor = false;
  if (event->kind() == EventKind::kSqs) {
    for (EventEntries entries(*event); entries.next();) has_cursor = has_cursor || may_be_cursor(entries.value());
  }
  if (!has_cursor && event->names_objects() == NamesObjects::kNone) {
    const bool done = event->entries() == 0 || run_records(*event);
    if (by_entry) {
      const std::vector<uint8_t> failed(event->entries(), done ? 0 : 1);
      return batch(*event, failed);
    }
    return done ? result(true) : failure();
  }
  if (by_entry) return batch(*event, run_entries(*event));
  return run_all(*event) ? result(cursor_.empty()) : failure();
}

}  // namespace weir
