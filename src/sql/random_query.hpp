// For tests: random queries and rows that meet each other often, from a seed.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include "sql/test_batch.hpp"

namespace weir::sql {

class RandomQuery {
 public:
  explicit RandomQuery(uint64_t seed, bool json) : state_(seed * 0x9e3779b97f4a7c15u + 1), json_(json) {}

  uint32_t below(uint32_t n) {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return static_cast<uint32_t>((state_ >> 11) % n);
  }
  std::string pick(std::initializer_list<const char*> words) {
    return words.begin()[below(static_cast<uint32_t>(words.size()))];
  }

  std::string query() {
    std::string text = "SELECT ";
    const uint32_t columns = 1 + below(3);
    for (uint32_t i = 0; i < columns; ++i)
      text += (i != 0 ? ", " : "") + (below(4) == 0 ? condition(2) : value(3)) + " AS c" + std::to_string(i);
    text += " FROM input s";
    if (below(8) != 0) text += " WHERE " + where();
    return text;
  }
  std::string aggregate_query() {
    std::string text = "SELECT COUNT(*)";
    if (below(2) == 0) {
      text += ", SUM(" + column() + "), AVG(" + column() + ")";
      return text + " FROM input s" + (below(2) == 0 ? " WHERE " + where() : "");
    }
    for (uint32_t i = 0, n = 1 + below(3); i < n; ++i)
      text += ", " + pick({"COUNT", "SUM", "AVG", "MIN", "MAX"}) + "(" + value(2) + ")";
    text += " FROM input s";
    if (below(3) != 0) text += " WHERE " + where();
    return text;
  }
  std::string where() {
    std::string text;
    for (uint32_t i = 0, n = 1 + below(3); i < n; ++i) text += (i != 0 ? " AND " : "") + where_part();
    return text;
  }
  std::string where_part() {
    switch (below(4)) {
      case 0:
        return "(" + condition(3) + ")";
      case 1:
        return "(" + simple_condition() + " OR " + simple_condition() +
               (below(2) == 0 ? " OR " + simple_condition() : "") + ")";
      default:
        return simple_condition();
    }
  }
  std::string column() { return pick({"a", "b", "n", "m", "s.n", "\"b\"", "t", "x"}); }
  std::string literal() {
    switch (below(8)) {
      case 0:
        return pick({"'DE'", "''", "'shipped'", "'ship\"ped'", "'a rather long text'", "'FR'", "'x,y'", "'\xc3\xa4'"});
      case 1:
        return pick({"'100'", "'1.50'", "'abc'", "'true'", "'-3'", "'1e3'"});
      case 2:
        return pick({"0", "1", "-3", "100", "99", "9223372036854775807", "7", "2"});
      case 3:
        return pick({"1.5", "100.0", "0.001", "-2.50", "99.99", "1e3", "12345678901234567890.5", "3.00"});
      case 4:
        return pick({"TRUE", "FALSE", "NULL"});
      case 5:
        return pick({"100", "10.5"});
      default:
        return pick({"'DE'", "100", "1.5", "'shipped'"});
    }
  }
  /// What a kernel takes.
  std::string simple_condition() {
    const std::string c = column();
    switch (below(8)) {
      case 0:
        return c + pick({" IS NULL", " IS NOT NULL", " IS MISSING", " IS NOT MISSING"});
      case 1:
        return c + pick({" ", " NOT "}) + "IN (" + literal() + ", " + literal() + ", " + literal() + ")";
      case 2:
        return c + pick({" ", " NOT "}) + "BETWEEN " + literal() + " AND " + literal();
      case 3:
        return c + pick({" ", " NOT "}) + "LIKE " + pattern();
      case 4:
        return literal() + comparison() + c;
      default:
        return c + comparison() + literal();
    }
  }
  std::string pattern() {
    return pick({"'sh%'", "'%ed'", "'%i%p%'", "'DE'", "'_E'", "'%'", "''", "'1%'", "'%\"%'", "'a!%%' ESCAPE '!'",
                 "'__'", "'%_%_'"});
  }
  std::string comparison() { return pick({" = ", " <> ", " < ", " <= ", " > ", " >= ", " = "}); }
  std::string condition(uint32_t depth) {
    if (depth == 0) return simple_condition();
    switch (below(9)) {
      case 0:
        return "(" + condition(depth - 1) + " AND " + condition(depth - 1) + ")";
      case 1:
        return "(" + condition(depth - 1) + " OR " + condition(depth - 1) + ")";
      case 2:
        return "NOT (" + condition(depth - 1) + ")";
      case 3:
        return "(" + value(depth - 1) + comparison() + value(depth - 1) + ")";
      case 4:
        return "(" + value(depth - 1) + " IN (" + value(depth - 1) + ", " + value(depth - 1) + "))";
      case 5:
        return "(" + value(depth - 1) + " BETWEEN " + value(depth - 1) + " AND " + value(depth - 1) + ")";
      case 6:
        return "(" + value(depth - 1) + " LIKE " + pattern() + ")";
      case 7:
        return "(" + value(depth - 1) + " IS NULL)";
      default:
        return simple_condition();
    }
  }
  std::string value(uint32_t depth) {
    if (depth == 0) return below(3) == 0 ? literal() : column();
    const std::string a = value(depth - 1);
    switch (below(16)) {
      case 0:
      case 1:
        return "(" + a + pick({" + ", " - ", " * ", " / ", " % "}) + value(depth - 1) + ")";
      case 2:
        return "-(" + a + ")";
      case 3:
        return "(" + a + " || " + value(depth - 1) + ")";
      case 4:
        return "CAST(" + a + " AS " + pick({"INT", "DECIMAL", "DOUBLE", "TEXT", "BOOL"}) + ")";
      case 5:
        return "CASE WHEN " + condition(depth - 1) + " THEN " + a + " ELSE " + value(depth - 1) + " END";
      case 6:
        return "CASE " + a + " WHEN " + value(depth - 1) + " THEN " + value(depth - 1) + " WHEN 'DE' THEN 1 END";
      case 7:
        return "COALESCE(" + a + ", " + value(depth - 1) + ")";
      case 8:
        return "NULLIF(" + a + ", " + value(depth - 1) + ")";
      case 9:
        return pick({"UPPER(", "LOWER(", "TRIM(", "CHAR_LENGTH("}) + a + ")";
      case 10:
        return "SUBSTRING(" + a + ", " + pick({"1", "2", "-1", "n"}) + pick({"", ", 2", ", 0", ", 100"}) + ")";
      case 11:
        return "TRIM(" + pick({"LEADING ", "TRAILING ", "BOTH "}) + pick({"", "'s' ", "b "}) + "FROM " + a + ")";
      default:
        return a;
    }
  }

  /// A raw field as it would stand in the input.
  std::string field() {
    if (below(12) == 0) return kNoField;
    if (json_) {
      return pick({"\"DE\"",
                   "\"shipped\"",
                   "\"\"",
                   "\"100\"",
                   "100",
                   "1.50",
                   "-3",
                   "true",
                   "false",
                   "null",
                   "{\"k\":1}",
                   "[1,2]",
                   "\"sh\\u0069pped\"",
                   "\"ship\\\"ped\"",
                   "1e400",
                   "1e-3",
                   "123456789012345678901234567890123456789012",
                   "0",
                   "99.99",
                   "\"\\ud83d\\ude00\"",
                   "\"a rather long text\"",
                   "12345678901234567890.5",
                   "7",
                   "\"abc\"",
                   "2.0"});
    }
    return pick({"DE",
                 "FR",
                 "shipped",
                 "\"DE\"",
                 "\"shipped\"",
                 "",
                 "\"\"",
                 "100",
                 "\"100\"",
                 "1.50",
                 "-3",
                 " 42 ",
                 "+7",
                 "99.99",
                 "1e3",
                 "abc",
                 "true",
                 "FALSE",
                 "\"ship\"\"ped\"",
                 "\"x,y\"",
                 "\"1\"\"\"",
                 "12345678901234567890",
                 "123456789012345678901234567890123456789012",
                 ".5",
                 "5.",
                 "0.0010",
                 "a rather long text",
                 "\"a rather long text\"",
                 "\xc3\xa4\xc3\xb6",
                 "00012",
                 "-0.0",
                 "123456.78",
                 "12345678",
                 "1234567.89012345",
                 "9223372036854775807",
                 "\"10\"0",
                 "\"DE\"x",
                 "1.2.3",
                 "-",
                 "."});
  }
  TestBatch batch(uint32_t rows) {
    TestBatch made({"a", "b", "n", "m", "t"}, json_ ? FieldEncoding::kJson : FieldEncoding::kCsv);
    for (uint32_t i = 0; i < rows; ++i) made.add({field(), field(), field(), field(), field()});
    return made;
  }

 private:
  uint64_t state_;
  bool json_;
};

}  // namespace weir::sql
