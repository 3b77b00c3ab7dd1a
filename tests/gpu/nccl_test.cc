// Two ranks under mpirun whose gradients lie on GPUs; where there is one GPU both use it, which
// tests that the sums are right and says nothing of their speed.
#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/cuda/open.h"
#include "launcher/tools.h"
#include "tests/places.h"

namespace hadal {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class NcclOnGpu : public testing::Test {
 protected:
  void SetUp() override {
    try {
      cuda::Plugin("cuda").devices();
    } catch (const DeviceError& error) {
      GTEST_SKIP() << error.what();
    }
  }
  launcher::ToolOutput two_ranks(const std::string& what) {
    const fs::path program = fs::read_symlink("/proc/self/exe").replace_filename("nccl_program");
    return tools_.call({"env", "OMPI_ALLOW_RUN_AS_ROOT=1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1",
                        test::mpirun(), "--oversubscribe", "--bind-to", "none", "--mca",
                        "mpi_yield_when_idle", "1", "--timeout", "100", "-np", "2", program, what},
                       "", 120);
  }

 private:
  launcher::SystemTools tools_;
};

TEST_F(NcclOnGpu, OrderedSumsHaveTheBitsOfTheHosts) {
  const launcher::ToolOutput output = two_ranks("ordered");
  EXPECT_EQ(output.exit_code, 0) << output.err;
  EXPECT_THAT(output.out, testing::AllOf(HasSubstr("NCCL 2."), HasSubstr(", 2 ranks: same bits")))
      << output.err;
}

// Of two ranks every order is the same.
TEST_F(NcclOnGpu, PlainSumsAreNear) {
  const launcher::ToolOutput output = two_ranks("plain");
  EXPECT_THAT(output.out, testing::AnyOf(HasSubstr("2 ranks: near"), HasSubstr("same bits")))
      << output.err;
}

TEST_F(NcclOnGpu, ThroughTheHostsTheBitsAreTheSame) {
  EXPECT_THAT(two_ranks("staged").out, HasSubstr("host memory, 2 ranks: same bits"));
}

TEST_F(NcclOnGpu, ARankThatTakesNoPartIsNoHang) {
  const launcher::ToolOutput output = two_ranks("hang");
  EXPECT_EQ(output.exit_code, static_cast<int>(ExitCode::kHang)) << output.err;
  EXPECT_THAT(output.err, HasSubstr("all-reduce bucket 0 of step 2 did not end in"));
}

}  // namespace
}  // namespace hadal
