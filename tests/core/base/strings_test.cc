#include "core/base/strings.h"

#include <algorithm>

#include <gmock/gmock.h>

#include "core/base/error.h"

namespace hadal {
namespace {

TEST(NaturalLess, RunsOfDigitsAreNumbers) {
  std::vector<std::string> names = {
      "s10/1.pgm", "s2/10.pgm", "s2/9.pgm",  "s",
      "s1",        "t",         "s2/09.pgm", "s99999999999999999999999"};
  std::ranges::sort(names, natural_less);
  EXPECT_THAT(names, testing::ElementsAre("s", "s1", "s2/09.pgm", "s2/9.pgm", "s2/10.pgm",
                                          "s10/1.pgm", "s99999999999999999999999", "t"));
}

TEST(NaturalLess, IsAnOrder) {
  const std::vector<std::string> names = {"", "0", "00", "01", "1", "1a", "a", "a0", "a00", "a1b"};
  for (const std::string& a : names) {
    EXPECT_FALSE(natural_less(a, a));
    for (const std::string& b : names) {
      EXPECT_NE(natural_less(a, b), a == b || natural_less(b, a)) << a << " " << b;
      for (const std::string& c : names)
        EXPECT_TRUE(!natural_less(a, b) || !natural_less(b, c) || natural_less(a, c))
            << a << " " << b << " " << c;
    }
  }
}

TEST(ParseBytes, KnowsDecimalAndBinaryUnits) {
  EXPECT_EQ(parse_bytes("4096", "--memory"), 4096);
  EXPECT_EQ(parse_bytes("2GB", "--memory"), 2'000'000'000);
  EXPECT_EQ(parse_bytes("1.5 gib", "--memory"), 3LL << 29);
  EXPECT_EQ(parse_bytes("512M", "--memory"), 512 << 20);
  EXPECT_EQ(parse_bytes("10kb", "--memory"), 10'000);
}

TEST(ParseBytes, RefusesWhatIsNoSize) {
  for (const char* text : {"", "GB", "-1", "2 hogsheads", "1e9", "1.2.3MB", "9999999TiB"})
    EXPECT_THROW(parse_bytes(text, "--memory"), ConfigError) << text;
}

}  // namespace
}  // namespace hadal
