// A transform of your own: one order line with items "3xapple;1xpear" becomes one record an item. Bad records go to the
// rejects.
//
//   custom_transform ORDERS.csv REJECTS.ndjson
#include <cstdio>

#include <weir/weir.hpp>

void split_items(const weir::Record& order, weir::Emitter& out) {
  std::string_view items = order["items"].text();
  while (!items.empty()) {
    const std::string_view item = items.substr(0, items.find(';'));
    items.remove_prefix(std::min(items.size(), item.size() + 1));
    const std::size_t x = item.find('x');
    const auto count = weir::Value(weir::Kind::kText, item.substr(0, x)).try_int();
    if (x == std::string_view::npos || !count) return out.reject();
    out.emit({{"order", order["id"]}, {"item", item.substr(x + 1)}, {"count", *count}});
  }
}

int main(int argc, char** argv) try {
  if (argc != 3) return std::fprintf(stderr, "usage: custom_transform FILE REJECTS\n"), 2;
  auto lines = weir::open(argv[1], {.memory = 6 << 20, .rejects = argv[2]})
                   .filter([](const weir::Record& order) { return !order["items"].text().empty(); })
                   .transform(split_items);
  std::string text;
  for (auto record : lines.records()) {
    text.clear();
    record.append_json(text);
    std::puts(text.c_str());
  }
  const weir::Counts counts = lines.counts();
  std::fprintf(stderr, "%llu orders, %llu items, %llu rejected\n", static_cast<unsigned long long>(counts.read),
               static_cast<unsigned long long>(counts.emitted), static_cast<unsigned long long>(counts.rejected));
} catch (const weir::Error& error) {
  return std::fprintf(stderr, "%s\n", error.what()), error.exit();
}
