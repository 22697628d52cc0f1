// Makes the benchmark's records: bench_generate csv|ndjson BYTES [SEED] >file
//
// Orders of a shop, ten columns, about 111 bytes a record as CSV and 230 as NDJSON. One field in twenty is quoted: it
// holds a comma, a quote or a line end. Record n depends on the seed and n alone, so a shorter file is the beginning
// of a longer one, and the CSV and the NDJSON of one seed hold the same records. The file ends with the first record
// that reaches BYTES.
#include <array>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

constexpr std::array<std::string_view, 16> kGiven = {"Amara", "Björn", "Chiara", "Dmitri", "Élodie",    "Farid",
                                                     "Greta", "Hiro",  "Imani",  "Jonas",  "Katarzyna", "Luis",
                                                     "Mei",   "Nadia", "Oscar",  "Paula"};
constexpr std::array<std::string_view, 16> kFamily = {"Abe",   "Becker", "Castro",  "D'Angelo", "Eriksen", "Fischer",
                                                      "Gómez", "Hughes", "Ito",     "Jansen",   "Kaya",    "Lindqvist",
                                                      "Mbeki", "Novák",  "O'Neill", "Patel"};
// What is listed more often is met more often.
constexpr std::array<std::string_view, 12> kCountry = {"US", "US", "US", "DE", "DE", "GB",
                                                       "FR", "IN", "JP", "BR", "PL", "NG"};
constexpr std::array<std::string_view, 8> kStatus = {"delivered", "delivered", "delivered", "shipped",
                                                     "pending",   "cancelled", "returned",  "processing"};
constexpr std::array<std::string_view, 24> kWord = {"deliver", "to",    "reception", "behind", "garden",  "gate",
                                                    "no",      "later", "than",      "noon",   "gift",    "box",
                                                    "keep",    "cold",  "upstairs",  "ask",    "for",     "key",
                                                    "spare",   "part",  "as",        "agreed", "invoice", "follows"};

// One stream of numbers for each record: a Weyl sequence through MurmurHash3's 64-bit finalizer.
class Numbers {
 public:
  Numbers(uint64_t seed, uint64_t record) : x_at((seed << 32) ^ (record * kStep * 3)) {}
  uint32_t below(uint32_t bound) {
    uint64_t mixed = x_at += kStep;
    mixed = (mixed ^ mixed >> 33) * 0xff51afd7ed558ccd;
    mixed = (mixed ^ mixed >> 33) * 0xc4ceb9fe1a85ec53;
    return static_cast<uint32_t>(((mixed ^ mixed >> 33) & 0xffffffff) * bound >> 32);
  }
  bool percent(uint32_t share) { return below(100) < share; }
  template <size_t N>
  std::string_view one_of(const std::array<std::string_view, N>& words) {
    return words[below(N)];
  }

 private:
  static constexpr uint64_t kStep = 0xd1342543de82ef95;
  uint64_t x_at;
};

struct Order {
  uint64_t id = 0;
  std::string created, name, sku, amount, note;
  uint32_t customer = 0, quantity = 0;
  std::string_view country, status;
};

void add(std::string& out, uint64_t value, int digits = 1) {
  char text[24];
  const auto length = static_cast<int>(std::to_chars(text, text + sizeof text, value).ptr - text);
  if (length < digits) out.append(static_cast<size_t>(digits - length), '0');
  out.append(text, static_cast<size_t>(length));
}

Order make(uint64_t seed, uint64_t n) {
  Numbers numbers(seed, n);
  Order order;
  order.id = 1'000'000 + n;

  const uint64_t second = n * 5 + numbers.below(1800);  // since 2024-01-01; every month has 28 days here
  const uint64_t day = second / 86'400;
  add(order.created, 2024 + day / 336, 4);
  add(order.created += '-', day / 28 % 12 + 1, 2);
  add(order.created += '-', day % 28 + 1, 2);
  add(order.created += 'T', second / 3600 % 24, 2);
  add(order.created += ':', second / 60 % 60, 2);
  add(order.created += ':', second % 60, 2);
  order.created += 'Z';

  order.customer = 1 + numbers.below(1'500'000);
  const std::string given(numbers.one_of(kGiven)), family(numbers.one_of(kFamily));
  order.name = numbers.percent(26) ? family + ", " + given : given + " " + family;
  order.country = numbers.one_of(kCountry);
  order.status = numbers.one_of(kStatus);

  order.sku = "ART-";
  order.sku += static_cast<char>('A' + numbers.below(26));
  order.sku += static_cast<char>('A' + numbers.below(26));
  add(order.sku += '-', numbers.below(100'000), 5);
  order.quantity = 1 + numbers.below(24);
  const uint32_t cents = numbers.percent(80) ? 95 + numbers.below(20'000) : 95 + numbers.below(950'000);
  add(order.amount, cents / 100);
  add(order.amount += '.', cents % 100, 2);

  if (numbers.percent(60)) {
    for (uint32_t words = 2 + numbers.below(9); words > 0; --words) {
      order.note += numbers.one_of(kWord);
      if (words > 1) order.note += ' ';
    }
    const uint32_t kind = numbers.below(100);
    if (kind < 20) {
      (order.note += ", ") += numbers.one_of(kWord);
    } else if (kind < 28) {
      (order.note += '\n') += numbers.one_of(kWord);
    } else if (kind < 38) {
      ((order.note += " \"") += numbers.one_of(kWord)) += "\" !";
    }
  }
  return order;
}

void add_csv_text(std::string& out, std::string_view text) {
  if (text.find_first_of(",\"\n") == std::string_view::npos) {
    out += text;
    return;
  }
  out += '"';
  for (const char c : text) out.append(c == '"' ? 2 : 1, c);
  out += '"';
}

void add_json_text(std::string& out, std::string_view name, std::string_view text) {
  ((out += ",\"") += name) += "\":\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  out += '"';
}

void add_json_number(std::string& out, std::string_view name, std::string_view text) {
  (((out += ",\"") += name) += "\":") += text;
}

void add_csv(std::string& out, const Order& order) {
  add(out, order.id);
  (out += ',') += order.created;
  add(out += ',', order.customer);
  add_csv_text(out += ',', order.name);
  (out += ',') += order.country;
  (out += ',') += order.status;
  (out += ',') += order.sku;
  add(out += ',', order.quantity);
  (out += ',') += order.amount;
  add_csv_text(out += ',', order.note);
  out += '\n';
}

void add_ndjson(std::string& out, const Order& order) {
  add(out += "{\"order_id\":", order.id);
  add_json_text(out, "created_at", order.created);
  add_json_number(out, "customer_id", std::to_string(order.customer));
  add_json_text(out, "customer_name", order.name);
  add_json_text(out, "country", order.country);
  add_json_text(out, "status", order.status);
  add_json_text(out, "sku", order.sku);
  add_json_number(out, "quantity", std::to_string(order.quantity));
  add_json_number(out, "amount", order.amount);
  add_json_text(out, "note", order.note);
  out += "}\n";
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view format = argc > 2 ? argv[1] : "";
  if (format != "csv" && format != "ndjson") {
    std::fputs("bench_generate csv|ndjson BYTES [SEED] >file\n", stderr);
    return 2;
  }
  const uint64_t bytes_wanted = std::strtoull(argv[2], nullptr, 10);
  const uint64_t seed = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 5;

  std::string out;
  if (format == "csv") out = "order_id,created_at,customer_id,customer_name,country,status,sku,quantity,amount,note\n";
  uint64_t written = 0;
  for (uint64_t n = 0; written + out.size() < bytes_wanted; ++n) {
    const Order order = make(seed, n);
    format == "csv" ? add_csv(out, order) : add_ndjson(out, order);
    if (out.size() < 1 << 20) continue;
    written += out.size();
    if (std::fwrite(out.data(), 1, out.size(), stdout) != out.size()) return 1;
    out.clear();
  }
  return std::fwrite(out.data(), 1, out.size(), stdout) == out.size() && std::fflush(stdout) == 0 ? 0 : 1;
}
