#include "plan/yaml.hpp"

#include <cstring>

#include <yaml.h>

namespace weir {

namespace {
constexpr uint32_t kDepthRoom = 64;  ///< YamlLimits.depth_max is held below this

struct Place {
  uint32_t line = 1;
  uint32_t column = 1;
  size_t byte = 0;
};

/// libyaml's marks count characters; ours count bytes. Marks come nearly in order, so a cursor that walks both ways is linear in all.
class MarkReader {
 public:
  explicit MarkReader(std::string_view text) : text_(text) {}

  Place place(const yaml_mark_t& mark) {
    seek(mark.index - mark.column);
    const size_t line_start = byte_;
    seek(mark.index);
    return {static_cast<uint32_t>(mark.line + 1), static_cast<uint32_t>(byte_ - line_start + 1), byte_};
  }

 private:
  static bool is_tail(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }
  void seek(size_t character) {
    while (character_ < character && byte_ < text_.size()) {
      do ++byte_;
      while (byte_ < text_.size() && is_tail(text_[byte_]));
      ++character_;
    }
    while (character_ > character && byte_ > 0) {
      do --byte_;
      while (byte_ > 0 && is_tail(text_[byte_]));
      --character_;
    }
  }

  std::string_view text_;
  size_t character_ = 0;
  size_t byte_ = 0;
};

struct PlainWords {
  std::string_view problem;  ///< libyaml's
  std::string_view words;
};
constexpr PlainWords kPlainWords[] = {
    {"mapping values are not allowed in this context",
     "a `key:` is not allowed here; check the indentation, or quote a text that holds `: `"},
    {"block sequence entries are not allowed in this context", "a `- item` is not allowed here; check the indentation"},
    {"mapping keys are not allowed in this context", "a `? key` is not allowed here; check the indentation"},
    {"could not find expected ':'", "expected `key: value`; a `:` is missing"},
    {"did not find expected key", "expected `key: value`; check the indentation, and quotes that end too early"},
    {"did not find expected '-' indicator", "expected `- item`; check the indentation"},
    {"did not find expected ',' or ']'", "expected `,` or `]`: a list in brackets is not closed"},
    {"did not find expected ',' or '}'", "expected `,` or `}`: a map in braces is not closed"},
    {"did not find expected node content", "expected a value here"},
    {"did not find expected <document start>", "something follows the end of the document; check the indentation"},
    {"found unexpected end of stream", "the file ends inside a quoted text"},
    {"found unexpected document indicator", "a `---` or `...` inside a quoted text"},
    {"found unknown escape character",
     "unknown escape in a double-quoted text; write it in single quotes, or `\\\\` for a backslash"},
    {"found character that cannot start any token",
     "this character can't begin a value; indent with spaces, not tabs, and quote a value that begins with @, ` or %"},
    {"found a tab character where an indentation space is expected", "a tab in the indentation; use spaces"},
    {"found a tab character that violates indentation", "a tab in the indentation; use spaces"},
    {"found a tab character where an intendation space is expected", "a tab in the indentation; use spaces"},
    {"did not find expected alphabetic or numeric character", "a value that begins with `*` or `&` must be quoted"},
    {"did not find expected comment or line break", "only a comment may follow `|` or `>` on its line"},
    {"found invalid simple key", "expected `key: value`"},
    {"control characters are not allowed", "a control character; write it as an escape in double quotes"},
    {"invalid leading UTF-8 octet", "invalid UTF-8; save the file as UTF-8"},
    {"invalid trailing UTF-8 octet", "invalid UTF-8; save the file as UTF-8"},
    {"incomplete UTF-8 octet sequence", "invalid UTF-8; save the file as UTF-8"},
    {"invalid length of a UTF-8 sequence", "invalid UTF-8; save the file as UTF-8"},
    {"invalid Unicode character", "invalid UTF-8; save the file as UTF-8"},
};

std::string_view plain_words(const char* problem) {
  if (problem == nullptr) return "unreadable";
  for (const PlainWords& row : kPlainWords) {
    if (row.problem == problem) return row.words;
  }
  return problem;
}

Error error_at(Code code, const Place& place, std::string_view detail) {
  Error error(code, detail);
  error.at_line(place.line, place.column);
  return error;
}
}  // namespace

/// Turns libyaml's events into records. One use each.
class YamlBuilder {
 public:
  YamlBuilder(std::string_view text, const YamlLimits& limits) : text_(text), limits_(limits), marks_(text) {
    if (limits_.depth_max > kDepthRoom) limits_.depth_max = kDepthRoom;
  }
  ~YamlBuilder() {
    if (open_) yaml_parser_delete(&parser_);
  }
  YamlBuilder(const YamlBuilder&) = delete;
  YamlBuilder& operator=(const YamlBuilder&) = delete;

  Result<YamlDocument> build() {
    if (text_.size() > limits_.bytes_max) {
      Detail detail("it has ");
      detail.append_number(text_.size())
          .append(" bytes, at most ")
          .append_number(limits_.bytes_max)
          .append(" are read");
      return fail(error_at(Code::kConfigTooLarge, {}, detail.view()));
    }
    if (text_.starts_with("\xFF\xFE") || text_.starts_with("\xFE\xFF")) {
      return fail(error_at(Code::kBadYaml, {}, "the file is UTF-16; save it as UTF-8"));
    }
    if (yaml_parser_initialize(&parser_) == 0) return fail(Code::kSetupTooLarge, "reading YAML");
    open_ = true;
    yaml_parser_set_encoding(&parser_, YAML_UTF8_ENCODING);
    // libyaml asserts on a null pointer, which is what an empty view may have.
    const char* bytes = text_.data() != nullptr ? text_.data() : "";
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(bytes), text_.size());
    for (bool done = false; !done;) {
      yaml_event_t event;
      if (yaml_parser_parse(&parser_, &event) == 0) return fail(syntax_error());
      done = event.type == YAML_STREAM_END_EVENT;
      Status status = take(event);
      yaml_event_delete(&event);
      if (!status) return fail(status.error());
    }
    return std::move(document_);
  }

 private:
  using Record = YamlNode::Record;

  Error syntax_error() {
    if (parser_.error == YAML_MEMORY_ERROR) return Error(Code::kSetupTooLarge, "reading YAML");
    if (parser_.error == YAML_READER_ERROR) {
      Place place;
      const size_t at = parser_.problem_offset < text_.size() ? parser_.problem_offset : text_.size();
      for (size_t i = 0; i < at; ++i) {
        ++place.column;
        if (text_[i] == '\n') {
          ++place.line;
          place.column = 1;
        }
      }
      return error_at(Code::kBadYaml, place, plain_words(parser_.problem));
    }
    const Place place = marks_.place(parser_.problem_mark);
    Detail detail(plain_words(parser_.problem));
    // An open bracket or quote is found at the file's end: name where it was opened.
    if (parser_.context != nullptr && parser_.context_mark.line != parser_.problem_mark.line) {
      detail.append(" (it begins in line ").append_number(parser_.context_mark.line + 1).append(")");
    }
    return error_at(Code::kBadYaml, place, detail.view());
  }

  Status refuse(Code code, const yaml_event_t& event, std::string_view detail) {
    return fail(error_at(code, marks_.place(event.start_mark), detail));
  }

  Status take(const yaml_event_t& event) {
    switch (event.type) {
      case YAML_DOCUMENT_START_EVENT:
        if (++documents_ > 1)
          return refuse(Code::kBadYaml, event, "a second document begins here; one document a file");
        if (event.data.document_start.tag_directives.start != event.data.document_start.tag_directives.end) {
          return refuse(Code::kConfigTooLarge, event, "a %TAG directive; tags are not supported");
        }
        return {};
      case YAML_ALIAS_EVENT:
        return refuse(Code::kConfigTooLarge, event, "an alias; quote a value that begins with `*`");
      case YAML_SCALAR_EVENT:
        WEIR_TRY(no_extras(event, event.data.scalar.anchor, event.data.scalar.tag));
        return scalar(event);
      case YAML_SEQUENCE_START_EVENT:
        WEIR_TRY(no_extras(event, event.data.sequence_start.anchor, event.data.sequence_start.tag));
        return open(event, YamlKind::kList);
      case YAML_MAPPING_START_EVENT:
        WEIR_TRY(no_extras(event, event.data.mapping_start.anchor, event.data.mapping_start.tag));
        return open(event, YamlKind::kMap);
      case YAML_SEQUENCE_END_EVENT:
      case YAML_MAPPING_END_EVENT:
        --depth_;
        return {};
      default:
        return {};
    }
  }

  Status no_extras(const yaml_event_t& event, const yaml_char_t* anchor, const yaml_char_t* tag) {
    if (anchor != nullptr) return refuse(Code::kConfigTooLarge, event, "an anchor; quote a value that begins with `&`");
    if (tag != nullptr) return refuse(Code::kConfigTooLarge, event, "a tag; quote a value that begins with `!`");
    return {};
  }

  bool key_is_next() const { return depth_ > 0 && stack_[depth_ - 1]->kind == YamlKind::kMap && !have_key_; }

  Status open(const yaml_event_t& event, YamlKind kind) {
    if (key_is_next()) return refuse(Code::kBadYaml, event, "a key must be a text, not a list or map");
    if (depth_ >= limits_.depth_max) {
      Detail detail("nested deeper than ");
      detail.append_number(limits_.depth_max).append(" levels");
      return refuse(Code::kConfigTooLarge, event, detail.view());
    }
    Result<Record*> record = add(event, kind);
    if (!record) return fail(record.error());
    stack_[depth_++] = *record;
    return {};
  }

  Status scalar(const yaml_event_t& event) {
    const char* value = reinterpret_cast<const char*>(event.data.scalar.value);
    const size_t size = event.data.scalar.length;
    const yaml_scalar_style_t style = event.data.scalar.style;
    const bool quoted = style == YAML_SINGLE_QUOTED_SCALAR_STYLE || style == YAML_DOUBLE_QUOTED_SCALAR_STYLE;
    const Place place = marks_.place(event.start_mark);
    const char* text = keep({value, size}, place.byte + (quoted ? 1 : 0));

    if (key_is_next()) {
      const std::string_view key(text, size);
      for (const Record* r = stack_[depth_ - 1]->first; r != nullptr; r = r->next) {
        if (std::string_view(r->key, r->key_size) != key) continue;
        Detail detail("the key `");
        detail.append(key.substr(0, 80)).append("` is given twice, first in line ").append_number(r->key_line);
        return refuse(Code::kBadYaml, event, detail.view());
      }
      key_ = key;
      key_place_ = place;
      have_key_ = true;
      return {};
    }

    Result<Record*> added = add(event, YamlKind::kScalar);
    if (!added) return fail(added.error());
    Record& record = **added;
    record.text = text;
    record.text_size = static_cast<uint32_t>(size);
    record.text_line = record.line;
    record.text_column = record.column + (quoted ? 1 : 0);
    switch (style) {
      case YAML_SINGLE_QUOTED_SCALAR_STYLE:
        record.style = YamlStyle::kSingleQuoted;
        break;
      case YAML_DOUBLE_QUOTED_SCALAR_STYLE:
        record.style = YamlStyle::kDoubleQuoted;
        break;
      case YAML_LITERAL_SCALAR_STYLE:
        record.style = YamlStyle::kLiteral;
        break;
      case YAML_FOLDED_SCALAR_STYLE:
        record.style = YamlStyle::kFolded;
        break;
      default:
        record.style = YamlStyle::kPlain;
    }
    if (style == YAML_LITERAL_SCALAR_STYLE || style == YAML_FOLDED_SCALAR_STYLE) find_block_text(record, place.byte);
    return {};
  }

  /// A block's text begins on the line behind `|`; its indentation is what the file's first non-empty line has more than the text's.
  void find_block_text(Record& record, size_t indicator) const {
    const auto spaces_of_first_line = [](std::string_view lines) -> size_t {
      size_t spaces = 0;
      for (const char c : lines) {
        if (c == ' ') {
          ++spaces;
        } else if (c == '\n' || c == '\r') {
          spaces = 0;
        } else {
          return spaces;
        }
      }
      return spaces;
    };
    size_t line_end = text_.find('\n', indicator);
    if (line_end == std::string_view::npos) line_end = text_.size() - 1;
    const size_t in_file = spaces_of_first_line(text_.substr(line_end + 1));
    const size_t in_text = spaces_of_first_line({record.text, record.text_size});
    record.text_line = record.line + 1;
    record.text_column = static_cast<uint32_t>(in_file > in_text ? in_file - in_text : 0) + 1;
  }

  /// Where the scalar's text lives from now on: in the file where it is spelled so, else in a copy.
  const char* keep(std::string_view value, size_t at) {
    if (value.empty()) return "";
    if (at <= text_.size() && text_.substr(at).starts_with(value)) return text_.data() + at;
    document_.texts_.push_back(std::make_unique_for_overwrite<char[]>(value.size()));
    std::memcpy(document_.texts_.back().get(), value.data(), value.size());
    return document_.texts_.back().get();
  }

  Result<Record*> add(const yaml_event_t& event, YamlKind kind) {
    const Place place = marks_.place(event.start_mark);
    if (document_.values_ >= limits_.values_max) {
      Detail detail("more than ");
      detail.append_number(limits_.values_max).append(" values");
      return fail(error_at(Code::kConfigTooLarge, place, detail.view()));
    }
    const size_t slot = document_.values_ % YamlDocument::kChunkRecords;
    if (slot == 0) document_.chunks_.push_back(std::make_unique<Record[]>(YamlDocument::kChunkRecords));
    Record* record = &document_.chunks_.back()[slot];
    ++document_.values_;
    record->kind = kind;
    record->line = record->text_line = place.line;
    record->column = record->text_column = place.column;
    if (depth_ == 0) {
      document_.root_ = record;
      return record;
    }
    Record* parent = stack_[depth_ - 1];
    if (have_key_) {
      record->key = key_.data();
      record->key_size = static_cast<uint32_t>(key_.size());
      record->key_line = key_place_.line;
      record->key_column = key_place_.column;
      have_key_ = false;
    }
    (parent->last != nullptr ? parent->last->next : parent->first) = record;
    parent->last = record;
    ++parent->size;
    return record;
  }

  std::string_view text_;
  YamlLimits limits_;
  MarkReader marks_;
  YamlDocument document_;
  Record* stack_[kDepthRoom] = {};
  uint32_t depth_ = 0;
  uint32_t documents_ = 0;
  bool have_key_ = false;
  bool open_ = false;
  std::string_view key_;
  Place key_place_;
  yaml_parser_t parser_;
};

YamlKind YamlNode::kind() const { return record_ != nullptr ? record_->kind : YamlKind::kNone; }

bool YamlNode::is_nothing() const {
  return record_ == nullptr || (is_scalar() && is_plain() && (text().empty() || text() == "~"));
}

std::string_view YamlNode::text() const {
  return record_ != nullptr ? std::string_view(record_->text, record_->text_size) : std::string_view();
}

YamlStyle YamlNode::style() const { return record_ != nullptr ? record_->style : YamlStyle::kPlain; }
uint32_t YamlNode::line() const { return record_ != nullptr ? record_->line : 0; }
uint32_t YamlNode::column() const { return record_ != nullptr ? record_->column : 0; }
uint32_t YamlNode::text_line() const { return record_ != nullptr ? record_->text_line : 0; }
uint32_t YamlNode::text_column() const { return record_ != nullptr ? record_->text_column : 0; }

std::string_view YamlNode::key() const {
  return record_ != nullptr ? std::string_view(record_->key, record_->key_size) : std::string_view();
}

uint32_t YamlNode::key_line() const { return record_ != nullptr ? record_->key_line : 0; }
uint32_t YamlNode::key_column() const { return record_ != nullptr ? record_->key_column : 0; }
uint32_t YamlNode::size() const { return record_ != nullptr ? record_->size : 0; }

YamlNode YamlNode::operator[](std::string_view key) const {
  if (!is_map()) return {};
  for (const YamlNode child : *this) {
    if (child.key() == key) return child;
  }
  return {};
}

YamlNode::Iterator YamlNode::begin() const { return Iterator(record_ != nullptr ? record_->first : nullptr); }
YamlNode::Iterator YamlNode::end() const { return Iterator(nullptr); }

Result<YamlDocument> parse_yaml(std::string_view text, const YamlLimits& limits) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  YamlBuilder builder(text, limits);
  return builder.build();
}

}  // namespace weir
