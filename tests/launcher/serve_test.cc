#include <gmock/gmock.h>

#include "core/base/clock.h"
#include "launcher/serve/live_page.h"
#include "tests/launcher/made_sweep.h"

namespace hadal::launcher::serve {
namespace {

using testing::AllOf;
using testing::HasSubstr;

TEST(LivePage, FollowsTheFolder) {
  MadeSweep sweep;
  sweep.finish("net", "", 1, {.last = 7});
  const auto second = sweep.start("net", "", 2);
  sweep.read();
  LivePage live({sweep.path()});
  const auto before = live.find("/");
  EXPECT_THAT(before->body, AllOf(HasSubstr("1 of 2"), HasSubstr("data-live")));
  EXPECT_THAT(before->content_policy, HasSubstr("connect-src 'self'"));
  EXPECT_EQ(live.find("/spec.textproto"), nullptr);

  write_result(second, finished({.last = 5}));
  SystemClock clock;
  std::shared_ptr<const Answer> after = before;
  for (int i = 0; i < 600 && after->etag == before->etag; ++i) {
    clock.sleep(0.05);
    after = live.find("/");
  }
  EXPECT_THAT(after->body, HasSubstr("2 of 2"));
}

TEST(LivePage, ASignatureStaysUntilAFileChanges) {
  MadeSweep sweep;
  const auto run = sweep.start("net", "", 1);
  sweep.read();
  const std::string before = signature_of({sweep.path()});
  EXPECT_EQ(signature_of({sweep.path()}), before);
  write_result(run, finished({.last = 5}));
  EXPECT_NE(signature_of({sweep.path()}), before);
}

}  // namespace
}  // namespace hadal::launcher::serve
