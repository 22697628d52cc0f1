// Fixed blocks: any file in pieces of a known size, whatever it holds - here one checksum a block, as an upload in
// parts needs.
//
//   fixed_blocks FILE
#include <cstdio>

#include <weir/weir.hpp>

int main(int argc, char** argv) try {
  if (argc != 2) return std::fprintf(stderr, "usage: fixed_blocks FILE\n"), 2;
  weir::Options options{.memory = 2 << 20, .format = "blocks", .set = {"input.block=64KiB", "input.record_max=64KiB"}};
  for (auto block : weir::open(argv[1], options).records()) {
    const std::string_view bytes = block["data"].text();
    unsigned a = 1, b = 0;  // Adler-32
    for (const unsigned char byte : bytes) a = (a + byte) % 65521, b = (b + a) % 65521;
    std::printf("%llu %zu %08x\n", static_cast<unsigned long long>(block.position().byte), bytes.size(), b << 16 | a);
  }
} catch (const weir::Error& error) {
  return std::fprintf(stderr, "%s\n", error.what()), error.exit();
}
