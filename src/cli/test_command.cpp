// `weir test`: runs the cases of case files, each as a `weir run` of its own in a folder of its own.
//
// Memory: a process for each case file and each case does the reading and comparing and takes its memory with it, so that
// this one holds nothing. The run itself is the binary anew (exec), with the whole budget and its own laws.
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/commands.hpp"
#include "cli/test_case.hpp"
#include "codec/codec.hpp"
#include "io/file.hpp"
#include "report/printer.hpp"

namespace weir {
namespace {

constexpr int kCasesFailed = 1;  ///< the exit of `weir test`: not a run's, but a test runner's
constexpr int kCaseDiffers = 1;  ///< of a case's process
constexpr unsigned kSecondsMax = 60;
constexpr size_t kDecodedMax = 256u << 20;
constexpr size_t kShownMax = 120;

/// Pages of the system, given back at the end.
class Pages {
 public:
  Pages() = default;
  ~Pages() {
    if (data_ != nullptr) munmap(data_, size_);
  }
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;

  /// False: there is no such file, or it can't be read.
  bool map_file(const char* path) {
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return false;
    struct stat info{};
    const bool good = fstat(file, &info) == 0 && S_ISREG(info.st_mode) && map(static_cast<size_t>(info.st_size), file);
    close(file);
    return good;
  }
  bool map_room(size_t size) { return map(size, -1); }
  [[nodiscard]] std::string_view view() const { return {data_, size_}; }
  [[nodiscard]] char* data() const { return data_; }

 private:
  bool map(size_t size, int file) {
    if (size == 0) return true;
    const int flags = MAP_PRIVATE | (file < 0 ? MAP_ANONYMOUS | MAP_NORESERVE : 0);
    void* const pages = mmap(nullptr, size, file < 0 ? PROT_READ | PROT_WRITE : PROT_READ, flags, file, 0);
    if (pages == MAP_FAILED) return false;
    data_ = static_cast<char*>(pages);
    size_ = size;
    return true;
  }
  char* data_ = nullptr;
  size_t size_ = 0;
};

int remove_one(const char* path, const struct stat*, int, FTW*) { return remove(path); }

/// A folder for one case; `run/` in it is where the run stands.
class CaseFolder {
 public:
  CaseFolder() {
    const char* const parent = getenv("TMPDIR");
    path_ = std::string(parent != nullptr && *parent != 0 ? parent : "/tmp") + "/weir-test-XXXXXX";
    good_ = mkdtemp(path_.data()) != nullptr && mkdir((path_ + "/run").c_str(), 0700) == 0;
  }
  ~CaseFolder() {
    constexpr int kFilesOpenMax = 16;
    if (good_) nftw(path_.c_str(), remove_one, kFilesOpenMax, FTW_DEPTH | FTW_PHYS);
  }
  CaseFolder(const CaseFolder&) = delete;
  CaseFolder& operator=(const CaseFolder&) = delete;
  [[nodiscard]] bool good() const { return good_; }
  [[nodiscard]] std::string in(std::string_view name) const { return path_ + "/" + std::string(name); }
  [[nodiscard]] std::string in_run(std::string_view name) const { return path_ + "/run/" + std::string(name); }

 private:
  std::string path_;
  bool good_ = false;
};

/// A piece of bytes as one readable line.
std::string shown(std::string_view bytes) {
  std::string out = "\"";
  for (const char c : bytes.substr(0, kShownMax)) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n')
      out += "\\n";
    else if (c == '\r')
      out += "\\r";
    else if (c == '\t')
      out += "\\t";
    else if (c == '"' || c == '\\')
      out.append("\\").append(1, c);
    else if (byte < 0x20 || byte == 0x7f)
      out.append("\\x").append(1, "0123456789abcdef"[byte >> 4]).append(1, "0123456789abcdef"[byte & 15]);
    else
      out += c;
  }
  return out + (bytes.size() > kShownMax ? "\"..." : "\"");
}

/// The value of a member of a JSON line: inner quotes are escaped there, so `"key":` is a key.
std::optional<std::string> member_of(std::string_view line, std::string_view key) {
  const std::string wanted = "\"" + std::string(key) + "\":";
  size_t at = line.find(wanted);
  if (at == std::string_view::npos) return std::nullopt;
  at += wanted.size();
  std::string out;
  if (at < line.size() && line[at] == '"') {
    for (++at; at < line.size() && line[at] != '"'; ++at) {
      if (line[at] != '\\' || at + 1 == line.size()) {
        out += line[at];
      } else if (line[++at] == 'u' && at + 4 < line.size()) {
        out += static_cast<char>(std::strtoul(std::string(line.substr(at + 1, 4)).c_str(), nullptr, 16));
        at += 4;
      } else {
        out += line[at] == 'n' ? '\n' : line[at] == 't' ? '\t' : line[at] == 'r' ? '\r' : line[at];
      }
    }
    return out;
  }
  while (at < line.size() && line[at] != ',' && line[at] != '}') out += line[at++];
  return out;
}

std::string without_escapes(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size() && (text[i + 1] == '"' || text[i + 1] == '\\')) ++i;
    out += text[i];
  }
  return out;
}

/// Decodes the whole of `stored` into `room`.
bool decode_all(Codec codec, std::string_view stored, Pages& state, Pages& room, std::string_view& decoded) {
  const DecoderLimits limits;
  if (!state.map_room(decoder_memory_max(codec, limits)) || !room.map_room(kDecodedMax)) return false;
  Decoder* const decoder = make_decoder(codec, limits, {state.data(), state.view().size()});
  decoder->reset();
  size_t used = 0;
  for (;;) {
    Error error;
    const Transfer transfer = decoder->decode(stored, true, {room.data() + used, kDecodedMax - used}, error);
    stored.remove_prefix(transfer.consumed);
    used += transfer.produced;
    decoded = {room.data(), used};
    if (transfer.step == Step::kFinished) return true;
    if (transfer.step == Step::kFailed || used == kDecodedMax) return false;
  }
}

/// One case: prepares the folder, runs, and tells every difference.
class CaseRun {
 public:
  CaseRun(const TestCase& test, std::string_view case_file, char** environment)
      : test_(test), case_file_(case_file), environment_(environment) {}

  /// Empty: the case passed. Else a line for each difference.
  const std::string& run() {
    if (!folder_.good()) return differs("no folder could be made for the case");
    if (prepare() && execute()) compare();
    return differences_;
  }

 private:
  const std::string& differs(const std::string& what) {
    differences_ += what + "\n";
    return differences_;
  }
  bool refuse(const std::string& what) {
    differs(what);
    return false;
  }

  bool write_file(const std::string& path, const CaseBytes& content) {
    Pages room;
    if (!make_folders_of(path.c_str()) || !room.map_room(content.size())) return refuse("no room for " + path);
    content.copy_to(room.data());
    const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0) return refuse("can't write " + path);
    const Status written = write_all(file, room.view());
    close(file);
    return written ? true : refuse("can't write " + path);
  }

  bool prepare() {
    if (test_.pipeline_path.empty()) {
      CaseBytes text;
      text.pieces.push_back({test_.pipeline_text, 1});
      if (!write_file(folder_.in("pipeline.yaml"), text)) return false;
      pipeline_ = "../pipeline.yaml";
    } else {
      std::string path = test_.pipeline_path;
      const size_t slash = case_file_.rfind('/');
      if (path[0] != '/' && slash != std::string_view::npos) path = std::string(case_file_.substr(0, slash + 1)) + path;
      char real[PATH_MAX];
      if (realpath(path.c_str(), real) == nullptr) return refuse("no pipeline file " + path);
      pipeline_ = real;
    }
    for (const CaseFile& file : test_.existing) {
      if (!write_file(folder_.in_run(file.name), file.bytes)) return false;
    }
    for (const CaseFile& file : test_.inputs) {
      if (!write_file(file.name == "stdin" ? folder_.in("stdin") : folder_.in_run(file.name), file.bytes)) return false;
    }
    sets_ = test_.sets;
    if (test_.rejects || test_.reject_members) sets_.emplace_back("rejects.to=rejects.ndjson");
    return stays_inside();
  }

  /// A case must not write over what the pipeline is really for, nor run its command.
  bool stays_inside() {
    Pages text;
    const std::string path = pipeline_[0] == '/' ? pipeline_ : folder_.in("pipeline.yaml");
    if (!text.map_file(path.c_str())) return refuse("can't read " + path);
    std::vector<std::string_view> sets(sets_.begin(), sets_.end());
    PipelineSource source;
    source.text = text.view();
    environment_of_case();
    source.environment = Environment::of_process(environment_of_case_.data());
    source.sets = sets;
    source.input_is_required = false;
    const Pipeline pipeline = parse_pipeline(source);
    for (const std::string* to : {&pipeline.config.output.to, &pipeline.config.rejects.to}) {
      if (to->starts_with('/') || to->starts_with("../") || to->find("/../") != std::string::npos) {
        return refuse("the pipeline writes outside of the case's folder: " + *to + "; set output.to or rejects.to");
      }
    }
    bool sets_command = test_.pipeline_path.empty();
    for (const std::string& set : test_.sets) sets_command = sets_command || set.starts_with("exec.command=");
    if (pipeline.config.output.to == "exec" && !sets_command)
      return refuse("the pipeline runs a command; set output.to or exec.command");
    return true;
  }

  void environment_of_case() {
    environment_of_case_.clear();
    for (char** entry = environment_; *entry != nullptr; ++entry) {
      if (std::strncmp(*entry, "WEIR_SET_", 9) != 0) environment_of_case_.push_back(*entry);
    }
    for (const std::string& entry : test_.environment) environment_of_case_.push_back(const_cast<char*>(entry.c_str()));
    environment_of_case_.push_back(nullptr);
  }

  bool execute() {
    std::vector<std::string> words = {"weir", "run", pipeline_, "--summary", "json"};
    for (const std::string& set : sets_) {
      words.emplace_back("--set");
      words.push_back(set);
    }
    for (const std::string& arg : test_.args) words.push_back(arg);
    words.emplace_back("--");
    for (const CaseFile& file : test_.inputs) words.push_back(file.name);
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    const bool has_stdin = access(folder_.in("stdin").c_str(), R_OK) == 0;
    const std::string names[] = {has_stdin ? folder_.in("stdin") : "/dev/null", folder_.in("stdout"),
                                 folder_.in("stderr")};
    const std::string run_folder = folder_.in_run("");
    const pid_t child = fork();
    if (child < 0) return refuse("no process could be made");
    if (child == 0) {
      for (int i = 0; i < 3; ++i) {
        const int file = open(names[i].c_str(), i == 0 ? O_RDONLY : O_WRONLY | O_CREAT | O_TRUNC, 0600);
        if (file < 0 || dup2(file, i) < 0) _exit(127);
        if (file > 2) close(file);
      }
      if (chdir(run_folder.c_str()) != 0) _exit(127);
      alarm(kSecondsMax);
      execve("/proc/self/exe", arguments.data(), environment_of_case_.data());
      _exit(127);
    }
    while (waitpid(child, &status_, 0) < 0) {
      if (errno != EINTR) return refuse("the run was lost");
    }
    if (WIFSIGNALED(status_)) {
      const char* const name = sigabbrev_np(WTERMSIG(status_));
      differs(WTERMSIG(status_) == SIGALRM ? "the run did not end in " + std::to_string(kSecondsMax) + " s"
                                           : std::string("the run was ended by SIG") + (name != nullptr ? name : "?"));
    }
    return true;
  }

  void compare() {
    Pages errors;
    (void)errors.map_file(folder_.in("stderr").c_str());
    const std::string_view messages = errors.view();
    if (WIFEXITED(status_) && WEXITSTATUS(status_) != test_.exit) {
      differs("exit: expected " + std::to_string(test_.exit) + ", got " + std::to_string(WEXITSTATUS(status_)));
      if (!messages.empty())
        differs("  " + std::string(messages.substr(0, std::min<size_t>(messages.find('\n'), 400))));
    }
    for (const std::string& part : test_.errors) {
      if (messages.find(part) != std::string_view::npos || without_escapes(messages).find(part) != std::string::npos)
        continue;
      differs("error: expected " + shown(part) + " in the message, got " + shown(messages));
    }
    if (test_.output) compare_file("output", folder_.in("stdout"), *test_.output, test_.output_codec);
    if (test_.rejects) compare_file("rejects", folder_.in_run("rejects.ndjson"), *test_.rejects, {});
    if (test_.reject_members) compare_rejects();
    compare_records(messages);
    for (const CaseFile& file : test_.files)
      compare_file(file.name, folder_.in_run(file.name), file.bytes, codec_word(file.name));
    for (const std::string& name : test_.absent) {
      if (access(folder_.in_run(name).c_str(), F_OK) == 0) differs(name + ": it is there, and should not be");
    }
  }

  static std::string_view codec_word(std::string_view name) {
    return name.ends_with(".gz") ? "gzip" : name.ends_with(".zst") ? "zstd" : "";
  }

  void compare_file(const std::string& what, const std::string& path, const CaseBytes& wanted, std::string_view codec) {
    Pages expected, stored, state, room;
    if (!stored.map_file(path.c_str())) {
      differs(what + ": it is not there");
      return;
    }
    std::string_view got = stored.view();
    if (!codec.empty()) {
      const Codec wanted_codec = codec == "gzip" ? Codec::kGzip : Codec::kZstd;
      if (detect_codec(got) != wanted_codec) {
        differs(what + ": it is not " + std::string(codec));
        return;
      }
      if (!decode_all(wanted_codec, got, state, room, got)) {
        differs(what + ": the " + std::string(codec) + " data is damaged");
        return;
      }
    }
    if (!expected.map_room(wanted.size())) {
      differs(what + ": no memory to compare it");
      return;
    }
    wanted.copy_to(expected.data());
    const std::string_view want = expected.view();
    if (want == got) return;
    size_t at = 0;
    size_t line = 1;
    size_t line_begin = 0;
    while (at < want.size() && at < got.size() && want[at] == got[at]) {
      if (want[at++] != '\n') continue;
      ++line;
      line_begin = at;
    }
    const auto line_of = [&](std::string_view text) {
      if (line_begin >= text.size()) return std::string("its end");
      // Of a long line the part around the difference.
      const size_t from = at - line_begin > kShownMax / 2 ? at - kShownMax / 2 : line_begin;
      const size_t end = text.find('\n', at);
      return shown(text.substr(from, end == std::string_view::npos ? end : end + 1 - from));
    };
    differs(what + ": line " + std::to_string(line) + ", byte " + std::to_string(at) + "\n  expected " + line_of(want) +
            "\n  got      " + line_of(got));
  }

  void compare_rejects() {
    Pages file;
    if (!file.map_file(folder_.in_run("rejects.ndjson").c_str())) {
      differs("rejects: there are none");
      return;
    }
    std::string_view rest = file.view();
    const auto& wanted = *test_.reject_members;
    size_t index = 0;
    for (; !rest.empty(); ++index) {
      const size_t end = std::min(rest.find('\n'), rest.size() - 1);
      const std::string_view line = rest.substr(0, end);
      rest.remove_prefix(end + 1);
      if (index >= wanted.size()) {
        differs("rejects: one more than expected: " + shown(line));
        return;
      }
      for (const CaseMember& member : wanted[index]) {
        const auto got = member_of(line, member.key);
        const bool same =
            got && (member.key == "detail" ? got->find(member.value) != std::string::npos : *got == member.value);
        if (same) continue;
        differs("rejects: number " + std::to_string(index + 1) + ": " + member.key + ": expected " +
                shown(member.value) + ", got " + (got ? shown(*got) : "nothing"));
      }
    }
    if (index < wanted.size())
      differs("rejects: expected " + std::to_string(wanted.size()) + ", got " + std::to_string(index));
  }

  void compare_records(std::string_view messages) {
    if (test_.records.empty()) return;
    const size_t at = messages.find("\"records\":{");
    if (at == std::string_view::npos) {
      differs("records: the run gave no summary");
      return;
    }
    const std::string_view records = messages.substr(at + 10, messages.find('}', at) - at - 9);
    for (const CaseMember& member : test_.records) {
      const auto got = member_of(records, member.key);
      if (got && *got == member.value) continue;
      differs("records: " + member.key + ": expected " + member.value + ", got " + (got ? *got : "nothing"));
    }
  }

  const TestCase& test_;
  std::string_view case_file_;
  char** environment_;
  std::vector<char*> environment_of_case_;
  CaseFolder folder_;
  std::string pipeline_;
  std::vector<std::string> sets_;
  std::string differences_;
  int status_ = 0;
};

void print_case(std::string_view file, const TestCase& test, std::string_view differences,
                const CommandOptions& options) {
  Printer out(STDOUT_FILENO);
  if (options.json) {
    out.text("{\"file\":\"")
        .json(file)
        .text("\",\"line\":")
        .format("%u", test.line)
        .text(",\"case\":\"")
        .json(test.name);
    out.text(differences.empty() ? "\",\"ok\":true" : "\",\"ok\":false,\"differences\":\"");
    if (!differences.empty()) out.json(differences.substr(0, differences.size() - 1)).text("\"");
    out.text("}\n");
    return;
  }
  if (differences.empty()) {
    if (!options.quiet) out.text("ok   ").plain(test.name).text("\n");
    return;
  }
  out.text("FAIL ").plain(test.name).text("  (").plain(file).format(":%u)\n", test.line);
  while (!differences.empty()) {
    const size_t end = differences.find('\n');
    out.text("       ").plain(differences.substr(0, end)).text("\n");
    differences.remove_prefix(end + 1);
  }
}

struct Counts {
  uint32_t passed = 0;
  uint32_t failed = 0;
};

/// Runs `work` in a process of its own, and gives what it returned; -1 and the signal when it was ended by one.
template <typename Work>
int in_process(Work work, int& signal_number) {
  signal_number = 0;
  const pid_t child = fork();
  if (child < 0) return -1;
  if (child == 0) _exit(work());
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return -1;
  }
  if (WIFEXITED(status)) return WEXITSTATUS(status);
  signal_number = WTERMSIG(status);
  return -1;
}

int run_file(std::string_view path, const CommandOptions& options, char** environment, Counts& counts) {
  Pages text;
  const std::string name(path);
  if (!text.map_file(name.c_str())) return report_error(Error(Code::kBadArgument, "no case file " + name));
  const auto document = parse_yaml(text.view());
  if (!document) {
    Error error = document.error();
    if (error.code == Code::kBadYaml) error.code = Code::kBadCase;
    return report_error(error, {}, path);
  }
  const auto cases = case_list(document->root());
  if (!cases) return report_error(cases.error(), {}, path);
  // All of them are looked at before the first one runs.
  for (const YamlNode node : *cases) {
    const auto test = read_case(document->root(), node);
    if (!test) return report_error(test.error(), {}, path);
  }
  for (const YamlNode node : *cases) {
    const auto test = read_case(document->root(), node);
    const auto work = [&] {
      CaseRun run(*test, path, environment);
      const std::string& differences = run.run();
      print_case(path, *test, differences, options);
      return differences.empty() ? 0 : kCaseDiffers;
    };
    int signal_number = 0;
    const int result = in_process(work, signal_number);
    if (result != 0 && result != kCaseDiffers) {
      print_case(path, *test,
                 "the comparison of this case broke off (exit " + std::to_string(result) + ", signal " +
                     std::to_string(signal_number) + ")\n",
                 options);
    }
    ++(result == 0 ? counts.passed : counts.failed);
    if (signal_number == SIGINT || signal_number == SIGTERM) return static_cast<int>(Exit::kInterrupted);
  }
  return 0;
}

}  // namespace

int test_command(Words words, char** environment) {
  CommandOptions options;
  int exit_code = 0;
  if (!parse_options("test", words, options, exit_code)) return exit_code;
  if (options.operands.empty()) return usage_error("test", "which case file? `weir test orders.test.yaml`");
  // The counts are shared with the processes that make them.
  void* const page = mmap(nullptr, sizeof(Counts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return report_error(Error(Code::kProcessLimit, "no memory for the counts"));
  Counts& counts = *new (page) Counts;
  for (const std::string_view file : options.operands) {
    int signal_number = 0;
    const int result = in_process([&] { return run_file(file, options, environment, counts); }, signal_number);
    if (result > 0) exit_code = result;
    if (result < 0) {
      ++counts.failed;
      Printer(STDOUT_FILENO)
          .text("FAIL ")
          .plain(file)
          .format(": the process that runs it was ended by signal %d\n", signal_number);
    }
  }
  Printer out(STDOUT_FILENO);
  if (options.json) {
    out.format("{\"passed\":%u,\"failed\":%u}\n", counts.passed, counts.failed);
  } else {
    out.format("%u passed, %u failed\n", counts.passed, counts.failed);
  }
  if (exit_code != 0) return exit_code;
  if (const Status printed = out.finish(); !printed) return report_error(printed.error());
  return counts.failed != 0 ? kCasesFailed : 0;
}

}  // namespace weir
