// One fault: what breaks, on which rank, at which step and in what phase of it; and its words in a
// file, by which the driver tells the trainer.
//
//   id=3 kind=kill rank=1 step=17 point=backward
//
// A fault happens once, at the first opportunity at or after its step; then a file beside the list
// says where that was: FILE.3 holds "rank=1 pid=4711 step=17 host=n1".
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hadal::faults {

/// Where in a step.
enum class Point {
  kData,
  kForward,
  kBackward,
  kAllReduce,
  kOptimizer,
  kCheckpoint,  // all ranks, before the root writes
  kWrite,       // of a file of a checkpoint or result, by the root
  kSync,
  kRename,
  kEvaluate,
  kFinalize,  // MPI is closed, the result is written
};

enum class Kind {
  // The rank ends.
  kKill,
  kSegv,
  kAbort,
  kException,
  kExit,  // exit(0), without a word to the others
  // It does not answer.
  kStop,
  kPause,
  kSpin,
  kLock,
  kExtraCollective,  // it waits for the others in a call that they do not make
  // Others end, or wish it.
  kMpirunKilled,
  kLauncherKilled,
  kInterrupt,   // Ctrl-C at the launcher
  kDrainAll,    // SIGUSR1 to mpirun
  kDrainOne,    // SIGUSR2 to this rank alone
  kTerminate,   // SIGTERM to this rank alone
  kSuperseded,  // a later attempt claims the run
  kPowerCut,    // the file system of the run stops, and with it the rank
  // Its files.
  kNoSpace,
  kIoError,
  kTornWrite,  // half of a write, then SIGKILL
  // Its numbers.
  kFlipWeight,
  kFlipOptimizer,
  kFlipStatistic,  // running statistics of batch normalisation
  kFlipGradient,   // after the sum over ranks
  kNanImage,
  kNanGradient,  // before the sum
  kNanWeight,
  kFlipGradientBefore,  // before the sum: not seen by any check
  // Between two attempts, by the driver.
  kTruncated,
  kFlipped,
  kRemoved,
};

struct Fault {
  int id = 0;
  Kind kind = Kind::kKill;
  int rank = 0;
  std::int64_t step = 0;
  Point point = Point::kData;
};

std::string_view name_of(Kind kind);
std::string_view name_of(Point point);
/// "kill of rank 1 at step 17 in backward".
std::string describe(const Fault& fault);

/// Seconds until a silent rank is to be named, unless --patience multiplies them.
inline constexpr double kPatience_s = 4;

/// The variable that names the list of faults.
inline constexpr const char* kFaultsVariable = "HADAL_FAULTS";

void write_faults(const std::filesystem::path& path, const std::vector<Fault>& faults);
std::vector<Fault> read_faults(const std::filesystem::path& path);

/// Where and when a fault happened.
struct Happened {
  int rank = 0, pid = 0;
  std::int64_t step = 0;
  std::string host;
  std::int64_t saved = -1;  // the newest checkpoint then
};
/// True for the first who asks, over all processes and attempts.
bool claim_fault(const std::filesystem::path& faults, int id, const Happened& happened);
/// None: it has not.
std::optional<Happened> read_happened(const std::filesystem::path& faults, int id);

}  // namespace hadal::faults
