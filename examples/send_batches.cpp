// Lazy records into batches that are sent out. The query drops what nobody wants, a batch is cut at 500 records or 256
// KiB, whichever comes first, and its memory is dropped as a whole when it was sent. An input of any size takes the
// same memory.
//
//   send_batches ORDERS.csv.gz
#include <cstdio>

#include <weir/weir.hpp>

// Stands for a queue, a database, an HTTP request.
void send(const weir::Batch& batch, const std::string& body) {
  std::printf("batch %llu: %zu records, %zu bytes, from record %llu on\n",
              static_cast<unsigned long long>(batch.number()), batch.size(), body.size(),
              static_cast<unsigned long long>(batch.first().record));
}

int main(int argc, char** argv) try {
  if (argc != 2) return std::fprintf(stderr, "usage: send_batches FILE\n"), 2;
  weir::Options options{.memory = 4 << 20,
                        .query = "SELECT id, customer, amount * 1.19 AS gross FROM input WHERE country = 'DE'"};
  std::string body;  // of the host: grows to the largest batch and stays
  weir::Stream orders = weir::open(argv[1], options);
  for (auto& batch : orders.batches({.records = 500, .bytes = 256 << 10})) {
    body.clear();
    batch.append_ndjson(body);
    send(batch, body);
  }
  const weir::Counts counts = orders.counts();
  std::printf("read %llu, sent %llu, filtered %llu\n", static_cast<unsigned long long>(counts.read),
              static_cast<unsigned long long>(counts.delivered), static_cast<unsigned long long>(counts.filtered));
} catch (const weir::Error& error) {
  return std::fprintf(stderr, "%s\n", error.what()), error.exit();
}
