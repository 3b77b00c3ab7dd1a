#include "core/base/strings.h"

#include <algorithm>

#include <gmock/gmock.h>

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

}  // namespace
}  // namespace hadal
