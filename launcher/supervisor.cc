#include "launcher/supervisor.h"

#include <cerrno>
#include <csignal>
#include <utility>

#include <fmt/format.h>
#include <sys/stat.h>

#include "core/base/error.h"
#include "launcher/environment.h"
#include "launcher/mpirun.h"
#include "launcher/run_store.h"

namespace hadal::launcher {
namespace fs = std::filesystem;
namespace {

constexpr double kTick_s = 0.1;
constexpr double kLookEvery_s = 1;       // beats, and whether a later attempt has come
constexpr double kGraceAfterExit_s = 1;  // ranks of a killed mpirun notice and leave within 1 s

bool is_finished(const fs::path& folder) {
  try {
    const auto result = read_result(folder);
    return result && result->status == RunStatus::kFinished;
  } catch (const DataError&) {
    return false;
  }
}

}  // namespace

Supervisor::Supervisor(Job job, SupervisorOptions options, Processes& processes, Clock& clock,
                       std::function<int()> last_signal)
    : job_(std::move(job)),
      options_(std::move(options)),
      processes_(processes),
      clock_(clock),
      last_signal_(std::move(last_signal)),
      claim_(job_.folder, job_.id),
      watch_(clock, options_.silence_limit_s),
      scratch_(scratch_folder(options_.scratch, job_)) {}

int Supervisor::run() {
  int exit_code = static_cast<int>(ExitCode::kDrained);
  try {
    while (last_signal_() == 0 && earlier_attempt_lives()) clock_.sleep(kLookEvery_s);
    if (is_finished(job_.folder))
      exit_code = 0;
    else if (last_signal_() == 0)
      exit_code = run_ranks();
  } catch (const Error& error) {
    release_claim(job_.folder, claim_.number(), static_cast<int>(error.exit_code()));
    throw;
  }
  release_claim(job_.folder, claim_.number(), exit_code);
  return exit_code;
}

bool Supervisor::earlier_attempt_lives() {
  require_mine();
  claim_.beat();
  for (const ClaimRecord& claim : read_claims(job_.folder))
    if (claim.number < claim_.number() && watch_.is_alive(job_.folder, claim)) return true;
  return false;
}

int Supervisor::run_ranks() {
  const int mpirun = start_ranks();
  std::optional<int> exit_code;
  try {
    while (!(exit_code = processes_.try_wait(mpirun))) {
      look_after(mpirun);
      clock_.sleep(kTick_s);
    }
  } catch (...) {
    processes_.send_signal(mpirun, SIGKILL);
    end_leftovers();
    throw;
  }
  end_leftovers();
  return last_words_->has_ended_it() ? static_cast<int>(ExitCode::kHang) : *exit_code;
}

int Supervisor::start_ranks() {
  std::error_code ignored;
  fs::remove_all(scratch_, ignored);
  if (::mkdir(scratch_.c_str(), 0700) != 0)
    throw io_error("cannot create", scratch_.string(), errno);
  last_words_.emplace(job_.folder, processes_, clock_);
  ProcessSpec process;
  process.log = job_.folder / "log.txt";
  process.signal_when_orphaned = SIGUSR1;
  process.environment = rank_environment(job_);
  process.environment[kAttemptVariable] = std::to_string(claim_.number());
  if (options_.as_root) {
    process.environment["OMPI_ALLOW_RUN_AS_ROOT"] = "1";
    process.environment["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1";
  }
  process.arguments = arguments(process.environment);
  return processes_.start(process);
}

// Adds to the environment what Open MPI has to know.
std::vector<std::string> Supervisor::arguments(std::map<std::string, std::string>& environment) {
  if (options_.srun) return srun_in_a_job(job_);
  if (options_.hosts == 1) {
    const bool oversubscribed =
        job_.ranks * job_.cores_per_rank > static_cast<int>(usable_cores().size());
    // Ranks beside mpirun need no help of the cluster, which may be away: nor do they need as many
    // cores as it counts, for it does not count threads of a core.
    environment.insert({{"OMPI_MCA_plm", "^slurm"},
                        {"OMPI_MCA_ras", "^slurm"},
                        {"OMPI_MCA_rmaps_base_oversubscribe", "1"}});
    return mpirun_on_one_host(options_.mpirun, job_, scratch_, oversubscribed);
  }
  std::vector<std::string> pass_on;
  for (const auto& [name, value] : environment) pass_on.push_back(name);
  return mpirun_on_hosts(options_.mpirun, job_, pass_on);
}

void Supervisor::look_after(int mpirun) {
  if (last_signal_() != 0 && !draining_) {
    draining_ = true;
    processes_.send_signal(mpirun, SIGUSR1);
  }
  last_words_->look(mpirun);
  if (clock_.now_s() - looked_at_ < kLookEvery_s) return;
  looked_at_ = clock_.now_s();
  claim_.beat();
  require_mine();
}

void Supervisor::require_mine() {
  if (!claim_.is_latest())
    throw Superseded(
        fmt::format("{}: a later attempt than {} has taken this run over; job {} stops",
                    job_.folder.filename().string(), claim_.number(), job_.id));
}

void Supervisor::end_leftovers() {
  const auto left = [&] { return processes_.find_marked(kRunVariable, job_.folder.string()); };
  const double since = clock_.now_s();
  for (std::vector<int> pids = left(); !pids.empty(); pids = left()) {
    if (clock_.now_s() - since > kGraceAfterExit_s)
      for (const int pid : pids) processes_.send_signal(pid, SIGKILL);
    clock_.sleep(kTick_s);
  }
  std::error_code ignored;
  fs::remove_all(scratch_, ignored);
}

}  // namespace hadal::launcher
