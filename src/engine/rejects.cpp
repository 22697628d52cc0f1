#include "engine/rejects.hpp"

#include <cstring>

#include "base/fixed_text.hpp"
#include "hash/sha256.hpp"
#include "record/field.hpp"

namespace weir {

Status append_json_text(ByteOutput& out, std::string_view text) {
  size_t valid_to = utf8_valid_prefix(text);
  size_t plain_from = 0;
  size_t i = 0;
  while (i < text.size()) {
    const auto c = static_cast<unsigned char>(text[i]);
    const bool broken = i == valid_to;
    if (!broken && c >= 0x20 && c != '"' && c != '\\') {
      ++i;
      continue;
    }
    WEIR_TRY(out.append(text.substr(plain_from, i - plain_from)));
    if (broken) {
      WEIR_TRY(out.append("\\ufffd"));
      valid_to = i + 1 + utf8_valid_prefix(text.substr(i + 1));
    } else if (c == '"' || c == '\\') {
      const char escaped[2] = {'\\', static_cast<char>(c)};
      WEIR_TRY(out.append({escaped, 2}));
    } else {
      const char escaped[6] = {'\\', 'u', '0', '0', "0123456789abcdef"[c >> 4], "0123456789abcdef"[c & 15]};
      WEIR_TRY(out.append({escaped, 6}));
    }
    plain_from = ++i;
  }
  return out.append(text.substr(plain_from));
}

Status Rejects::add(const Reject& reject, const Counters& counters, bool judge_share) {
  const CodeInfo& info = code_info(reject.code);
  last_ = {reject.source_index, reject.byte, reject.record};
  if (output_ == nullptr) {
    Error error(Code::kBadRecord);
    error.source = reject.source_index;
    error.byte = reject.byte;
    error.record = reject.record;
    error.detail.append(info.message);
    if (!reject.detail.empty()) error.detail.append(": ").append(reject.detail);
    return fail(error);
  }
  ByteOutput& out = *output_;
  FixedText<160> head;
  head.append("{\"code\":\"W")
      .append_number(static_cast<uint64_t>(reject.code))
      .append("\",\"msg\":\"")
      .append(info.message);
  WEIR_TRY(out.append(head.view()));
  if (!reject.detail.empty()) {
    WEIR_TRY(out.append("\",\"detail\":\""));
    WEIR_TRY(append_json_text(out, reject.detail));
  }
  WEIR_TRY(out.append("\",\"source\":\""));
  WEIR_TRY(append_json_text(out, reject.source));
  FixedText<128> numbers;
  numbers.append("\",\"byte\":").append_number(reject.byte).append(",\"record\":").append_number(reject.record);
  numbers.append(",\"size\":").append_number(reject.size).append(",\"head\":\"");
  WEIR_TRY(out.append(numbers.view()));
  WEIR_TRY(append_json_text(out, reject.head));
  if (reject.sha256_hex != nullptr) {
    WEIR_TRY(out.append("\",\"sha256\":\""));
    WEIR_TRY(out.append({reject.sha256_hex, 64}));
  }
  WEIR_TRY(out.append("\"}\n"));
  if (counters.rejected > limits_.count_max) return too_many(counters);
  if (judge_share && counters.read >= kShareJudgedFrom) return judge_end(counters);
  return {};
}

Status Rejects::add_row(const RecordBatch& batch, const RowError& error, std::string_view column,
                        std::string_view detail, std::string_view source, uint64_t rejects_before,
                        const Counters& counters) {
  Reject reject;
  reject.code = error.code;
  reject.source = source;
  reject.source_index = batch.source;
  reject.byte = batch.base_decoded_byte + batch.records[error.row].offset;
  reject.record = batch.first_record + error.row + rejects_before;
  reject.size = batch.records[error.row].size;
  reject.head = batch.record(error.row).substr(0, kRejectHeadMax);
  FixedText<280> words;
  if (!column.empty()) words.append("column `").append(column.substr(0, 100)).append("`");
  if (!detail.empty()) words.append(column.empty() ? "" : ": ").append(detail);
  reject.detail = words.view();
  return add(reject, counters);
}

Status Rejects::add_unread(const RecordBatch& batch, const ReaderReject& rejected, std::string_view source,
                           uint64_t rejects_before, const Counters& counters) {
  Reject reject;
  reject.code = rejected.code;
  reject.source = source;
  reject.source_index = batch.source;
  reject.byte = rejected.decoded_byte;
  reject.record = batch.first_record + rejected.rows_before + rejects_before;
  reject.size = rejected.size;
  reject.head = rejected.head;
  // A record that is shown whole is shown without its line end, as those that fail later are.
  if (rejected.head.size() == rejected.size && reject.head.ends_with('\n')) {
    reject.head.remove_suffix(reject.head.ends_with("\r\n") ? 2 : 1);
  }
  FixedText<96> detail;
  switch (rejected.code) {
    case Code::kRaggedRow:
      detail.append("found ").append_number(rejected.detail_a).append(", expected ").append_number(rejected.detail_b);
      break;
    case Code::kBadJson:
    case Code::kBadUtf8:
    case Code::kJsonTooDeep:
    case Code::kNotAnObject:
      if (rejected.detail_a != 0 || rejected.code == Code::kBadJson)
        detail.append("at byte ").append_number(rejected.detail_a).append(" of the record");
      break;
    default:
      break;
  }
  reject.detail = detail.view();
  char hex[64];
  if (rejected.hashed) {
    Sha256::Digest digest;
    static_assert(sizeof digest == sizeof rejected.sha256_words);
    std::memcpy(digest.data(), rejected.sha256_words, sizeof digest);
    to_hex(digest, hex);
    reject.sha256_hex = hex;
  }
  return add(reject, counters);
}

Status Rejects::judge_end(const Counters& counters) const {
  if (limits_.share_max >= 1.0) return {};
  if (static_cast<double>(counters.rejected) > limits_.share_max * static_cast<double>(counters.read))
    return too_many(counters);
  return {};
}

Status Rejects::too_many(const Counters& counters) const {
  Error error(Code::kTooManyRejects);
  error.source = last_.source;
  error.byte = last_.byte;
  error.record = last_.record;
  error.detail.append_number(counters.rejected)
      .append(" of ")
      .append_number(counters.read)
      .append(" records were rejected");
  return fail(error);
}

}  // namespace weir
