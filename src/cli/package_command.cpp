// `weir package`: the zip of an AWS Lambda function, or of a layer.
#include <cstring>
#include <optional>

#include <elf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/commands.hpp"
#include "codec/zip_archive.hpp"
#include "io/file.hpp"
#include "io/system_clock.hpp"
#include "io/system_disk.hpp"
#include "io/system_wakeup.hpp"
#include "lambda/lambda_runtime.hpp"
#include "lambda/lambda_settings.hpp"
#include "memory/process_memory.hpp"
#include "plan/units.hpp"
#include "report/printer.hpp"

namespace weir {
namespace {

#ifdef __aarch64__
constexpr std::string_view kOwnArch = "arm64";
#else
constexpr std::string_view kOwnArch = "x86_64";
#endif
constexpr uint64_t kBinaryMax = 250u << 20;  ///< of an unpacked function, as Lambda has it
constexpr uint64_t kUploadMax = 50u << 20;  ///< of a zip that is not fetched from S3

/// As Lambda calls it; empty: it has none such.
std::string_view arch_of(std::string_view word) {
  if (word == "arm64" || word == "aarch64") return "arm64";
  if (word == "x86_64" || word == "amd64") return "x86_64";
  return {};
}

/// Memory for what is larger than the set-up arena, given back at the end.
class Room {
 public:
  Room() = default;
  ~Room() {
    if (!room_.empty()) unmap_working_memory(room_);
  }
  Room(const Room&) = delete;
  Room& operator=(const Room&) = delete;
  Status take(size_t bytes) {
    auto room = map_working_memory(bytes);
    if (!room) return fail(room.error());
    room_ = *room;
    return {};
  }
  [[nodiscard]] std::span<char> span() const { return room_; }

 private:
  std::span<char> room_;
};

Status read_binary(const std::string& path, Room& room, std::string_view& bytes) {
  auto file = open_to_read(path.c_str());
  if (!file) return fail(file.error());
  struct stat info{};
  const int found = fstat(*file, &info);
  Status status;
  size_t size = 0;
  if (found != 0 || !S_ISREG(info.st_mode) || info.st_size <= 0 || static_cast<uint64_t>(info.st_size) > kBinaryMax)
    status = fail(Code::kBadArgument, path + " is no program for a function: expected a file of up to 250 MiB");
  if (status) status = room.take(static_cast<size_t>(info.st_size));
  while (status && size < room.span().size()) {
    const auto got = read_some(*file, room.span().subspan(size));
    if (!got) status = fail(got.error());
    if (!got || *got == 0) break;
    size += *got;
  }
  close(*file);
  bytes = {room.span().data(), size};
  return status;
}

/// What a function can start, and of which architecture. The text says what is wrong.
std::optional<std::string> fault_of_binary(std::string_view bytes, std::string_view& arch) {
  Elf64_Ehdr head{};
  if (bytes.size() < sizeof head || std::memcmp(bytes.data(), ELFMAG, SELFMAG) != 0)
    return "is no program of Linux (ELF)";
  std::memcpy(&head, bytes.data(), sizeof head);
  const bool known = head.e_ident[EI_CLASS] == ELFCLASS64 && head.e_ident[EI_DATA] == ELFDATA2LSB;
  arch = !known                         ? std::string_view{}
         : head.e_machine == EM_AARCH64 ? "arm64"
         : head.e_machine == EM_X86_64  ? "x86_64"
                                        : std::string_view{};
  if (arch.empty()) return "is of an architecture that Lambda has not; it has arm64 and x86_64";
  for (size_t i = 0; i < head.e_phnum; ++i) {
    Elf64_Phdr segment{};
    if (head.e_phentsize < sizeof segment || head.e_phoff > bytes.size() ||
        bytes.size() - head.e_phoff < (i + 1) * head.e_phentsize)
      return "is cut short";
    std::memcpy(&segment, bytes.data() + head.e_phoff + i * head.e_phentsize, sizeof segment);
    if (segment.p_type == PT_INTERP)
      return "needs shared libraries, which a function has not: link it with WEIR_STATIC=ON";
    if (segment.p_type == PT_LOAD &&
        (segment.p_offset > bytes.size() || bytes.size() - segment.p_offset < segment.p_filesz))
      return "is cut short";
  }
  if (bytes.find("AWS_LAMBDA_RUNTIME_API") == std::string_view::npos) return "is no weir that can be a function";
  return std::nullopt;
}

/// `name` without folder and ending, and what makes it this zip's.
std::string default_file(const CommandOptions& options, std::string_view arch) {
  if (options.layer) return "weir-layer-" + std::string(arch) + ".zip";
  std::string_view stem = options.operands[0];
  stem.remove_prefix(stem.find_last_of('/') + 1);
  for (const std::string_view ending : {".yaml", ".yml"}) {
    if (stem.size() > ending.size() && stem.ends_with(ending)) stem.remove_suffix(ending.size());
  }
  return std::string(stem) + (options.no_bootstrap ? "" : "-" + std::string(arch)) + ".zip";
}

/// In place of what stood there, or not at all.
Status write_file(const std::string& path, std::string_view bytes) {
  SystemDisk disk;
  const auto there = disk.info(path.c_str());
  if (!there) return fail(there.error());
  if (there->kind != FileKind::kNone && there->kind != FileKind::kRegular)
    return fail(Code::kBadArgument, "-o: " + path + " is no regular file");
  const std::string part = path + ".part";
  auto file = disk.open_to_write(part.c_str(), true);
  if (!file) return fail(file.error());
  Status status = disk.truncate(*file, 0);
  if (status) status = disk.append(*file, bytes);
  if (status) status = disk.sync(*file, part);
  disk.close(*file);
  if (status) status = disk.rename(part.c_str(), path.c_str());
  if (!status) disk.remove(part.c_str());
  return status;
}

/// Every mistake is printed. False: leave with `exit_code`.
bool check(std::string_view file, const CommandOptions& options, char** environment, std::string& text,
           int& exit_code) {
  Pipeline pipeline;
  if (!load_pipeline(file, options, {}, environment, text, pipeline, exit_code)) return false;
  SystemClock clock;
  {
    SystemWakeup wakeup(clock);
    SystemDisk disk;
    Job job(clock, wakeup, disk, Host::kProcess, environment);
    Config query = pipeline.config;
    query.input.from.clear();  // what stands at a path here is not what stands there in the function
    for (const Error& error : job.lint(std::move(query))) {
      const int exit = report_error(error, {}, file);
      if (exit_code == 0) exit_code = exit;
    }
  }
  if (exit_code != 0) return false;
  Config config = std::move(pipeline.config);
  // A function always has one. Nothing is asked of it here.
  if (config.aws.region.empty()) config.aws.region = "us-east-1";
  Status status = set_memory(config, options.function_memory);
  if (status) status = check_pipeline(config, clock);
  if (!status) {
    Error error = status.error();
    if (error.exit() == Exit::kBudgetTooSmall) error.detail.append("; a larger function: --function-memory MB");
    exit_code = report_error(error, {}, file);
  }
  return status.has_value();
}

}  // namespace

int package_command(Words words, char** environment) {
  CommandOptions options;
  int exit_code = 0;
  if (!parse_options("package", words, options, exit_code)) return exit_code;
  const auto wrong = [](std::string_view what) { return usage_error("package", what); };
  if (options.layer && options.no_bootstrap) return wrong("--layer is bootstrap alone, --no-bootstrap is all but it");
  if (options.layer && !options.operands.empty()) return wrong("--layer takes no pipeline: it is for all of them");
  if (!options.layer && options.operands.empty()) return wrong("which pipeline file?");
  if (options.operands.size() > 1)
    return wrong("one pipeline file; which inputs a function has is for its events, or input.from, to say");
  std::string_view arch = arch_of(options.arch);
  if (arch.empty() && !options.arch.empty())
    return wrong("--arch: expected arm64 or x86_64, found '" + std::string(options.arch) + "'");

  Room program;
  std::string_view program_bytes;
  if (!options.no_bootstrap) {
    if (options.binary.empty() && !arch.empty() && arch != kOwnArch)
      return wrong(
          "this weir is built for " + std::string(kOwnArch) + "; name the one for " + std::string(arch) +
          " with --binary FILE: `make package` builds both, and leaves build/arm64/weir and build/release/weir");
    const std::string path(options.binary.empty() ? "/proc/self/exe" : options.binary);
    if (const Status read = read_binary(path, program, program_bytes); !read) {
      Error error = read.error();
      if (error.code == Code::kNoInput) error = Error(Code::kBadArgument, "no program " + path);
      return report_error(error);
    }
    std::string_view built_for;
    if (const auto fault = fault_of_binary(program_bytes, built_for)) return wrong(path + " " + *fault);
    if (!arch.empty() && built_for != arch)
      return wrong(path + " is built for " + std::string(built_for) + ", not for " + std::string(arch));
    arch = built_for;
  }
  std::string text;
  if (!options.layer && !check(options.operands[0], options, environment, text, exit_code)) return exit_code;

  ZipFile files[2];
  size_t count = 0;
  if (!options.no_bootstrap) files[count++] = {"bootstrap", 0755, program_bytes};
  if (!options.layer) files[count++] = {"weir.yaml", 0644, text};
  const std::span<const ZipFile> content(files, count);
  constexpr int kLevel = 3;  // the smallest of isa-l's
  Room encoder_room;
  Room room;
  Status status = encoder_room.take(encoder_memory_max(Codec::kGzip, kLevel));
  if (status) status = room.take(zip_bytes_max(content));
  if (!status) return report_error(status.error());
  const size_t size = write_zip(content, *make_encoder(Codec::kGzip, kLevel, encoder_room.span()), room.span());
  const std::string path = options.file.empty() ? default_file(options, arch) : std::string(options.file);
  status = write_file(path, {room.span().data(), size});
  if (!status) return report_error(status.error());

  std::string said = path + ": " + std::string(format_bytes(size).view());
  if (!options.no_bootstrap) said += ", bootstrap for " + std::string(arch);
  if (!options.layer) said += ", weir.yaml of " + std::string(options.operands[0]);
  if (size > kUploadMax) said += "; over 50 MiB: upload it by S3";
  return print_text(said + "\n");
}

}  // namespace weir
