// Any bytes as a pipeline file, a setting and a name template: no crash, bounded answers, and places inside of the file.
#include <cstdlib>
#include <string>

#include "plan/name_template.hpp"
#include "plan/spec.hpp"
#include "plan/yaml.hpp"

namespace {
void demand(bool holds) {
  if (!holds) std::abort();
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weir;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static const char* const kEnvironment[] = {"A=1", "LONG=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"};

  PipelineSource source;
  source.text = text;
  source.environment.entries = kEnvironment;
  const size_t line_end = text.find('\n');
  const std::string_view setting = text.substr(0, line_end);
  source.sets = {&setting, 1};
  Pipeline pipeline = parse_pipeline(source);
  demand(pipeline.diagnostics.size() <= Pipeline::kDiagnosticsMax);
  for (const Diagnostic& diagnostic : pipeline.diagnostics) {
    demand(diagnostic.error.exit() == Exit::kBadConfig || diagnostic.error.exit() == Exit::kBudgetTooSmall);
    demand(diagnostic.error.line <= size + 1 && diagnostic.error.column <= size + 2);
    demand(!format_diagnostic("f", diagnostic).empty());
  }
  const bool was_ok = pipeline.ok();
  const size_t mistakes = pipeline.diagnostics.size();
  check_pipeline(pipeline);  // nothing is new the second time, where the first one took place
  demand(!was_ok || (pipeline.ok() && pipeline.diagnostics.size() == mistakes));

  const auto name = NameTemplate::parse(text.substr(0, 200));
  if (name) {
    char room[256];
    const auto rendered = name->render({setting, size, false}, room);
    if (rendered) {
      demand(rendered->size() <= sizeof room);
      // Values bring no "..": what the name has of it stands in the template's own text.
      if (text.find("..") == std::string_view::npos)
        demand(std::string_view(*rendered).find("/../") == std::string_view::npos);
    }
  }
  return 0;
}
