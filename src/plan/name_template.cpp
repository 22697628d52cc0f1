#include "plan/name_template.hpp"

#include <cstring>

#include "base/nearest_word.hpp"
#include "plan/units.hpp"

namespace weir {

namespace {
Error template_error(size_t at, std::string_view detail) {
  Error error(Code::kBadTemplate, detail);
  error.at_line(1, static_cast<uint32_t>(at + 1));
  return error;
}

std::string_view folder_of(std::string_view path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return {};
  return slash == 0 ? path.substr(0, 1) : path.substr(0, slash);
}

/// Writes into a room of fixed size; what does not fit is remembered.
class Rendering {
 public:
  explicit Rendering(std::span<char> room) : room_(room) {}

  void raw(std::string_view text) {
    if (text.size() > room_.size() - size_) {
      full_ = true;
      return;
    }
    if (!text.empty()) std::memcpy(room_.data() + size_, text.data(), text.size());
    size_ += text.size();
  }

  /// Braces that were doubled are written once.
  void literal(std::string_view text) {
    for (size_t i = 0; i < text.size(); ++i) {
      raw(text.substr(i, 1));
      if ((text[i] == '{' || text[i] == '}') && i + 1 < text.size() && text[i + 1] == text[i]) ++i;
    }
  }

  /// One part of a name: no slash, no control characters, not dots alone.
  void part(std::string_view text) {
    const bool dots = text.find_first_not_of('.') == std::string_view::npos;
    for (const char c : text) {
      const bool bad = dots || c == '/' || static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
      raw(bad ? std::string_view("_") : std::string_view(&c, 1));
    }
    if (text.empty()) raw("_");
  }

  void path(std::string_view text) {
    bool any = false;
    while (!text.empty()) {
      const size_t slash = text.find('/');
      const std::string_view first = text.substr(0, slash);
      text = slash == std::string_view::npos ? std::string_view() : text.substr(slash + 1);
      if (first.empty() || first == ".") continue;
      if (any) raw("/");
      part(first);
      any = true;
    }
    if (!any) raw("_");
  }

  void number(uint64_t value) {
    FixedText<24> digits;
    digits.append_number(value);
    for (size_t i = digits.view().size(); i < 6; ++i) raw("0");
    raw(digits.view());
  }

  [[nodiscard]] bool full() const { return full_; }
  [[nodiscard]] std::string_view view() const { return {room_.data(), size_}; }

 private:
  std::span<char> room_;
  size_t size_ = 0;
  bool full_ = false;
};
}  // namespace

std::string_view input_stem(std::string_view path) {
  const size_t slash = path.rfind('/');
  if (slash != std::string_view::npos) path = path.substr(slash + 1);
  for (const std::string_view ending : {".gz", ".gzip", ".zst", ".zstd"}) {
    if (path.size() > ending.size() && path.ends_with(ending)) {
      path.remove_suffix(ending.size());
      break;
    }
  }
  const size_t dot = path.rfind('.');
  return dot == std::string_view::npos || dot == 0 ? path : path.substr(0, dot);
}

namespace {

/// Of s3://bucket/key the key; a path is one as it is.
std::string_view key_of(std::string_view input) {
  constexpr std::string_view kScheme = "s3://";
  if (!input.starts_with(kScheme)) return input;
  const size_t slash = input.find('/', kScheme.size());
  return slash == std::string_view::npos ? input : input.substr(slash + 1);
}

}  // namespace

Error NameTemplate::unknown_placeholder(std::string_view name, size_t at) {
  for (const std::string_view later : {"input.bucket", "input.etag8", "date:"}) {
    if (name != later && !(later == "date:" && name.starts_with(later))) continue;
    Error error(Code::kNotYet);
    error.detail.append("the placeholder {").append(name.substr(0, 40)).append("}");
    return error.at_line(1, static_cast<uint32_t>(at + 1));
  }
  constexpr std::string_view kNames[] = {"input.stem", "input.dir", "input.key", "batch", "part"};
  Detail detail("unknown placeholder {");
  detail.append(name.substr(0, 40)).append("}; ");
  const std::string_view nearest = nearest_word(name, kNames);
  if (!nearest.empty()) {
    detail.append("did you mean {").append(nearest).append("}?");
  } else {
    detail.append("there are {input.stem}, {input.dir}, {input.key}, {batch} and {part}; write {{ for a brace");
  }
  return template_error(at, detail.view());
}

Status NameTemplate::add(Kind kind, std::string_view text, size_t at) {
  if (parts_count_ == kPartsMax) return fail(template_error(at, "too many placeholders"));
  parts_[parts_count_++] = {text, kind};
  uses_batch_ = uses_batch_ || kind == Kind::kBatch;
  uses_part_ = uses_part_ || kind == Kind::kPart;
  uses_input_ = uses_input_ || (kind != Kind::kBatch && kind != Kind::kPart && kind != Kind::kText);
  if (uses_batch_ && uses_part_) return fail(template_error(at, "{batch} and {part} can't both be there"));
  return {};
}

Result<NameTemplate> NameTemplate::parse(std::string_view text) {
  NameTemplate result;
  if (text.size() > kBytesMax) return fail(template_error(0, "the name is longer than 4096 bytes"));
  if (const size_t nul = text.find('\0'); nul != std::string_view::npos) {
    return fail(template_error(nul, "a name can't hold a NUL byte"));
  }
  size_t literal = 0;  // begin of the text not yet made a part
  for (size_t i = 0; i < text.size();) {
    if (text[i] != '{') {
      ++i;
      continue;
    }
    if (i + 1 < text.size() && text[i + 1] == '{') {
      i += 2;
      continue;
    }
    if (i > literal) WEIR_TRY(result.add(Kind::kText, text.substr(literal, i - literal), literal));
    const size_t close = text.find('}', i);
    if (close == std::string_view::npos)
      return fail(template_error(i, "a placeholder is not closed; write {{ for a brace"));
    const std::string_view name = text.substr(i + 1, close - i - 1);
    if (name == "input.stem") {
      WEIR_TRY(result.add(Kind::kStem, {}, i));
    } else if (name == "input.dir") {
      WEIR_TRY(result.add(Kind::kDir, {}, i));
    } else if (name == "input.key") {
      WEIR_TRY(result.add(Kind::kKey, {}, i));
    } else if (name == "batch" || name == "part") {
      WEIR_TRY(result.add(name == "part" ? Kind::kPart : Kind::kBatch, {}, i));
    } else {
      return fail(unknown_placeholder(name, i));
    }
    literal = i = close + 1;
  }
  if (literal < text.size()) WEIR_TRY(result.add(Kind::kText, text.substr(literal), literal));
  return result;
}

Result<std::string_view> NameTemplate::render(const NameValues& values, std::span<char> room) const {
  if (uses_input_ && values.input.empty())
    return fail(Code::kBadTemplate, "{input...} needs an input with a name; stdin has none");
  if (values.input_folder_is_trusted && values.input.find('\0') != std::string_view::npos) {
    return fail(Code::kBadTemplate, "an input's name holds a NUL byte");
  }
  Rendering out(room.first(room.size() < kBytesMax ? room.size() : kBytesMax));
  for (size_t i = 0; i < parts_count_; ++i) {
    const Part& part = parts_[i];
    const bool whole = i == 0 && values.input_folder_is_trusted;
    switch (part.kind) {
      case Kind::kText:
        out.literal(part.text);
        break;
      case Kind::kStem:
        out.part(input_stem(values.input));
        break;
      case Kind::kBatch:
      case Kind::kPart:
        out.number(values.batch);
        break;
      case Kind::kDir: {
        const std::string_view folder = folder_of(whole ? values.input : key_of(values.input));
        if (folder.empty() || (folder == "/" && !whole)) {
          // "." alone between slashes; beside other text it could make "..".
          const bool begins = out.view().empty() || out.view().ends_with('/');
          const bool ends = i + 1 == parts_count_ || parts_[i + 1].text.starts_with('/');
          out.raw(begins && ends ? "." : "_");
        } else if (whole) {
          out.raw(folder);
        } else {
          out.path(folder);
        }
        break;
      }
      case Kind::kKey:
        if (whole) {
          out.raw(values.input);
        } else {
          out.path(key_of(values.input));
        }
        break;
    }
  }
  if (out.full()) return fail(Code::kBadTemplate, "the name made from it is too long");
  return out.view();
}

}  // namespace weir
