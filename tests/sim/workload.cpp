#include "workload.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <isa-l/igzip_lib.h>
#include <zstd.h>

namespace weir::sim {
namespace {

enum class Kind : uint8_t { kGood, kRagged, kOversize, kBadJson, kNotAnObject, kBadUtf8, kNul };

struct Record {
  Kind kind = Kind::kGood;
  std::string raw;      ///< as it stands in the input, without its end
  std::string id;       ///< digits
  std::string name;
  std::string amount;   ///< digits, or not
  bool amount_is_text = false;  ///< of JSON
  std::string note;
  std::vector<std::string> csv;  ///< the fields as they stand in the input
  uint64_t byte = 0;
  uint64_t size_with_end = 0;
  uint64_t number = 0;
  const std::string* source = nullptr;
};

enum class Query : uint8_t { kAll, kColumns, kFilter, kComputed, kAggregates };

std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\b':
        out += "\\b";
        break;
      case '\f':
        out += "\\f";
        break;
      default:
        if (byte < 0x20) {
          char room[8];
          std::snprintf(room, sizeof room, "\\u%04x", byte);
          out += room;
        } else {
          out += c;
        }
    }
  }
  return out + '"';
}

std::string csv_field(std::string_view text, bool always = false) {
  if (!always && text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string out = "\"";
  for (const char c : text) out.append(c == '"' ? 2 : 1, c);
  return out + '"';
}

bool is_integer(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

std::string random_text(SimRng& rng, size_t size_max, bool line_ends) {
  static constexpr std::string_view kPieces[] = {
      "a", "e",  "n",  "r",  "s",   "t",           "x",        "0",
      "7", " ",  "-",  "ab", "the", "lorem ipsum", "\xc3\xa9", "\xe6\x97\xa5\xe6\x9c\xac",
      ",", "\"", "\\", "\t", "\n",  "\r\n",        "\x01"};
  const size_t plain = line_ends ? std::size(kPieces) : std::size(kPieces) - 3;
  const bool hard = rng.percent(25);
  std::string text;
  const size_t size = rng.below(size_max + 1);
  while (text.size() < size) text += kPieces[rng.below(hard ? plain : 16)];
  if (!line_ends) std::erase_if(text, [](char c) { return c == '\n' || c == '\r'; });
  return text;
}

class Maker {
 public:
  explicit Maker(SimRng rng) : rng_(rng) {}

  Workload make() {
    choose();
    for (size_t i = 0; i < paths_.size(); ++i) write_input(i);
    expect();
    describe();
    return std::move(work_);
  }

 private:
  void choose() {
    Config& config = work_.config;
    config.memory = 1u << 30;
    config.memory_given = true;
    static constexpr FormatChoice kFormats[] = {FormatChoice::kCsv, FormatChoice::kCsv, FormatChoice::kNdjson,
                                                FormatChoice::kJson, FormatChoice::kLines};
    format_ = kFormats[rng_.below(std::size(kFormats))];
    config.input.format = format_;
    config.input.record_max = 64 * rng_.between(8, 40);
    config.input.columns_max = 16;
    config.input.header_bytes_max = 1024;
    config.input.zstd_window_max = 64u << 10;
    config.input.amplification_max = 0;
    const uint64_t codec = rng_.below(10);
    codec_ = codec < 4 ? CodecChoice::kNone : codec < 7 ? CodecChoice::kGzip : CodecChoice::kZstd;
    with_rejects_ = rng_.percent(65);
    dirty_percent_ = with_rejects_ ? rng_.below(8) : 0;
    if (format_ == FormatChoice::kLines) config.input.nul = BytesPolicy::kReject;

    const size_t inputs = rng_.percent(50) ? 1 : rng_.between(2, 4);
    const char* ending = format_ == FormatChoice::kCsv     ? ".csv"
                         : format_ == FormatChoice::kLines ? ".txt"
                         : format_ == FormatChoice::kJson  ? ".json"
                                                           : ".ndjson";
    for (size_t i = 0; i < inputs; ++i) {
      paths_.push_back("in/" + std::string(1, static_cast<char>('a' + i)) + ending +
                       (codec_ == CodecChoice::kGzip   ? ".gz"
                        : codec_ == CodecChoice::kZstd ? ".zst"
                                                       : ""));
    }
    config.input.from = paths_;

    const uint64_t query = rng_.below(10);
    query_ = query < 3   ? Query::kAll
             : query < 5 ? Query::kColumns
             : query < 7 ? Query::kFilter
             : query < 8 ? Query::kComputed
                         : Query::kAggregates;
    if (format_ == FormatChoice::kLines && (query_ == Query::kComputed)) query_ = Query::kFilter;
    threshold_ = static_cast<int64_t>(rng_.below(1600)) - 900;
    filtered_ = query_ == Query::kFilter || (query_ == Query::kAggregates && rng_.percent(50));
    limit_ = query_ != Query::kAggregates && rng_.percent(20) ? rng_.between(1, 120) : ~uint64_t{0};
    config.query = sql();

    const uint64_t out = rng_.below(10);
    if (format_ == FormatChoice::kLines && query_ != Query::kAggregates && out < 5) {
      output_ = OutputFormat::kLines;
    } else if (out < 4 && !(query_ == Query::kAll && format_ != FormatChoice::kCsv)) {
      output_ = OutputFormat::kCsv;
    } else {
      output_ = out < 8 ? OutputFormat::kNdjson : OutputFormat::kJson;
    }
    config.output.format = output_;
    const uint64_t codec_out = rng_.below(10);
    work_.output_codec = codec_out < 5 ? CodecChoice::kNone : codec_out < 8 ? CodecChoice::kGzip : CodecChoice::kZstd;
    config.output.codec = work_.output_codec;
    config.output.unit = rng_.percent(70) ? 4096 : 1024 * rng_.between(4, 24);
    work_.folder = rng_.percent(35);
    config.output.to = work_.folder ? "out/part-{batch}.dat" : "out/new/all.dat";
    if (rng_.percent(30)) config.output.if_exists = IfExists::kReplace;
    work_.output_was_there = config.output.if_exists == IfExists::kReplace && rng_.percent(50);
    config.batch.records = work_.folder ? rng_.between(3, 90) : rng_.percent(20) ? rng_.between(2, 100) : 0;
    if (with_rejects_) {
      static constexpr const char* kNames[] = {"rejects.ndjson", "rejects.ndjson.gz", "rejects.ndjson.zst"};
      const uint64_t name = rng_.percent(60) ? 0 : rng_.between(1, 2);
      work_.rejects_codec = name == 0 ? CodecChoice::kNone : name == 1 ? CodecChoice::kGzip : CodecChoice::kZstd;
      config.rejects.to = std::string(rng_.percent(50) ? "out/" : "bad/") + kNames[name];
    }
    if (rng_.percent(25)) config.checkpoint.key = "a secret of sixteen bytes";
    if (rng_.percent(25)) config.checkpoint.to = "state/job.weir";
  }

  std::string sql() const {
    const std::string limit = limit_ == ~uint64_t{0} ? "" : " LIMIT " + std::to_string(limit_);
    const std::string where = !filtered_ ? ""
                              : format_ == FormatChoice::kLines
                                  ? " WHERE line LIKE '%x%'"
                                  : " WHERE CAST(amount AS INT) > " + std::to_string(threshold_);
    switch (query_) {
      case Query::kAll:
        return "SELECT * FROM input" + limit;
      case Query::kColumns:
      case Query::kFilter:
        return std::string("SELECT ") + (format_ == FormatChoice::kLines ? "line" : "id, name") + " FROM input" +
               where + limit;
      case Query::kComputed:
        return "SELECT id, CAST(amount AS INT) * 2 AS twice FROM input" + limit;
      case Query::kAggregates:
        break;
    }
    if (format_ == FormatChoice::kLines) return "SELECT COUNT(*) AS n FROM input" + where;
    return "SELECT COUNT(*) AS n, SUM(CAST(amount AS INT)) AS total, MAX(CAST(amount AS INT)) AS top FROM input" +
           where;
  }

  Record make_record() {
    Record record;
    const uint64_t record_max = work_.config.input.record_max;
    record.id = std::to_string(++ids_);
    const size_t text_max = rng_.percent(10) ? record_max / 8 : 24;
    record.name = random_text(
        rng_, text_max,
        format_ == FormatChoice::kCsv || format_ == FormatChoice::kNdjson || format_ == FormatChoice::kJson);
    record.note = random_text(rng_, 12, false);
    record.amount = std::to_string(static_cast<int64_t>(rng_.below(2000)) - 1000);
    if (record.amount == "-0") record.amount = "0";
    const bool dirty = rng_.percent(dirty_percent_);
    if (dirty) {
      static constexpr Kind kOfCsv[] = {Kind::kGood, Kind::kGood, Kind::kRagged, Kind::kRagged, Kind::kOversize};
      static constexpr Kind kOfNdjson[] = {Kind::kGood,        Kind::kGood,     Kind::kBadJson,
                                           Kind::kNotAnObject, Kind::kOversize, Kind::kBadUtf8};
      static constexpr Kind kOfJson[] = {Kind::kGood, Kind::kGood, Kind::kNotAnObject, Kind::kOversize};
      static constexpr Kind kOfLines[] = {Kind::kOversize, Kind::kNul};
      switch (format_) {
        case FormatChoice::kCsv:
          record.kind = kOfCsv[rng_.below(std::size(kOfCsv))];
          break;
        case FormatChoice::kNdjson:
          record.kind = kOfNdjson[rng_.below(std::size(kOfNdjson))];
          break;
        case FormatChoice::kJson:
          record.kind = kOfJson[rng_.below(std::size(kOfJson))];
          break;
        default:
          record.kind = kOfLines[rng_.below(std::size(kOfLines))];
          break;
      }
      if (record.kind == Kind::kGood) record.amount = rng_.percent(50) ? "12x" : "none";
    }
    std::string filler;
    if (record.kind == Kind::kOversize) {
      const uint64_t unit = work_.config.output.unit;
      filler.assign(rng_.percent(25) ? rng_.between(4 * unit, 9 * unit) : rng_.between(record_max + 1, 4 * record_max),
                    'z');
    }
    switch (format_) {
      case FormatChoice::kCsv: {
        record.csv = {record.id, csv_field(record.name, rng_.percent(10)), record.amount,
                      csv_field(record.note + filler)};
        if (record.kind == Kind::kOversize) record.csv[1] = "plain", record.csv[3] = filler;
        if (record.kind == Kind::kRagged) {
          if (rng_.percent(50))
            record.csv.pop_back();
          else
            record.csv.emplace_back("more");
        }
        for (size_t i = 0; i < record.csv.size(); ++i) record.raw += (i == 0 ? "" : ",") + record.csv[i];
        break;
      }
      case FormatChoice::kNdjson:
      case FormatChoice::kJson: {
        record.amount_is_text = !is_integer(record.amount) || rng_.percent(20);
        record.raw = "{\"id\":" + record.id + ",\"name\":" + json_string(record.name) +
                     ",\"amount\":" + (record.amount_is_text ? json_string(record.amount) : record.amount) +
                     ",\"note\":" + json_string(record.note + filler) + "}";
        if (record.kind == Kind::kBadJson) record.raw.pop_back();
        if (record.kind == Kind::kNotAnObject) record.raw = rng_.percent(50) ? "17" : "[1,2]";
        if (record.kind == Kind::kBadUtf8) record.raw = "{\"id\":1,\"name\":\"\xff\"}";
        break;
      }
      default:
        record.raw = random_text(rng_, text_max * 2, false);
        if (record.raw.empty()) record.raw = "x";
        record.name = record.raw += filler;
        if (record.kind == Kind::kNul) record.raw += std::string(1, '\0') + "y";
    }
    return record;
  }

  void write_input(size_t index) {
    std::string text;
    const uint64_t scale = rng_.below(20);
    const uint64_t bytes = scale == 0   ? 0
                           : scale < 12 ? rng_.between(500, 12'000)
                           : scale < 19 ? rng_.between(8'000, 50'000)
                                        : rng_.between(50'000, 250'000);
    const char* const end = format_ != FormatChoice::kJson && rng_.percent(20) ? "\r\n" : "\n";
    if (format_ == FormatChoice::kCsv) text = std::string("id,name,amount,note") + end;
    if (format_ == FormatChoice::kJson) text = rng_.percent(50) ? "[" : " [\n";
    uint64_t number = 0;
    while (text.size() < bytes) {
      Record record = make_record();
      if (format_ == FormatChoice::kJson && number != 0) text += rng_.percent(70) ? ",\n" : " , ";
      record.byte = text.size();
      record.number = number++;
      record.source = &paths_[index];
      text += record.raw;
      const bool open_end = format_ != FormatChoice::kJson && text.size() >= bytes && rng_.percent(20);
      if (format_ != FormatChoice::kJson && !open_end) text += end;
      record.size_with_end = text.size() - record.byte;
      records_.push_back(std::move(record));
    }
    if (format_ == FormatChoice::kJson) text += rng_.percent(50) ? "]" : "\n]\n";
    work_.inputs.push_back({paths_[index], compress(codec_, text, rng_)});
  }

  // --- what must come out --------------------------------------------------------------------------------------------

  std::string header() const {
    if (output_ != OutputFormat::kCsv) return {};
    if (format_ == FormatChoice::kLines) return query_ == Query::kAggregates ? "n\n" : "line\n";
    switch (query_) {
      case Query::kAll:
        return "id,name,amount,note\n";
      case Query::kColumns:
      case Query::kFilter:
        return "id,name\n";
      case Query::kComputed:
        return "id,twice\n";
      case Query::kAggregates:
        return "n,total,top\n";
    }
    return {};
  }

  std::string row(const Record& record) const {
    const bool csv_in = format_ == FormatChoice::kCsv;
    const std::string twice = query_ == Query::kComputed ? std::to_string(2 * std::atoll(record.amount.c_str())) : "";
    if (output_ == OutputFormat::kLines) return record.raw;
    if (output_ == OutputFormat::kCsv) {
      if (format_ == FormatChoice::kLines) return csv_field(record.raw);
      if (query_ == Query::kAll) return record.raw;
      if (query_ == Query::kComputed) return record.id + "," + twice;
      return record.id + "," + (csv_in ? record.csv[1] : csv_field(record.name));
    }
    if (format_ == FormatChoice::kLines) return "{\"line\":" + json_string(record.raw) + "}";
    const std::string id = csv_in ? json_string(record.id) : record.id;
    switch (query_) {
      case Query::kAll:
        if (!csv_in) return record.raw;
        return "{\"id\":" + id + ",\"name\":" + json_string(record.name) + ",\"amount\":" + json_string(record.amount) +
               ",\"note\":" + json_string(record.note) + "}";
      case Query::kColumns:
      case Query::kFilter:
        return "{\"id\":" + id + ",\"name\":" + json_string(record.name) + "}";
      case Query::kComputed:
        return "{\"id\":" + id + ",\"twice\":" + twice + "}";
      case Query::kAggregates:
        break;
    }
    return {};
  }

  void reject(unsigned code, const Record& record, bool unread) {
    ++work_.rejected;
    work_.rejects.push_back(
        {code, *record.source, record.byte, record.number, unread ? record.size_with_end : record.raw.size()});
  }

  void expect() {
    std::vector<std::string> rows;
    int64_t count = 0;
    int64_t total = 0;
    int64_t top = INT64_MIN;
    for (const Record& record : records_) {
      if (rows.size() >= limit_) break;
      ++work_.read;
      constexpr unsigned kCodes[] = {0, 2202, 2201, 2204, 2205, 2206, 2209};
      if (record.kind != Kind::kGood) {
        reject(kCodes[static_cast<size_t>(record.kind)], record, true);
        continue;
      }
      const bool needs_amount =
          format_ != FormatChoice::kLines && (filtered_ || query_ == Query::kComputed || query_ == Query::kAggregates);
      if (needs_amount && !is_integer(record.amount)) {
        reject(2401, record, false);
        continue;
      }
      const int64_t amount = std::atoll(record.amount.c_str());
      if (filtered_ &&
          (format_ == FormatChoice::kLines ? record.raw.find('x') == std::string::npos : amount <= threshold_)) {
        ++work_.filtered;
        continue;
      }
      if (query_ == Query::kAggregates) {
        ++work_.folded;
        ++count;
        total += amount;
        top = std::max(top, amount);
        continue;
      }
      ++work_.written;
      rows.push_back(row(record));
    }
    if (query_ == Query::kAggregates) {
      const bool json = output_ != OutputFormat::kCsv;
      const std::string none = json ? "null" : "";
      const std::string sum = count == 0 ? none : std::to_string(total);
      const std::string most = count == 0 ? none : std::to_string(top);
      if (format_ == FormatChoice::kLines) {
        rows.push_back(json ? "{\"n\":" + std::to_string(count) + "}" : std::to_string(count));
      } else {
        rows.push_back(json ? "{\"n\":" + std::to_string(count) + ",\"total\":" + sum + ",\"top\":" + most + "}"
                            : std::to_string(count) + "," + sum + "," + most);
      }
    }
    put_rows(rows);
  }

  void put_rows(const std::vector<std::string>& rows) {
    const uint64_t batch = work_.config.batch.records == 0 ? ~uint64_t{0} : work_.config.batch.records;
    std::string text = work_.folder ? "" : header();
    uint64_t in_batch = 0;
    uint64_t files = 0;
    const bool array = output_ == OutputFormat::kJson;
    const auto end_batch = [&] {
      if (array) text += "]\n";
      in_batch = 0;
      if (!work_.folder) return;
      char room[32];
      std::snprintf(room, sizeof room, "out/part-%06llu.dat", static_cast<unsigned long long>(files++));
      work_.outputs.push_back({room, text});
      text.clear();
    };
    for (const std::string& one : rows) {
      if (in_batch == 0) {
        if (work_.folder) text = header();
        if (array) text += "[";
      } else if (array) {
        text += ",\n";
      }
      text += one;
      if (!array) text += "\n";
      if (++in_batch == batch) end_batch();
    }
    if (in_batch != 0) end_batch();
    if (!work_.folder) {
      if (array && rows.empty()) text = "[]\n";
      work_.outputs.push_back({work_.config.output.to, text});
    }
  }

  void describe() {
    static constexpr const char* kFormats[] = {"auto", "csv", "tsv", "ndjson", "json", "lines"};
    static constexpr const char* kOutputs[] = {"auto", "csv", "tsv", "ndjson", "json", "lines"};
    static constexpr const char* kCodecs[] = {"auto", "none", "gzip", "zstd"};
    char room[400];
    std::snprintf(room, sizeof room, "%zu x %s %s -> %s %s %s (%zu files), rejects %s, %llu records; %s", paths_.size(),
                  kFormats[static_cast<size_t>(format_)], kCodecs[static_cast<size_t>(codec_)],
                  kOutputs[static_cast<size_t>(output_)], kCodecs[static_cast<size_t>(work_.output_codec)],
                  work_.folder ? "folder" : "file", work_.outputs.size(),
                  work_.config.rejects.to.empty() ? "none" : work_.config.rejects.to.c_str(),
                  static_cast<unsigned long long>(work_.read), work_.config.query.c_str());
    work_.described = room;
  }

  SimRng rng_;
  Workload work_;
  FormatChoice format_ = FormatChoice::kCsv;
  CodecChoice codec_ = CodecChoice::kNone;
  OutputFormat output_ = OutputFormat::kNdjson;
  Query query_ = Query::kAll;
  bool filtered_ = false;
  bool with_rejects_ = false;
  uint64_t dirty_percent_ = 0;
  int64_t threshold_ = 0;
  uint64_t limit_ = 0;
  uint64_t ids_ = 0;
  std::vector<std::string> paths_;
  std::vector<Record> records_;
};

std::string gzip_member(std::string_view text) {
  isal_zstream stream;
  isal_deflate_stateless_init(&stream);
  stream.gzip_flag = IGZIP_GZIP;
  stream.level = 0;
  stream.flush = NO_FLUSH;
  stream.end_of_stream = 1;
  std::string out(text.size() + text.size() / 2 + 400, '\0');
  stream.next_in = reinterpret_cast<uint8_t*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uint32_t>(text.size());
  stream.next_out = reinterpret_cast<uint8_t*>(out.data());
  stream.avail_out = static_cast<uint32_t>(out.size());
  if (isal_deflate_stateless(&stream) != COMP_OK) std::abort();
  out.resize(stream.total_out);
  return out;
}

}  // namespace

std::string compress(CodecChoice codec, std::string_view text, SimRng& rng) {
  if (codec == CodecChoice::kNone) return std::string(text);
  // Several members or frames, one of them perhaps empty.
  std::string out;
  bool any = false;
  while (!any || !text.empty()) {
    any = true;
    const size_t take = rng.percent(40) ? text.size() : std::min<size_t>(text.size(), rng.between(0, 20'000));
    if (codec == CodecChoice::kGzip) {
      out += gzip_member(text.substr(0, take));
    } else {
      std::string frame(ZSTD_compressBound(take), '\0');
      // Windows of 64 KiB at most: frames of less than that say their size.
      const size_t piece = std::min<size_t>(take, 60'000);
      const size_t size = ZSTD_compress(frame.data(), frame.size(), text.data(), piece, 1);
      out.append(frame, 0, size);
      text.remove_prefix(piece);
      continue;
    }
    text.remove_prefix(take);
  }
  return out;
}

bool uncompress(CodecChoice codec, std::string_view stored, std::string& text) {
  text.clear();
  if (codec == CodecChoice::kNone) {
    text = stored;
    return true;
  }
  std::vector<char> room(1u << 16);
  if (codec == CodecChoice::kZstd) {
    static ZSTD_DCtx* const context = ZSTD_createDCtx();
    ZSTD_DCtx_reset(context, ZSTD_reset_session_only);
    ZSTD_inBuffer in{stored.data(), stored.size(), 0};
    size_t left = 1;
    for (;;) {
      ZSTD_outBuffer out{room.data(), room.size(), 0};
      left = ZSTD_decompressStream(context, &out, &in);
      if (ZSTD_isError(left)) return false;
      text.append(room.data(), out.pos);
      if (in.pos == in.size && out.pos < out.size) break;
    }
    return left == 0;
  }
  // One member, as is promised.
  static inflate_state state;
  isal_inflate_init(&state);
  state.crc_flag = ISAL_GZIP;
  state.next_in = reinterpret_cast<uint8_t*>(const_cast<char*>(stored.data()));
  state.avail_in = static_cast<uint32_t>(stored.size());
  for (;;) {
    state.next_out = reinterpret_cast<uint8_t*>(room.data());
    state.avail_out = static_cast<uint32_t>(room.size());
    if (isal_inflate(&state) != ISAL_DECOMP_OK) return false;
    const size_t got = room.size() - state.avail_out;
    text.append(room.data(), got);
    if (state.block_state == ISAL_BLOCK_FINISH) return state.avail_in == 0;
    if (got == 0) return false;
  }
}

std::vector<ExpectedReject> parse_rejects(std::string_view text) {
  std::vector<ExpectedReject> rejects;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string line(text.substr(0, end));
    text.remove_prefix(std::min(text.size(), end + 1));
    ExpectedReject reject;
    const auto number = [&](const char* key) -> uint64_t {
      const size_t at = line.find(key);
      return at == std::string::npos ? ~uint64_t{0} : std::strtoull(line.c_str() + at + std::strlen(key), nullptr, 10);
    };
    reject.code = static_cast<unsigned>(number("{\"code\":\"W"));
    const size_t source = line.find("\"source\":\"");
    if (source != std::string::npos)
      reject.source = line.substr(source + 10, line.find('"', source + 10) - source - 10);
    reject.byte = number("\"byte\":");
    reject.record = number("\"record\":");
    reject.size = number("\"size\":");
    rejects.push_back(reject);
  }
  return rejects;
}

Workload make_workload(SimRng rng) { return Maker(rng).make(); }

}  // namespace weir::sim
