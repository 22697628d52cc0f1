#include "cli/commands.hpp"
#include "sql/program.hpp"

namespace weir {

int query_command(Words words, char** environment) {
  CommandOptions options;
  int exit_code = 0;
  if (!parse_options("query", words, options, exit_code)) return exit_code;
  if (options.operands.empty())
    return usage_error("query", "which query? `weir query \"SELECT * FROM input WHERE amount > 100\" orders.csv`");
  const std::string_view query = options.operands[0];
  std::vector<std::string_view> inputs(options.operands.begin() + 1, options.operands.end());
  // FROM 'orders.csv' names the input when none is given behind the query.
  std::string source;
  if (inputs.empty()) {
    auto compiled = compile_query(query, QueryOptions{});
    if (compiled) source = compiled->source_name;
    inputs.push_back(source.empty() ? std::string_view("stdin") : std::string_view(source));
  }
  // What is asked in passing leaves no state behind, unless it is asked for.
  options.sets.insert(options.sets.begin(), {"query=" + std::string(query), "checkpoint.to=none"});
  std::string text;
  Pipeline pipeline;
  if (!load_pipeline({}, options, inputs, environment, text, pipeline, exit_code)) return exit_code;
  pipeline.config.query_line = 0;
  return run_job(std::move(pipeline.config), options, {}, environment);
}

}  // namespace weir
