// Counter-based random numbers: every draw is a pure function of (seed, purpose, a, b, index), by
// Philox4x32-10 (Salmon et al. 2011). Nothing depends on ranks, threads, prefetch or restarts.
#pragma once

#include <array>
#include <cstdint>

namespace hadal::random {

/// What a draw is for; streams of different purposes never meet. Append only: the numbers are part
/// of the results.
enum class Purpose : std::uint32_t {
  kInitialValue = 1,
  kShuffle = 2,
  kCrop = 3,
  kMirror = 4,
  kCutout = 5,
  kDropout = 6,
  kGate = 7,
  kSplit = 8,
  kGenerator = 9,
  kTest = 10,
  kTestMatrix = 11,
  kHighDimension = 12,
  kSweepDraw = 13,
  kSurrogate = 14,
};

/// A stream of 2^58 draws. `a` and `b` are below 2^32 and mean what the purpose wants: (epoch,
/// image) for a crop, (step, layer) for a dropout mask, (0, parameter) for initial values.
struct Stream {
  std::uint64_t seed;
  Purpose purpose;
  std::uint64_t a = 0;
  std::uint64_t b = 0;
};

/// Four words at once: draws 4i .. 4i+3 of the stream.
std::array<std::uint32_t, 4> block(const Stream& stream, std::uint64_t i);

/// Draw `index` as 32 bits; as a float in [0, 1) with 24 bits; as a double in (0, 1) with 32 bits.
std::uint32_t bits(const Stream& stream, std::uint64_t index = 0);
float uniform(const Stream& stream, std::uint64_t index = 0);
double uniform_open(const Stream& stream, std::uint64_t index = 0);

/// Uniform integer in [0, n), n > 0; the bias is below n / 2^32.
std::uint32_t below(const Stream& stream, std::uint32_t n, std::uint64_t index = 0);

/// Standard normal by Box-Muller on the draws 2*floor(index/2) and its successor.
double normal(const Stream& stream, std::uint64_t index = 0);

}  // namespace hadal::random
