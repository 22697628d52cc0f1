#include "event/log_records.hpp"

#include "event/event.hpp"
#include "format/json_escape.hpp"

namespace weir {
namespace {

DecoderLimits limits() { return {}; }

constexpr size_t kEscapedTake = LogRecords::kStageBytes / kJsonEscapeFactor;

}  // namespace

void LogBytes::begin(std::string_view data, Decoder* decoder, JsonAutomaton* check) {
  decoder->reset();
  packed_ = Base64Bytes(data);
  decoder_ = decoder;
  check_ = check;
  error_ = {};
  packed_ended_ = ended_ = false;
  in_begin_ = in_end_ = out_at_ = out_end_ = 0;
}

bool LogBytes::refill() {
  while (!ended_ && error_.ok()) {
    if (in_begin_ == in_end_ && !packed_ended_) {
      in_begin_ = in_end_ = 0;
      while (in_end_ < sizeof in_) {
        const int byte = packed_.next();
        if (byte < 0) {
          packed_ended_ = true;
          break;
        }
        in_[in_end_++] = static_cast<char>(byte);
      }
      if (packed_ended_ && !packed_.good()) {
        error_ = Error(Code::kBadEvent, "awslogs.data is not base64");
        return false;
      }
    }
    const Transfer transfer = decoder_->decode({in_ + in_begin_, in_end_ - in_begin_}, packed_ended_, out_, error_);
    in_begin_ += static_cast<uint32_t>(transfer.consumed);
    out_at_ = 0;
    out_end_ = static_cast<uint32_t>(transfer.produced);
    ended_ = transfer.step == Step::kFinished || transfer.step == Step::kFailed;
    if (out_end_ != 0) return true;
  }
  return false;
}

int LogBytes::next() {
  if (out_at_ == out_end_ && !refill()) return -1;
  const char byte = out_[out_at_++];
  if (check_ != nullptr) {  // also of what came before a fault of the codec, whose error it stays
    if (const Code code = check_->step(byte); code != Code::kOk) {
      if (error_.ok()) {
        error_ = Error(Code::kBadEvent, "what awslogs.data unpacks to is ");
        error_.detail.append(code_info(code).message);
      }
      ended_ = true;
      out_at_ = out_end_ = 0;
      return -1;
    }
  }
  return static_cast<unsigned char>(byte);
}

size_t LogRecords::memory_max() {
  return 2 * (Arena::aligned(sizeof(LogBytes)) + Arena::aligned(decoder_memory_max(Codec::kGzip, limits())));
}

LogRecords::LogRecords(std::string_view data, Arena& arena) : data_(data) {
  for (size_t i = 0; i < 2; ++i) {
    bytes_[i] = arena.make<LogBytes>();
    decoders_[i] = make_decoder(Codec::kGzip, limits(), arena.take(decoder_memory_max(Codec::kGzip, limits())));
  }
}

/// All of it, so that a fault is told before anything was written.
void LogRecords::check(Error& error) {
  JsonAutomaton automaton(kEventDepthMax);
  bytes_[0]->begin(data_, decoders_[0], &automaton);
  Pull at(Source{bytes_[0]});
  bool good = at.enter('{');
  std::string_view fault;
  for (Pull::Name name; good && at.next_member(name);) {
    if (name.view() == "owner") {
      at.read_string(owner_);
    } else if (name.view() == "logGroup") {
      at.read_string(group_);
    } else if (name.view() == "logStream") {
      at.read_string(stream_);
    } else if (name.view() == "messageType") {
      at.read_string(type_);
    } else if (name.view() == "logEvents") {
      ++events_members_;
      if (!at.enter('[')) {
        fault = "logEvents is no array";
        at.skip_value();
        continue;
      }
      while (at.next_element()) {
        if (at.kind() != '{') fault = "a log event is no object";
        at.skip_value();
      }
    } else {
      at.skip_value();
    }
  }
  while (bytes_[0]->next() >= 0) {
  }
  error = bytes_[0]->error();
  if (!error.ok()) {
    if (error.code != Code::kBadEvent) {
      // The codec's own words, as part of the event's.
      Error wrapped(Code::kBadEvent, "awslogs.data: ");
      wrapped.detail.append(code_info(error.code).message);
      error = wrapped;
    }
    return;
  }
  good = good && automaton.complete();
  if (good && type_.view() == "CONTROL_MESSAGE") {
    control_ = true;
    return;
  }
  if (!good) fault = "what awslogs.data unpacks to is no JSON object";
  if (fault.empty() && events_members_ == 0) fault = "there are no logEvents in awslogs.data";
  if (fault.empty() && (group_.truncated() || stream_.truncated() || owner_.truncated()))
    fault = "logGroup, logStream or owner is longer than any of AWS's";
  if (!fault.empty()) error = Error(Code::kBadEvent, fault);
}

bool LogRecords::go_to_events(Pull& at, LogBytes& bytes, Decoder* decoder) {
  bytes.begin(data_, decoder);
  at = Pull(Source{&bytes});
  uint64_t met = 0;
  at.enter('{');
  for (Pull::Name name; at.next_member(name);) {
    if (name.view() == "logEvents" && ++met == events_members_) return at.enter('[');
    at.skip_value();
  }
  return false;
}

void LogRecords::open_element() {
  phase_ = Phase::kEnd;
  if (!at_.next_element() || !ahead_.next_element()) return;
  if (!at_.enter('{') || !ahead_.enter('{')) return;
  literal_ = "{\"logGroup\":\"";
  envelope_ = 0;
  phase_ = Phase::kEnvelope;
}

void LogRecords::open_member() {
  constexpr std::string_view kMembers[] = {",\"id\":", ",\"timestamp\":", ",\"message\":", ",\"extractedFields\":"};
  Pull::Name name;
  while (at_.next_member(name)) {
    ahead_.next_member(name);
    const std::string_view* found = nullptr;
    for (const std::string_view& member : kMembers) {
      if (member.substr(2, member.size() - 4) == name.view()) found = &member;
    }
    if (found == nullptr) {
      at_.skip_value();
      ahead_.skip_value();
      continue;
    }
    literal_ = *found;
    if (name.view() != "message" || ahead_.kind() != '"') {
      ahead_.skip_value();
      at_.begin_raw();
      phase_ = Phase::kRaw;
      return;
    }
    JsonAutomaton automaton(kEventDepthMax - 2);
    ahead_.begin_string();
    bool good = true;
    bool begun = false;
    for (int byte = ahead_.string_next(); byte >= 0; byte = ahead_.string_next()) {
      const char c = static_cast<char>(byte);
      if (!begun && !is_json_blank(c)) {
        begun = true;
        good = c == '{' || c == '[';
      }
      good = good && automaton.step(c) == Code::kOk;
    }
    good = good && begun && automaton.complete();
    at_.begin_string();
    minify_ = {};
    phase_ = good ? Phase::kJson : Phase::kText;
    if (!good) literal_ = ",\"message\":\"";
    return;
  }
  ahead_.next_member(name);
  ++records_;
  literal_ = "}\n";
  phase_ = Phase::kElement;
}

std::string_view LogRecords::next(char* stage, Error& error) {
  const auto escaped = [&](std::string_view text) {
    const char* end = escape_json(text, stage).end;
    return std::string_view(stage, static_cast<size_t>(end - stage));
  };
  while (true) {
    if (!literal_.empty()) {
      const std::string_view run = literal_;
      literal_ = {};
      return run;
    }
    switch (phase_) {
      case Phase::kCheck:
        check(error);
        if (!error.ok() || control_) {
          phase_ = Phase::kEnd;
        } else {
          phase_ = go_to_events(ahead_, *bytes_[0], decoders_[0]) && go_to_events(at_, *bytes_[1], decoders_[1])
                       ? Phase::kElement
                       : Phase::kEnd;
        }
        break;
      case Phase::kElement:
        open_element();
        break;
      case Phase::kEnvelope: {
        // Each name in pieces of a bounded size, and what follows it.
        const FixedText<512>* const names[] = {&group_, &stream_, &owner_};
        constexpr std::string_view kBehind[] = {"\",\"logStream\":\"", "\",\"owner\":\"", "\""};
        constexpr uint8_t kPieces = (512 + kEscapedTake - 1) / kEscapedTake;
        const uint8_t which = envelope_ / (kPieces + 1);
        const uint8_t piece = envelope_ % (kPieces + 1);
        if (which == 3) {
          phase_ = Phase::kMember;
          break;
        }
        ++envelope_;
        if (piece == kPieces) {
          literal_ = kBehind[which];
          break;
        }
        const std::string_view name = names[which]->view();
        if (piece * kEscapedTake < name.size()) return escaped(name.substr(piece * kEscapedTake, kEscapedTake));
        break;
      }
      case Phase::kMember:
        open_member();
        break;
      case Phase::kText: {
        char text[kEscapedTake];
        size_t size = 0;
        int byte = 0;
        while (size < sizeof text && (byte = at_.string_next()) >= 0) text[size++] = static_cast<char>(byte);
        if (byte < 0) {
          phase_ = Phase::kMember;
          literal_ = "\"";
        }
        if (size != 0) return escaped({text, size});
        break;
      }
      case Phase::kJson: {
        char text[kStageBytes];
        size_t size = 0;
        int byte = 0;
        while (size < sizeof text && (byte = at_.string_next()) >= 0) text[size++] = static_cast<char>(byte);
        if (byte < 0) phase_ = Phase::kMember;
        const char* end = minify_json(minify_, {text, size}, stage);
        if (end != stage) return {stage, static_cast<size_t>(end - stage)};
        break;
      }
      case Phase::kRaw: {
        size_t size = 0;
        int byte = 0;
        while (size < kStageBytes && (byte = at_.raw_next()) >= 0) stage[size++] = static_cast<char>(byte);
        if (byte < 0) phase_ = Phase::kMember;
        if (size != 0) return {stage, size};
        break;
      }
      case Phase::kEnd:
        // The first pass went over the same bytes in the same steps, so there is no fault here that it did not meet.
        if (error.ok()) error = bytes_[1]->error();
        return {};
    }
  }
}

}  // namespace weir
