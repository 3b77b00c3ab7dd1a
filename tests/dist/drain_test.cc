#include "dist/drain.h"

#include <csignal>

#include <gtest/gtest.h>

namespace hadal::dist {
namespace {

TEST(Drain, EachOfItsSignalsIsARequest) {
  for (const int signal : {SIGTERM, SIGUSR1, SIGUSR2}) {
    const Drain drain;
    EXPECT_FALSE(drain.requested());
    ::raise(signal);
    EXPECT_TRUE(drain.requested());
    EXPECT_EQ(drain.signal(), signal);
  }
}

TEST(Drain, SigcontMeansNothing) {
  const Drain drain;
  ::raise(SIGCONT);
  EXPECT_FALSE(drain.requested());
}

TEST(Drain, GivesBackTheHandlersThatWereThere) {
  struct sigaction before {
  }, after{};
  ::sigaction(SIGUSR1, nullptr, &before);
  { const Drain drain; }
  ::sigaction(SIGUSR1, nullptr, &after);
  EXPECT_EQ(before.sa_handler, after.sa_handler);
}

}  // namespace
}  // namespace hadal::dist
