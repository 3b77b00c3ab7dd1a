// Damaged files of runs, sweeps and clusters: whatever the bytes, a reader gives what it can make
// of them or throws an Error of one line. Run under the address and undefined-behaviour sanitizers
// as well; HADAL_MUTATION_ROUNDS asks for more.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>

#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/base/strings.h"
#include "launcher/claim.h"
#include "launcher/doctor/host_facts.h"
#include "launcher/plan/estimate.h"
#include "launcher/run_store.h"
#include "launcher/schedulers/hosts.h"
#include "launcher/schedulers/slurm_job.h"
#include "launcher/step_trace.h"
#include "launcher/sweep_store.h"
#include "tests/core/mutated.h"
#include "tests/launcher/made_sweep.h"

namespace hadal::launcher {
namespace {

namespace fs = std::filesystem;

std::uint64_t rounds() {
  const char* asked = std::getenv("HADAL_MUTATION_ROUNDS");
  return asked == nullptr ? 1000 : static_cast<std::uint64_t>(parse_int(asked, "rounds"));
}

// Truncating a file that is there makes some file systems wait for the disk; a new one does not.
void write_new(const fs::path& path, const std::string& bytes) {
  fs::remove(path);
  std::ofstream(path, std::ios::binary) << bytes;
}

class LauncherMutation : public testing::Test {
 protected:
  /// Damages `file` of the folder in every round and reads. Returns how often that was refused.
  int refused(const std::string& file, const std::function<void()>& read) {
    const std::string good = read_file(folder / file);
    EXPECT_NO_THROW(read());
    int count = 0;
    for (std::uint64_t round = 0; round < rounds(); ++round) {
      SCOPED_TRACE(testing::Message() << file << " seed " << kMutationSeed << " round " << round);
      write_new(folder / file, mutated(good, round));
      try {
        read();
      } catch (const Error& error) {
        ++count;
        EXPECT_NE(error.exit_code(), ExitCode::kInternal);
        EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
      }
    }
    write_new(folder / file, good);
    return count;
  }
  int refused_text(const std::string& good, const std::function<void(const std::string&)>& read) {
    write_new(folder / "text", good);
    return refused("text", [&] { read(read_file(folder / "text")); });
  }
  int least() const { return static_cast<int>(rounds() / 4); }

  TemporaryFolder root;
  const fs::path folder = root.path();
};

TEST_F(LauncherMutation, FilesOfARun) {
  prepare_run_folder(folder, "model { name: \"x\" }", "0123456789abcdef", {{"host", "n1"}});
  MetricsWriter writer(folder);
  for (int epoch = 1; epoch <= 3; ++epoch)
    writer.epoch({.epoch = epoch, .step = 10 * epoch, .train_loss = 0.5, .validation_error = 3.5});
  writer.event({"resumed", 20, "from a checkpoint", 1.5});
  write_progress(folder, {1, 2, 3, 4, 0.5, 100, 12});
  write_result(folder, finished({.last = 8.75, .best = 9}));
  const auto read = [&] { read_run(folder); };
  EXPECT_GT(refused("result.json", read), least());
  EXPECT_GT(refused("metrics.jsonl", read), least());
  EXPECT_GT(refused("environment.json", read), 0);
  // Whoever looks while it is written makes do without it.
  EXPECT_EQ(refused("progress.json", read), 0);
}

TEST_F(LauncherMutation, Traces) {
  TraceWriter writer(folder);
  writer.begin({"conv1.weight", "fc.bias"});
  for (int step = 1; step <= 5; ++step) {
    const std::uint64_t hashes[] = {1, 2};
    const double shards[] = {0.5, 0.25};
    writer.add(step, 0.5, hashes, shards);
  }
  const Trace whole = read_trace(folder);
  EXPECT_GT(refused("trace.jsonl", [&] { compare(read_trace(folder), whole); }), least());
}

TEST_F(LauncherMutation, PlansOfSweeps) {
  MadeSweep made;
  made.plan("row", "column", 1);
  made.plan("row", "column", 2);
  made.read();
  fs::copy(made.path(), folder, fs::copy_options::recursive);
  EXPECT_GT(refused("plan.json", [&] { read_sweep(folder); }), least());
}

TEST_F(LauncherMutation, Hostfiles) {
  write_file_atomically(folder / "hosts", "# ours\nn1 slots=2\nnode-2.example.org slots=16\nn3\n");
  EXPECT_GT(refused("hosts", [&] { read_hostfile(folder / "hosts"); }), least());
}

TEST_F(LauncherMutation, Claims) {
  Claim claim(folder, "36");
  release_claim(folder, 1, 75);
  const auto read = [&] { EXPECT_EQ(read_claims(folder).size(), 1u); };
  // Somebody else's file is as good as none.
  EXPECT_EQ(refused("attempts/0001/owner.json", read), 0);
  EXPECT_EQ(refused("attempts/0001/exit.json", read), 0);
}

TEST_F(LauncherMutation, BatchJobs) {
  const auto run = folder / "run";
  std::filesystem::create_directories(run);
  write_submission({{.job = {.folder = run, .command = {"hadal", "train"}, .ranks = 2}}},
                   {{.mark = "0123456789abcdef"}});
  EXPECT_GT(refused("run/job.json", [&] { read_batch_job(run); }), least());
}

TEST_F(LauncherMutation, FactsOfHostsAndEstimates) {
  doctor::HostFacts facts;
  facts.host = "n1";
  facts.versions["oneDNN"] = {"2.6.3", "2.6.3"};
  EXPECT_GT(
      refused_text(to_json(facts), [](const auto& text) { doctor::host_facts_from_json(text); }),
      least());
  RunEstimate estimate;
  estimate.probe.emplace();
  EXPECT_GT(refused_text(to_json(estimate), [](const auto& text) { run_estimate_from_json(text); }),
            least());
}

}  // namespace
}  // namespace hadal::launcher
