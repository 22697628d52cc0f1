// Weir for C++20 and later: records and batches of inputs of any size as input ranges, in memory of known size.
//
//   weir::Options options{.query = "SELECT id, amount FROM input WHERE amount > 100"};
//   for (auto& batch : weir::open("orders.csv.gz", options).batches({.records = 500})) {
//     for (auto record : batch) send(record["id"].text(), record["amount"].as_double());
//   }
//
// Memory. open() adds up the worst case of everything it will hold and throws (exit 21) when that is more than
// Options::memory; nothing is read then. What it holds is taken in one piece when the first range is made, and nothing
// after: not per record, not per batch. A batch lives in one arena of fixed size, which is dropped as a whole and used
// again when the next batch is asked for.
//
// Lifetimes. A Record and its Values are views: of a batch, until the next batch is asked for; of records(), until the
// iterator moves on. Copy what must live longer. The ranges keep their stream alive.
//
// Laziness. Nothing is read before a record is asked for, and of a record nothing is given a fate before it was.
// Whoever leaves a loop early leaves the rest unread.
//
// Errors. Everything throws weir::Error and nothing else, but for what your own functions throw: that reaches you as it
// is. What came before in the same batch is handed out first. After the exception the stream is closed and its ranges
// are at their end.
//
// Threads. A stream belongs to one thread at a time; several streams may run in several threads. Weir installs no
// signal handler, starts no thread, replaces no allocator and writes to no terminal. A pipeline that writes to `stdout`
// or `exec` writes to pipes: whoever runs one ignores SIGPIPE.
#pragma once

#include <charconv>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <optional>
#include <ranges>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

// The names are of weir::face, so that those of the engine inside of the library never meet them; users write
// weir::Stream.
namespace weir::face {
class Core;
struct PackedRecord;
struct ErrorState;

/// Where a number is not known.
inline constexpr std::uint64_t kUnknown = ~std::uint64_t{0};

// --- errors ----------------------------------------------------------------------------------------------------------

class Error : public std::exception {
 public:
  /// One line: code, message, detail, place and hint.
  const char* what() const noexcept override;
  /// Stable: "W3009". docs/messages.md lists all of them.
  std::string_view code() const noexcept;
  /// What to do about it, as the exit code of `weir` would say: 20 configuration, 21 budget, 30 damaged input, 40
  /// outside unavailable ...
  int exit() const noexcept;
  std::string_view message() const noexcept;  ///< of the code, constant
  std::string_view detail() const noexcept;  ///< of this case; may be empty
  std::string_view hint() const noexcept;  ///< may be empty
  std::string_view source() const noexcept;  ///< the input's name; may be empty
  std::uint64_t byte() const noexcept;  ///< offset in the decompressed input (in the stored one for W300x), or kUnknown
  std::uint64_t record() const noexcept;  ///< number in its input, from 0, or kUnknown
  std::uint32_t line() const noexcept;  ///< in a pipeline file or query, from 1; 0: not from one
  std::uint32_t column() const noexcept;

  explicit Error(std::shared_ptr<const ErrorState> state) noexcept : state_(std::move(state)) {}

 private:
  std::shared_ptr<const ErrorState> state_;
};

// --- values and records ----------------------------------------------------------------------------------------------

enum class Kind : std::uint8_t {
  kNull,
  kBool,  ///< text: true, false
  kInteger,  ///< fits std::int64_t
  kDecimal,  ///< exact, up to 38 digits
  kReal,  ///< a double, or a number without an exact value here
  kText,  ///< every field of CSV and lines; JSON strings, unescaped
  kJson,  ///< an object or array as it stands in the input
  kBytes,  ///< of blocks and files
};

/// A field's value: a kind and a text. A view; trivially copyable.
class Value {
 public:
  Value() = default;
  Value(Kind kind, std::string_view text) : text_(text), kind_(kind) {}

  [[nodiscard]] Kind kind() const noexcept { return kind_; }
  [[nodiscard]] bool is_null() const noexcept { return kind_ == Kind::kNull; }
  /// Text as it is; a number as it is spelled; raw JSON of objects and arrays; empty for null.
  [[nodiscard]] std::string_view text() const noexcept { return text_; }
  [[nodiscard]] std::string str() const { return std::string(text_); }

  /// The text read as a number, exactly: "12", "1e3", "12.00" are integers. Throw W2401 (not a number, null) and W2402
  /// (out of range).
  [[nodiscard]] std::int64_t as_int() const;
  [[nodiscard]] double as_double() const;
  /// The number's own spelling, when it is an exact one (W2401 otherwise): for a decimal library.
  [[nodiscard]] std::string_view as_decimal() const;
  /// true or false, of a bool or of such a text. Throws W2401.
  [[nodiscard]] bool as_bool() const;
  [[nodiscard]] std::optional<std::int64_t> try_int() const noexcept;
  [[nodiscard]] std::optional<double> try_double() const noexcept;

  /// Not null, and this text.
  friend bool operator==(const Value& value, std::string_view text) noexcept {
    return !value.is_null() && value.text_ == text;
  }

 private:
  std::string_view text_;
  Kind kind_ = Kind::kNull;
};

/// Where a record begins.
struct Position {
  std::string_view source;  ///< the input's name; valid as long as the stream
  std::uint64_t byte = 0;  ///< offset in the decompressed input
  std::uint64_t record = 0;  ///< records before it in its input, good and bad
};

/// A record: fields in order, with names. A view, trivially copyable; see the file's head for how long it is valid.
class Record {
 public:
  [[nodiscard]] std::size_t size() const noexcept;
  /// Throws W2011 when there is no such field.
  [[nodiscard]] Value operator[](std::size_t index) const;
  /// By its exact name; of duplicates the last. Where the input or the query fixes the names an unknown one throws
  /// W2011; a JSON record that brings its own names (SELECT *) and lacks it gives null.
  [[nodiscard]] Value operator[](std::string_view name) const;
  [[nodiscard]] std::optional<Value> find(std::string_view name) const noexcept;
  [[nodiscard]] bool contains(std::string_view name) const noexcept { return find(name).has_value(); }
  [[nodiscard]] std::string_view name(std::size_t index) const;
  [[nodiscard]] std::string_view text(std::size_t index) const { return (*this)[index].text(); }
  [[nodiscard]] bool is_null(std::size_t index) const { return (*this)[index].is_null(); }
  /// A random access range of std::string_view.
  [[nodiscard]] auto names() const {
    return std::views::iota(std::size_t{0}, size()) |
           std::views::transform([record = *this](std::size_t i) { return record.name(i); });
  }
  [[nodiscard]] Position position() const noexcept;
  /// Appends the record as one JSON object on one line, without a line feed. Throws W2206 when a text is not UTF-8;
  /// nothing is appended then.
  void append_json(std::string& out) const;

 private:
  friend class Core;
  friend class Batch;
  friend class Emitter;
  friend class Records;
  explicit Record(const PackedRecord* packed) : packed_(packed) {}
  const PackedRecord* packed_;
};

/// Records in one arena: a forward range of Record.
class Batch {
 public:
  class Iterator {
   public:
    using value_type = Record;
    using difference_type = std::ptrdiff_t;
    using iterator_concept = std::forward_iterator_tag;
    using iterator_category = std::input_iterator_tag;
    Iterator() = default;
    Record operator*() const { return Record(at_); }
    Iterator& operator++();
    Iterator operator++(int) {
      Iterator before = *this;
      ++*this;
      return before;
    }
    friend bool operator==(const Iterator&, const Iterator&) = default;

   private:
    friend class Batch;
    explicit Iterator(const PackedRecord* at) : at_(at) {}
    const PackedRecord* at_ = nullptr;
  };

  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;

  [[nodiscard]] Iterator begin() const noexcept { return Iterator(begin_); }
  [[nodiscard]] Iterator end() const noexcept { return Iterator(end_); }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  /// Bytes of the arena that its records take.
  [[nodiscard]] std::size_t bytes() const noexcept;
  /// Number of this batch, from 0.
  [[nodiscard]] std::uint64_t number() const noexcept { return number_; }
  /// Where its first record stands: what was before has its fate in earlier batches.
  [[nodiscard]] Position first() const noexcept { return (*begin()).position(); }
  /// Appends all records as lines of JSON. Throws as Record::append_json.
  void append_ndjson(std::string& out) const;

 private:
  friend class Core;
  Batch() = default;
  const PackedRecord* begin_ = nullptr;
  const PackedRecord* end_ = nullptr;
  std::size_t size_ = 0;
  std::uint64_t number_ = 0;
};

// --- user functions --------------------------------------------------------------------------------------------------

/// A field of a record that a function of yours makes. Views of name and text: valid through the call they are passed
/// to.
class Field {
 public:
  Field(std::string_view name, Value value) : name_(name), text_(value.text()), kind_(value.kind()) {}
  Field(std::string_view name, std::string_view text) : name_(name), text_(text), kind_(Kind::kText) {}
  Field(std::string_view name, const std::string& text) : Field(name, std::string_view(text)) {}
  Field(std::string_view name, const char* text) : Field(name, std::string_view(text)) {}
  Field(std::string_view name, std::nullptr_t) : name_(name) {}
  Field(std::string_view name, bool value) : name_(name), text_(value ? "true" : "false"), kind_(Kind::kBool) {}
  template <std::integral T>
    requires(!std::same_as<T, bool> && !std::same_as<T, char>)
  Field(std::string_view name, T number) : name_(name), kind_(Kind::kInteger) {
    digits_ = static_cast<std::uint8_t>(std::to_chars(number_, number_ + sizeof number_, number).ptr - number_);
  }
  /// The shortest text that reads back the same. Throws W2407 for NaN and infinity.
  Field(std::string_view name, double number);

  [[nodiscard]] std::string_view name() const noexcept { return name_; }
  [[nodiscard]] Value value() const noexcept {
    return {kind_, digits_ != 0 ? std::string_view(number_, digits_) : text_};
  }

 private:
  std::string_view name_;
  std::string_view text_;
  Kind kind_ = Kind::kNull;
  std::uint8_t digits_ = 0;
  char number_[32];
};

/// Where a transform puts what becomes of a record: any number of records, none, or a reject. All records of one call
/// must fit the arena together.
class Emitter {
 public:
  /// The record as it is.
  void emit(const Record& record);
  /// The record with these fields in place of its own of the same name, new names behind.
  void emit(const Record& record, std::initializer_list<Field> changed) {
    emit(record, std::span(changed.begin(), changed.size()));
  }
  void emit(const Record& record, std::span<const Field> changed);
  /// A new record.
  void emit(std::initializer_list<Field> fields) { emit(std::span(fields.begin(), fields.size())); }
  void emit(std::span<const Field> fields);
  /// The input record is bad: it goes to the rejects as W2408, or, without rejects, stops the stream. What was emitted
  /// of it is dropped.
  void reject();

  Emitter(const Emitter&) = delete;
  Emitter& operator=(const Emitter&) = delete;

 private:
  friend class Core;
  Emitter(Core& core, std::size_t next) : core_(core), next_(next) {}
  Core& core_;
  std::size_t next_;
};

// --- streams ---------------------------------------------------------------------------------------------------------

struct Options {
  /// Bytes that the stream may hold, all told. 0: 48 MiB.
  std::uint64_t memory = 0;
  /// SQL, see docs/query.md. Empty: SELECT * FROM input.
  std::string query = {};
  /// csv, tsv, ndjson, json, lines, blocks, file. Empty: told from the name and the first bytes.
  std::string format = {};
  /// Where bad records go, as NDJSON. Empty: the first one is an Error.
  std::string rejects = {};
  /// From open() on; then W1101. Zero: none.
  std::chrono::nanoseconds deadline{0};
  /// Any setting of a pipeline file (docs/pipeline_file.md): "input.header=false", "input.record_max=4MiB".
  std::vector<std::string> set = {};
};

struct BatchOptions {
  /// A batch ends at this many records; 0: no limit.
  std::size_t records = 1000;
  /// The arena's size in bytes; a batch ends before the record that does not fit any more. With a transform the stream
  /// holds it twice.
  std::size_t bytes = 1u << 20;
};

/// The law: read == delivered + folded + filtered + rejected. What was not read is none of these.
struct Counts {
  std::uint64_t read = 0;
  std::uint64_t delivered = 0;  ///< given to you, or to a transform that emitted something
  std::uint64_t folded = 0;  ///< into an aggregate of the query
  std::uint64_t filtered = 0;  ///< by the query, by a filter, or by a transform that emitted nothing
  std::uint64_t rejected = 0;
  std::uint64_t emitted =
      0;  ///< records in batches: differs from `delivered` with transforms, and by the row of an aggregate
  std::uint64_t batches = 0;
  std::uint64_t stored_bytes = 0;  ///< read from the inputs
  std::uint64_t decoded_bytes = 0;  ///< after decompression
};

/// An input range of Record; a view. One pass.
class Records : public std::ranges::view_interface<Records> {
 public:
  class Iterator {
   public:
    using value_type = Record;
    using difference_type = std::ptrdiff_t;
    using iterator_concept = std::input_iterator_tag;
    Iterator() = default;
    Record operator*() const { return Records::current(*core_); }
    /// Drops the record. The next one is read when it is looked for.
    Iterator& operator++() {
      Records::advance(*core_);
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const Iterator& it, std::default_sentinel_t) { return it.done(); }

   private:
    friend class Records;
    bool done() const { return Records::at_end(*core_); }
    explicit Iterator(Core* core) : core_(core) {}
    Core* core_ = nullptr;
  };

  Iterator begin() const { return Iterator(core_.get()); }
  std::default_sentinel_t end() const noexcept { return {}; }

 private:
  friend class Stream;
  explicit Records(std::shared_ptr<Core> core) : core_(std::move(core)) {}
  static Record current(Core& core);
  static void advance(Core& core);
  static bool at_end(Core& core);
  std::shared_ptr<Core> core_;
};

/// An input range of Batch&; a view. One pass. Batches are never empty.
class Batches : public std::ranges::view_interface<Batches> {
 public:
  class Iterator {
   public:
    using value_type = Batch;
    using difference_type = std::ptrdiff_t;
    using iterator_concept = std::input_iterator_tag;
    Iterator() = default;
    Batch& operator*() const { return Batches::current(*core_); }
    Batch* operator->() const { return &Batches::current(*core_); }
    /// Drops the batch with all its records. The next one is read when it is looked for.
    Iterator& operator++() {
      Batches::advance(*core_);
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const Iterator& it, std::default_sentinel_t) { return it.done(); }

   private:
    friend class Batches;
    bool done() const { return Batches::at_end(*core_); }
    explicit Iterator(Core* core) : core_(core) {}
    Core* core_ = nullptr;
  };

  Iterator begin() const { return Iterator(core_.get()); }
  std::default_sentinel_t end() const noexcept { return {}; }

 private:
  friend class Stream;
  explicit Batches(std::shared_ptr<Core> core) : core_(std::move(core)) {}
  static Batch& current(Core& core);
  static void advance(Core& core);
  static bool at_end(Core& core);
  std::shared_ptr<Core> core_;
};

/// One pass over inputs. Operators first, then one range. Movable.
class Stream {
 public:
  using Filter = std::function<bool(const Record&)>;
  using Transform = std::function<void(const Record&, Emitter&)>;

  Stream(Stream&&) noexcept = default;
  Stream& operator=(Stream&&) noexcept = default;

  /// Keeps the records for which `keep` is true. Operators run in the order in which they were added, behind the query,
  /// once a record.
  Stream& filter(Filter keep) &;
  Stream&& filter(Filter keep) && { return std::move(filter(std::move(keep))); }
  /// What `function` emits takes the record's place.
  Stream& transform(Transform function) &;
  Stream&& transform(Transform function) && { return std::move(transform(std::move(function))); }

  /// One record after the other. `bytes`: room for one record as it is held (its texts and 12 bytes a field, 20 with
  /// names of its own); 0: record_max and 128 KiB.
  [[nodiscard]] Records records(std::size_t bytes = 0);
  [[nodiscard]] Batches batches(BatchOptions options = {});

  /// Names of the fields; reads the header. Empty where records bring their own. Behind records() or batches().
  [[nodiscard]] std::vector<std::string> names();
  [[nodiscard]] Counts counts() const noexcept;
  /// What the stream holds at most, and a line for each part of it.
  [[nodiscard]] std::uint64_t memory() const noexcept;
  [[nodiscard]] std::string plan() const;

  /// Ends the pass early and in order: the rejects so far are published. Without it, a stream that was not read to its
  /// end leaves them as a `.part` file. Reading to the end closes by itself.
  void close();

 private:
  friend Stream open(std::span<const std::string> inputs, const Options& options);
  explicit Stream(std::shared_ptr<Core> core) : core_(std::move(core)) {}
  std::shared_ptr<Core> core_;
};

/// Inputs: paths, patterns (`*`, `?`) or "stdin", read one after the other. Looks at their first bytes, compiles the
/// query and plans the memory.
[[nodiscard]] Stream open(std::span<const std::string> inputs, const Options& options = {});
[[nodiscard]] inline Stream open(std::string_view input, const Options& options = {}) {
  const std::string text(input);
  return open(std::span(&text, 1), options);
}

// --- whole pipelines -------------------------------------------------------------------------------------------------

struct Summary {
  std::string status;  ///< done, done_with_rejects, limit_reached, reader_gone, already_there
  Counts counts;  ///< `delivered`: written to the output
  std::uint64_t output_bytes = 0;  ///< before compression
  std::uint64_t sent_bytes = 0;  ///< to the output, after compression
};

/// Runs a pipeline file in this process, as `weir run` does: `pipeline` is its path, or its text when it has a line
/// feed. `sets` are as for `weir run --set`. `memory` counts what Weir holds, not the process. Throws Error when it
/// does not end well; W2001... name every mistake of the file.
Summary run(std::string_view pipeline, std::span<const std::string> sets = {});
inline Summary run(std::string_view pipeline, std::initializer_list<std::string> sets) {
  return run(pipeline, std::span(sets.begin(), sets.size()));
}

/// "0.1.0"
std::string_view version() noexcept;

}  // namespace weir::face

#ifndef WEIR_FACE_SOURCE
namespace weir {
using namespace face;
}  // namespace weir
#endif
