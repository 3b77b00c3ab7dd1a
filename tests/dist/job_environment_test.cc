#include "dist/job_environment.h"

#include <cstdlib>
#include <map>
#include <string>

#include <gtest/gtest.h>

#include "core/base/error.h"

namespace hadal::dist {
namespace {

// A launcher that sets exactly these variables.
void launch_with(const std::map<std::string, std::string>& variables) {
  for (const char* name :
       {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMIX_NAMESPACE",
        "SLURM_STEP_ID", "SLURM_PROCID", "SLURM_STEP_NUM_TASKS"})
    ::unsetenv(name);
  for (const auto& [name, value] : variables) ::setenv(name.c_str(), value.c_str(), 1);
}

TEST(JobEnvironment, AProcessThatNobodyLaunchedIsAGroupOfOne) {
  launch_with({});
  EXPECT_FALSE(job_environment().launched);
  EXPECT_EQ(job_environment().size, 1);
}

TEST(JobEnvironment, UnderstandsMpirun) {
  launch_with({{"OMPI_COMM_WORLD_RANK", "2"},
               {"OMPI_COMM_WORLD_SIZE", "4"},
               {"PMIX_NAMESPACE", "966066177"}});
  const JobEnvironment job = job_environment();
  EXPECT_TRUE(job.launched);
  EXPECT_EQ(job.rank, 2);
  EXPECT_EQ(job.size, 4);
  EXPECT_EQ(job.job, "966066177");
}

TEST(JobEnvironment, UnderstandsSrun) {
  launch_with({{"SLURM_STEP_ID", "0"},
               {"SLURM_PROCID", "5"},
               {"SLURM_STEP_NUM_TASKS", "6"},
               {"PMIX_RANK", "5"}});
  EXPECT_EQ(job_environment().rank, 5);
  EXPECT_EQ(job_environment().size, 6);
}

TEST(JobEnvironment, ABatchScriptIsNoRank) {
  launch_with({{"SLURM_PROCID", "0"}});
  EXPECT_FALSE(job_environment().launched);
}

TEST(JobEnvironment, RefusesARankWithoutASize) {
  launch_with({{"PMIX_RANK", "3"}});
  EXPECT_THROW(job_environment(), CommError);
}

}  // namespace
}  // namespace hadal::dist
