// Lexer: the text of a query -> tokens. Positions are byte offsets; line_and_column() turns them into what people
// count.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace weir::sql {

inline constexpr size_t kQueryBytesMax = 256u << 10;

enum class TokenKind : uint8_t {
  kEnd,
  kWord,  ///< identifier or keyword; `text` as written
  kQuotedWord,  ///< "identifier"; `text` without quotes, "" made one (in Lexer::unquoted)
  kText,  ///< 'text'; `text` without quotes, '' made one
  kNumber,
  kSymbol,  ///< one of ( ) [ ] , . * + - / % = <> != < <= > >= || ;
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  uint32_t offset = 0;
  std::string text;
};

/// Whether `word` equals `keyword` (given in capitals) regardless of ASCII case.
bool is_word(std::string_view word, std::string_view keyword);
bool equal_ignoring_case(std::string_view a, std::string_view b);

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}
  /// The next token; kEnd for ever at the end.
  Result<Token> next();
  /// An error at a byte offset: code, line, column and detail.
  [[nodiscard]] Error error(Code code, uint32_t offset, std::string_view detail) const;
  [[nodiscard]] std::string_view text() const { return text_; }

 private:
  Status skip_blanks();
  Result<Token> quoted(char quote, TokenKind kind);
  Result<Token> number();
  [[nodiscard]] char peek(size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace weir::sql
