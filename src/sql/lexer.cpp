#include "sql/lexer.hpp"

namespace weir::sql {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool starts_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (static_cast<unsigned char>(c) & 0x80) != 0;
}
bool in_word(char c) { return starts_word(c) || is_digit(c) || c == '$'; }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

}  // namespace

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

bool is_word(std::string_view word, std::string_view keyword) { return equal_ignoring_case(word, keyword); }

Error Lexer::error(Code code, uint32_t offset, std::string_view detail) const {
  uint32_t line = 1;
  uint32_t start = 0;
  for (uint32_t i = 0; i < offset && i < text_.size(); ++i) {
    if (text_[i] == '\n') {
      ++line;
      start = i + 1;
    }
  }
  return Error(code, detail).at_line(line, offset - start + 1);
}

Status Lexer::skip_blanks() {
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
      ++at_;
    } else if (c == '-' && peek(1) == '-') {
      while (at_ < text_.size() && text_[at_] != '\n') ++at_;
    } else if (c == '/' && peek(1) == '*') {
      const size_t close = text_.find("*/", at_ + 2);
      if (close == std::string_view::npos) {
        return fail(error(Code::kBadQuery, static_cast<uint32_t>(at_),
                          "expected */ to close this comment, found the end of the query"));
      }
      at_ = close + 2;
    } else {
      break;
    }
  }
  return {};
}

Result<Token> Lexer::quoted(char quote, TokenKind kind) {
  Token token;
  token.kind = kind;
  token.offset = static_cast<uint32_t>(at_);
  for (++at_; at_ < text_.size(); ++at_) {
    if (text_[at_] == quote) {
      if (peek(1) != quote) {
        ++at_;
        if (kind == TokenKind::kQuotedWord && token.text.empty()) {
          return fail(error(Code::kBadQuery, token.offset, "expected a name between the quotes, found nothing"));
        }
        return token;
      }
      ++at_;
    }
    token.text += text_[at_];
  }
  return fail(error(Code::kBadQuery, token.offset,
                    quote == '\'' ? "expected ' to close this text, found the end of the query"
                                  : "expected \" to close this name, found the end of the query"));
}

Result<Token> Lexer::number() {
  Token token;
  token.kind = TokenKind::kNumber;
  token.offset = static_cast<uint32_t>(at_);
  const size_t first = at_;
  while (is_digit(peek())) ++at_;
  if (peek() == '.') {
    ++at_;
    while (is_digit(peek())) ++at_;
  }
  if ((peek() == 'e' || peek() == 'E') &&
      (is_digit(peek(1)) || ((peek(1) == '+' || peek(1) == '-') && is_digit(peek(2))))) {
    at_ += 2;
    while (is_digit(peek())) ++at_;
  }
  if (in_word(peek())) {
    while (in_word(peek())) ++at_;
    const Detail detail = Detail("expected a number, found ").append(text_.substr(first, at_ - first));
    return fail(error(Code::kBadQuery, token.offset, detail.view()));
  }
  token.text = text_.substr(first, at_ - first);
  return token;
}

Result<Token> Lexer::next() {
  WEIR_TRY(skip_blanks());
  Token token;
  token.offset = static_cast<uint32_t>(at_);
  if (at_ >= text_.size()) return token;
  const char c = text_[at_];
  if (c == '\'') return quoted('\'', TokenKind::kText);
  if (c == '"') return quoted('"', TokenKind::kQuotedWord);
  if (is_digit(c) || (c == '.' && is_digit(peek(1)))) return number();
  if (starts_word(c)) {
    const size_t first = at_;
    while (in_word(peek())) ++at_;
    token.kind = TokenKind::kWord;
    token.text = text_.substr(first, at_ - first);
    return token;
  }
  token.kind = TokenKind::kSymbol;
  for (const std::string_view two : {"<>", "!=", "<=", ">=", "||"}) {
    if (text_.substr(at_, 2) == two) {
      token.text = two;
      at_ += 2;
      return token;
    }
  }
  if (std::string_view("()[],.*+-/%=<>;").find(c) != std::string_view::npos) {
    token.text = std::string(1, c);
    ++at_;
    return token;
  }
  if (c == '`') return fail(error(Code::kBadQuery, token.offset, "names are quoted with \", found `"));
  Detail detail("expected an expression or a keyword, found ");
  if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) {
    detail.append("byte ").append_number(static_cast<unsigned char>(c));
  } else {
    detail.append(c);
  }
  return fail(error(Code::kBadQuery, token.offset, detail.view()));
}

}  // namespace weir::sql
