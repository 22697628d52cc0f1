// For tests: a RecordBatch over given raw fields, resolved as a reader would; and running a program over it.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "record/batch.hpp"
#include "record/field.hpp"
#include "record/projection.hpp"
#include "sql/lexer.hpp"
#include "sql/program.hpp"

namespace weir::sql {

/// A raw field that is not there.
inline const std::string kNoField = std::string("\0missing", 8);

class TestBatch {
 public:
  TestBatch(std::vector<std::string> names, FieldEncoding encoding = FieldEncoding::kCsv, char quote = '"',
            char escape = '"')
      : names_(std::move(names)), encoding_(encoding), quote_(quote), escape_(escape) {}

  void add(std::vector<std::string> fields) { rows_.push_back(std::move(fields)); }
  [[nodiscard]] std::string shown_row(uint32_t row) const {
    std::string text;
    for (const std::string& field : rows_[row]) text += "<" + (field == kNoField ? "missing" : field) + "> ";
    return text;
  }
  [[nodiscard]] uint32_t rows() const { return static_cast<uint32_t>(rows_.size()); }

  /// The batch for a projection; valid until the next call. Nested paths are named `a.b` in `names`.
  const RecordBatch& make(const Projection& projection) {
    window_.clear();
    slices_.clear();
    columns_.clear();
    std::vector<std::vector<Slice>> table(names_.size());
    records_.clear();
    ends_.clear();
    for (const auto& row : rows_) {
      Slice record{static_cast<uint32_t>(window_.size()), 0};
      for (size_t i = 0; i < names_.size(); ++i) {
        Slice slice;
        if (i < row.size() && row[i] != kNoField) {
          slice = {static_cast<uint32_t>(window_.size()), static_cast<uint32_t>(row[i].size())};
          window_ += row[i];
        }
        table[i].push_back(slice);
        window_ += ',';
      }
      record.size = static_cast<uint32_t>(window_.size()) - record.offset;
      records_.push_back(record);
      window_ += '\n';
      ends_.push_back(static_cast<uint32_t>(window_.size()));
    }
    window_ += std::string(64, '~');  // padding that must not matter
    for (const FieldPath& path : projection.paths) columns_.push_back(column(find(path), table));
    batch_ = RecordBatch();
    batch_.all_first = static_cast<uint32_t>(columns_.size());
    if (projection.all) {
      for (size_t i = 0; i < names_.size(); ++i) columns_.push_back(column(static_cast<int>(i), table));
    }
    batch_.base = window_.data();
    batch_.rows = rows();
    batch_.records = records_.data();
    batch_.record_ends = ends_.data();
    batch_.columns = columns_;
    return batch_;
  }

 private:
  Column column(int index, const std::vector<std::vector<Slice>>& table) {
    std::vector<Slice>& slices =
        slices_.emplace_back(index < 0 ? std::vector<Slice>(rows_.size()) : table[static_cast<size_t>(index)]);
    slices.emplace_back();
    return {slices.data(), encoding_, quote_, escape_};
  }
  int find(const FieldPath& path) const {
    if (path.ordinal >= 0) return path.ordinal < static_cast<int>(names_.size()) ? path.ordinal : -1;
    std::string dotted;
    for (const PathStep& step : path.steps) {
      if (step.index >= 0) {
        dotted += '[' + std::to_string(step.index) + ']';
      } else {
        dotted += (dotted.empty() ? "" : ".") + std::string(step.name);
      }
    }
    for (size_t i = 0; i < names_.size(); ++i) {
      if (names_[i] == dotted) return static_cast<int>(i);
    }
    for (size_t i = 0; i < names_.size(); ++i) {
      if (!path.case_sensitive && equal_ignoring_case(names_[i], dotted)) return static_cast<int>(i);
    }
    return -1;
  }

  std::vector<std::string> names_;
  FieldEncoding encoding_;
  char quote_;
  char escape_;
  std::vector<std::vector<std::string>> rows_;
  std::string window_;
  std::deque<std::vector<Slice>> slices_;
  std::vector<Column> columns_;
  std::vector<Slice> records_;
  std::vector<uint32_t> ends_;
  RecordBatch batch_;
};

/// A compiled query with its memory.
struct TestProgram {
  CompiledQuery compiled;
  std::vector<char> room;

  Program& operator*() { return *compiled.program; }
  Program* operator->() { return compiled.program.get(); }
};

inline Result<TestProgram> compile_test(std::string_view text, const QueryOptions& options = {}) {
  Result<CompiledQuery> compiled = compile_query(text, options);
  if (!compiled) return fail(compiled.error());
  TestProgram program;
  program.compiled = std::move(*compiled);
  program.room.resize(program_memory_max(*program));
  attach_program_memory(*program, program.room);
  return program;
}

/// A value as the writers would give it: NULL, true, 1.20, 'text', {"json":1}.
inline std::string shown(const Value& value) {
  char digits[kNumberTextMax];
  switch (value.type) {
    case Type::kNull:
      return "NULL";
    case Type::kBool:
      return value.boolean ? "true" : "false";
    case Type::kText:
      return "'" + std::string(value.view()) + "'";
    case Type::kJson:
    case Type::kBytes:
      return std::string(value.view());
    default:
      break;
  }
  if (value.has_lexeme) return {value.lexeme, value.size};
  return {digits, format_number(value, digits)};
}

/// What became of each row: its output columns, `-` filtered, `!2401` error.
inline std::vector<std::string> fates(TestProgram& program, TestBatch& input) {
  const RecordBatch& batch = input.make(program->projection());
  std::vector<std::string> fate(batch.rows, "-");
  std::vector<uint16_t> selected(kRowsMax);
  std::vector<RowError> errors(kRowsMax);
  uint32_t selected_count = 0;
  uint32_t error_count = 0;
  const auto note_errors = [&] {
    for (uint32_t i = 0; i < error_count; ++i)
      fate[errors[i].row] = "!" + std::to_string(static_cast<int>(errors[i].code));
  };
  program->filter(batch, {0, batch.rows}, selected.data(), selected_count, errors.data(), error_count);
  note_errors();
  const std::span<const uint16_t> rows(selected.data(), selected_count);
  if (program->has_aggregates()) {
    for (const uint16_t row : rows) fate[row] = "folded";
    program->fold(batch, rows, errors.data(), error_count);
    note_errors();
    return fate;
  }
  for (size_t done = 0; done < rows.size();) {
    ComputedRows computed;
    const uint32_t taken = program->project(batch, rows.subspan(done), computed, errors.data(), error_count);
    for (uint32_t i = 0; i < taken; ++i) {
      std::string text;
      const uint16_t row = rows[done + i];
      bool bad = false;
      for (uint32_t e = 0; e < error_count; ++e) bad = bad || errors[e].row == row;
      for (size_t c = 0; c < program->output().size() && !bad; ++c) {
        if (c != 0) text += '|';
        const OutputColumn& column = program->output()[c];
        if (column.star) {
          text += '*';
        } else if (column.field >= 0) {
          const Column& field = batch.columns[static_cast<size_t>(column.field)];
          text += field.slices[row].missing() ? "NULL" : std::string(batch.field(field, row));
        } else {
          text += shown(computed.values[static_cast<size_t>(program->computed_index(c)) * computed.stride + i]);
        }
      }
      fate[row] = text;
    }
    note_errors();
    done += taken;
  }
  return fate;
}

}  // namespace weir::sql
