#include "core/cpu/philox.h"

#include <vector>

#include <gtest/gtest.h>

namespace hadal {
namespace {

TEST(Philox, SixteenBlocksAtOnceDrawWhatOneByOneDoes) {
  if (!__builtin_cpu_supports("avx512dq")) GTEST_SKIP() << "no AVX-512";
  const random::Stream stream{0x123456789abcdef0u, random::Purpose::kTest, 7, 9};
  // Aligned, unaligned, and across the carry from the low word of the counter to the high one.
  for (const std::uint64_t first : {0ull, 3ull, 1001ull, (4ull << 32) - 90})
    for (const float threshold : {0.0f, 0.3f, 0.5f}) {
      std::vector<std::uint64_t> bits(4);
      cpu::draw_at_least(stream, first, 200, threshold, bits.data());
      for (std::uint64_t i = 0; i < 200; ++i)
        EXPECT_EQ(bits[i / 64] >> i % 64 & 1, random::uniform(stream, first + i) >= threshold)
            << "draw " << first + i << " against " << threshold;
    }
}

}  // namespace
}  // namespace hadal
