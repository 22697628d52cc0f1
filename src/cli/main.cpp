// The weir binary: sets the process up, hands the words to a command.
#include <cerrno>
#include <cstdlib>
#include <new>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/assert.hpp"
#include "base/nearest_word.hpp"
#include "cli/commands.hpp"
#include "io/system_wakeup.hpp"
#include "lambda/lambda_runtime.hpp"
#include "memory/process_malloc.hpp"

extern char** environ;

// c-ares can look services up by name, which glibc would load shared libraries for. Nobody here asks for one: ports are numbers.
struct servent;
extern "C" servent* getservbyname(const char*, const char*) { return nullptr; }
extern "C" int getservbyport_r(int, const char*, servent*, char*, size_t, servent** result) {
  *result = nullptr;
  return ENOENT;
}

namespace {

using weir::Words;

[[noreturn]] void on_broken_assertion(const char* expression, const char* file, int line) {
  weir::Error error(weir::Code::kInternal);
  error.detail.append(expression).append(" at ").append(file).append(":").append_number(static_cast<uint64_t>(line));
  _exit(weir::report_error(error));
}

[[noreturn]] void on_full_arena() { _exit(weir::report_error(weir::Error(weir::Code::kSetupTooLarge))); }

struct Command {
  std::string_view name;
  int (*run)(Words words, char** environment);
};

constexpr Command kCommands[] = {
    {"run", weir::run_command},
    {"query", weir::query_command},
    {"plan", weir::plan_command},
    {"check", weir::check_command},
    {"test", weir::test_command},
    {"policy", weir::policy_command},
    {"package", weir::package_command},
    {"status", weir::status_command},
    {"gc", weir::gc_command},
    {"emulate",
     [](Words words, char** environment) {
#ifndef WEIR_SANITIZED
       weir::unbound_process_malloc();
#endif
       return weir::emulate_command(words, environment);
     }},
    {"schema", [](Words words, char**) { return weir::schema_command(words); }},
    {"version", [](Words words, char**) { return weir::version_command(words); }},
    {"--version", [](Words words, char**) { return weir::version_command(words); }},
    {"help", [](Words words, char**) { return weir::help_command(words); }},
    {"--help", [](Words words, char**) { return weir::help_command(words); }},
    {"-h", [](Words words, char**) { return weir::help_command(words); }},
};

}  // namespace

int main(int count, char** texts) {
#ifndef WEIR_SANITIZED
  weir::use_process_malloc();
#endif
  // A core file could hold secrets.
  const rlimit no_core{0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  weir::set_assert_handler(on_broken_assertion);
  // Where a standard stream is closed, no file of ours may take its number: a message would end up in it. Such a stream stays unusable.
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(stream, F_GETFD) < 0) (void)open("/dev/null", stream == STDIN_FILENO ? O_WRONLY : O_RDONLY);
  }
  std::set_new_handler(on_full_arena);
  weir::SystemWakeup::handle_signals();

  // `bootstrap` in a function's package.
  if (count <= 1 && weir::is_lambda(environ)) return weir::run_lambda(environ);

  std::vector<std::string_view> words(texts + (count > 0 ? 1 : 0), texts + count);
  if (words.empty()) {
    const int printed = weir::help_command({});
    return printed != 0 ? printed : static_cast<int>(weir::Exit::kBadConfig);
  }
  std::string_view nearest;
  unsigned best = 99;
  for (const Command& command : kCommands) {
    if (words[0] == command.name) return command.run(Words(words).subspan(1), environ);
    if (weir::is_nearer(words[0], command.name, best)) nearest = command.name;
  }
  return weir::usage_error(
      words[0], nearest.empty() ? "unknown command" : "unknown command; did you mean " + std::string(nearest) + "?");
}
