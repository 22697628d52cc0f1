// Decoding and encoding in windows of the engine's size. Bytes a second are of the plain side.
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "codec/codec.hpp"
#include "codec/codec_testing.hpp"

namespace weir {
namespace {

using namespace codec_testing;

constexpr size_t kPlainBytes = 32 << 20;
constexpr size_t kWindowBytes = 256 << 10;

const std::string& plain() {
  static const std::string text = [] {
    std::mt19937 rng(1);
    std::string t;
    while (t.size() < kPlainBytes) {  // lines like those of a table of flights
      t += "2013," + std::to_string(rng() % 12 + 1) + ',' + std::to_string(rng() % 28 + 1) + ',' +
           std::to_string(rng() % 2400) + ',' + std::to_string(static_cast<int>(rng() % 100) - 20) + ",UA,N" +
           std::to_string(rng() % 4000) + ",EWR,IAH,";
      t += std::to_string(rng() % 1400) + "\n";
    }
    return t;
  }();
  return text;
}

void decode(benchmark::State& state, Codec codec) {
  const OwnedEncoder encoder(codec);
  const std::string stored = encode(*encoder, plain(), Flush::kFinish);
  const OwnedDecoder decoder(codec);
  std::vector<char> out(kWindowBytes);
  Error error;
  for (auto _ : state) {
    decoder->reset();
    std::string_view left = stored;
    while (true) {
      const std::string_view window = left.substr(0, kWindowBytes);
      const Transfer t = decoder->decode(window, window.size() == left.size(), out, error);
      left.remove_prefix(t.consumed);
      benchmark::DoNotOptimize(out.data());
      if (t.step == Step::kFinished) break;
    }
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * plain().size()));
  state.counters["ratio"] = static_cast<double>(plain().size()) / static_cast<double>(stored.size());
}

void encode_in_units(benchmark::State& state, Codec codec) {
  const OwnedEncoder encoder(codec, static_cast<int>(state.range(0)));
  std::vector<char> out(kWindowBytes);
  Error error;
  size_t stored = 0;
  for (auto _ : state) {
    encoder->reset();
    stored = 0;
    for (size_t at = 0; at < plain().size(); at += kWindowBytes) {
      std::string_view window = std::string_view(plain()).substr(at, kWindowBytes);
      const bool unit = (at / kWindowBytes) % 16 == 15;  // 4 MiB
      Transfer t;
      do {
        t = encoder->encode(window, unit ? Flush::kUnit : Flush::kNone, out, error);
        window.remove_prefix(t.consumed);
        stored += t.produced;
        benchmark::DoNotOptimize(out.data());
      } while (t.step == Step::kHaveOutput);
    }
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * plain().size()));
  state.counters["ratio"] = static_cast<double>(plain().size()) / static_cast<double>(stored);
}

void save_state(benchmark::State& state) {
  const OwnedEncoder encoder(Codec::kGzip);
  const std::string stored = encode(*encoder, plain().substr(0, 1 << 20), Flush::kFinish);
  const OwnedDecoder decoder(Codec::kGzip);
  std::vector<char> out(kWindowBytes);
  Error error;
  decoder->decode(stored, true, out, error);
  std::string room(decoder->state_bytes_max(), '\0');
  size_t bytes = 0;
  for (auto _ : state) {
    StateWriter writer(room);
    decoder->save(writer);
    bytes = writer.size();
  }
  state.counters["bytes"] = static_cast<double>(bytes);
}

BENCHMARK_CAPTURE(decode, gzip, Codec::kGzip)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(decode, zstd, Codec::kZstd)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(encode_in_units, gzip, Codec::kGzip)->DenseRange(0, 3)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(encode_in_units, zstd, Codec::kZstd)->Arg(1)->Arg(3)->Unit(benchmark::kMillisecond);
BENCHMARK(save_state);

}  // namespace
}  // namespace weir
