#include "event/event_records.hpp"

#include <cstring>

#include "format/json_automaton.hpp"
#include "format/json_escape.hpp"
#include "record/field.hpp"

namespace weir {
namespace {

/// Of JSON that is put into a record: with what stands around it, no deeper than an event.
constexpr uint32_t kInnerDepthMax = kEventDepthMax - 2;

enum class DataShape : uint8_t { kJson, kText, kBytes };

/// One pass over what the base64 stands for.
DataShape shape_of(std::string_view raw) {
  Base64Bytes data(raw);
  JsonAutomaton automaton(kInnerDepthMax);
  bool is_json = true;
  bool begun = false;
  char room[256];
  size_t size = 0;
  while (true) {
    int byte = 0;
    while (size < sizeof room && (byte = data.next()) >= 0) {
      const char c = static_cast<char>(byte);
      room[size++] = c;
      if (!begun && !is_json_blank(c)) {
        begun = true;
        is_json = c == '{' || c == '[';
      }
      is_json = is_json && automaton.step(c) == Code::kOk;
    }
    const size_t valid = utf8_valid_prefix({room, size});
    const size_t open = size - valid;
    if (byte < 0) {
      if (!data.good() || open != 0) return DataShape::kBytes;
      return is_json && begun && automaton.complete() ? DataShape::kJson : DataShape::kText;
    }
    if (open > 3) return DataShape::kBytes;
    std::memmove(room, room + valid, open);
    size = open;
  }
}

}  // namespace

size_t EventRecords::memory_max(EventKind kind) {
  return kind == EventKind::kLogs ? Arena::aligned(sizeof(LogRecords)) + LogRecords::memory_max() : 0;
}

EventRecords::EventRecords(const Event& event, Arena& arena) : event_(&event), entries_(event) {
  if (event.kind() == EventKind::kLogs)
    logs_ = arena.make<LogRecords>(find_member(event.text(), {"awslogs", "data"}), arena);
}

void EventRecords::add_member(std::string_view name, std::string_view raw, PieceKind kind) {
  if (raw.empty()) return;
  // `name` is ,"name": and the first member of a record goes without the comma.
  add(PieceKind::kText, first_member_ ? name.substr(1) : name);
  first_member_ = false;
  add(kind, raw);
}

void EventRecords::add_payload(std::string_view name, std::string_view raw) {
  const bool is_json = is_json_string(raw) && is_json_container(EventText::of_string(raw), kInnerDepthMax);
  add_member(name, raw, is_json ? PieceKind::kInner : PieceKind::kJson);
}

void EventRecords::add_data(std::string_view raw) {
  switch (shape_of(raw)) {
    case DataShape::kJson:
      return add_member(",\"data\":", raw, PieceKind::kDataJson);
    case DataShape::kText:
      add_member(",\"data\":\"", raw, PieceKind::kDataText);
      return add(PieceKind::kText, "\"");
    case DataShape::kBytes:
      return add_member(",\"dataBase64\":", raw);
  }
}

void EventRecords::open_entry(std::string_view entry) {
  piece_ = piece_count_ = 0;
  piece_open_ = false;
  first_member_ = true;
  const EventKind kind = event_->kind();
  const bool wrapped =
      kind == EventKind::kSqs || kind == EventKind::kSns || kind == EventKind::kKinesis || kind == EventKind::kDynamoDb;
  if (!wrapped) {
    add(PieceKind::kJson, entry);
    return add(PieceKind::kText, "\n");
  }
  add(PieceKind::kText, "{");
  if (kind == EventKind::kSqs) {
    WantedMember sqs[] = {{"messageId"}, {"body"}, {"attributes"}, {"messageAttributes"}, {"eventSourceARN"}};
    find_members(entry, sqs);
    add_member(",\"messageId\":", sqs[0].value);
    add_payload(",\"body\":", sqs[1].value);
    add_member(",\"attributes\":", sqs[2].value);
    add_member(",\"messageAttributes\":", sqs[3].value);
    add_member(",\"eventSourceARN\":", sqs[4].value);
  } else if (kind == EventKind::kSns) {
    WantedMember sns[] = {{"MessageId"}, {"TopicArn"}, {"Subject"}, {"Timestamp"}, {"Message"}, {"MessageAttributes"}};
    find_members(find_member(entry, {"Sns"}), sns);
    add_member(",\"messageId\":", sns[0].value);
    add_member(",\"topicArn\":", sns[1].value);
    add_member(",\"subject\":", sns[2].value);
    add_member(",\"timestamp\":", sns[3].value);
    add_payload(",\"message\":", sns[4].value);
    add_member(",\"messageAttributes\":", sns[5].value);
  } else {
    const bool is_kinesis = kind == EventKind::kKinesis;
    WantedMember record[] = {{is_kinesis ? "kinesis" : "dynamodb"}, {"eventID"}, {"eventName"}, {"eventSourceARN"}};
    find_members(entry, record);
    add_member(",\"eventID\":", record[1].value);
    if (is_kinesis) {
      WantedMember kinesis[] = {{"partitionKey"}, {"sequenceNumber"}, {"approximateArrivalTimestamp"}, {"data"}};
      find_members(record[0].value, kinesis);
      add_member(",\"partitionKey\":", kinesis[0].value);
      add_member(",\"sequenceNumber\":", kinesis[1].value);
      add_member(",\"approximateArrivalTimestamp\":", kinesis[2].value);
      add_data(kinesis[3].value);
    } else {
      WantedMember change[] = {
          {"SequenceNumber"}, {"ApproximateCreationDateTime"}, {"Keys"}, {"NewImage"}, {"OldImage"}};
      find_members(record[0].value, change);
      add_member(",\"eventName\":", record[2].value);
      add_member(",\"sequenceNumber\":", change[0].value);
      add_member(",\"approximateCreationDateTime\":", change[1].value);
      add_member(",\"keys\":", change[2].value, PieceKind::kAttributes);
      add_member(",\"newImage\":", change[3].value, PieceKind::kAttributes);
      add_member(",\"oldImage\":", change[4].value, PieceKind::kAttributes);
    }
    add_member(",\"eventSourceARN\":", record[3].value);
  }
  add(PieceKind::kText, "}\n");
}

void EventRecords::open_piece() {
  const Piece& piece = pieces_[piece_];
  piece_open_ = true;
  minify_ = {};
  nested_ = is_json_object(piece.text) || is_json_array(piece.text);
  switch (piece.kind) {
    case PieceKind::kInner:
      inner_ = EventText::of_string(piece.text);
      break;
    case PieceKind::kDataJson:
    case PieceKind::kDataText:
      data_ = Base64Bytes(piece.text);
      break;
    case PieceKind::kAttributes:
      attributes_.begin(piece.text);
      break;
    default:
      break;
  }
}

/// The next bytes of the piece that is open; empty at its end.
std::string_view EventRecords::next_of_piece() {
  Piece& piece = pieces_[piece_];
  const auto staged = [&](const char* end) { return std::string_view(stage_, static_cast<size_t>(end - stage_)); };
  const auto whole = [&] {
    const std::string_view text = piece.text;
    piece.text = {};
    return text;
  };
  switch (piece.kind) {
    case PieceKind::kText:
      return whole();
    case PieceKind::kJson:
      if (!nested_) return whole();
      break;
    case PieceKind::kAttributes:
      return attributes_.next(stage_);
    default:
      break;
  }
  const size_t take_max = piece.kind == PieceKind::kDataText ? kStageBytes / kJsonEscapeFactor : kStageBytes;
  while (true) {
    char text[kStageBytes];
    std::string_view taken;
    if (piece.kind == PieceKind::kJson) {
      taken = piece.text.substr(0, take_max);
      piece.text.remove_prefix(taken.size());
    } else {
      size_t size = 0;
      for (int byte = 0; size < take_max; text[size++] = static_cast<char>(byte)) {
        byte = piece.kind == PieceKind::kInner ? inner_.next() : data_.next();
        if (byte < 0) break;
      }
      taken = {text, size};
    }
    if (taken.empty()) return {};
    if (piece.kind == PieceKind::kDataText) return staged(escape_json(taken, stage_).end);
    if (const char* end = minify_json(minify_, taken, stage_); end != stage_) return staged(end);
  }
}

std::string_view EventRecords::next_run(Error& error) {
  if (logs_ != nullptr) return logs_->next(stage_, error);
  while (true) {
    while (piece_ < piece_count_) {
      if (!piece_open_) open_piece();
      const std::string_view run = next_of_piece();
      if (!run.empty()) return run;
      ++piece_;
      piece_open_ = false;
    }
    if (!entries_.next()) return {};
    open_entry(entries_.value());
  }
}

Step EventRecords::step(std::span<char> room, size_t& produced, Error& error) {
  produced = 0;
  while (true) {
    if (run_.empty()) {
      if (failed_) return Step::kFailed;
      Error fault;
      run_ = next_run(fault);
      if (!fault.ok()) {
        failed_ = true;
        error = fault;
        return Step::kFailed;
      }
      if (run_.empty()) return Step::kFinished;
    }
    if (produced == room.size()) return Step::kHaveOutput;
    const size_t left = room.size() - produced;
    const size_t take = run_.size() < left ? run_.size() : left;
    std::memcpy(room.data() + produced, run_.data(), take);
    produced += take;
    run_.remove_prefix(take);
  }
}

}  // namespace weir
