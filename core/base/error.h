// What can go wrong, by who is to blame. A message says who, what was found, what was wanted and
// the way out when one is known, on one line; programs print it after "hadal: " and exit with
// exit_code().
#pragma once

#include <stdexcept>
#include <string>

namespace hadal {

/// Exit codes of every `hadal` process; 64..78 follow sysexits.h.
enum class ExitCode : int {
  kOk = 0,
  kUsage = 64,
  kBadData = 65,
  kMissingInput = 66,
  kInternal = 70,  // a fault of the program itself
  kCannotWrite = 73,
  kIo = 74,
  kDrained = 75,  // stopped on request after saving a checkpoint: resume me
  kPermission = 77,
  kConfig = 78,
  kHang = 85,
  kReplicasDiffer = 86,
  kNotFinite = 87,
  kOutOfMemory = 88,
  kPeerLost = 89,
  kInterrupted = 130,
};

class Error : public std::runtime_error {
 public:
  Error(ExitCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ExitCode exit_code() const { return code_; }

 private:
  ExitCode code_;
};

/// A command line that cannot be understood.
struct UsageError : Error {
  explicit UsageError(const std::string& m) : Error(ExitCode::kUsage, m) {}
};
/// A spec, option or combination of them that has no meaning.
struct ConfigError : Error {
  explicit ConfigError(const std::string& m) : Error(ExitCode::kConfig, m) {}
};
/// Tensors that do not fit together.
struct ShapeError : Error {
  explicit ShapeError(const std::string& m) : Error(ExitCode::kConfig, m) {}
};
/// A file that was read but is not what it should be: truncated, corrupted, of another kind.
struct DataError : Error {
  explicit DataError(const std::string& m) : Error(ExitCode::kBadData, m) {}
};
/// The operating system refused: pass kMissingInput, kCannotWrite, kPermission or kIo.
struct IoError : Error {
  IoError(ExitCode code, const std::string& m) : Error(code, m) {}
};
/// IoError for a failed system call on `path`; the exit code follows from errno (`error_number`).
IoError io_error(const std::string& doing, const std::string& path, int error_number);

struct DeviceError : Error {
  explicit DeviceError(const std::string& m) : Error(ExitCode::kConfig, m) {}
};
/// Ranks that lost or contradict each other.
struct CommError : Error {
  explicit CommError(const std::string& m, ExitCode code = ExitCode::kPeerLost) : Error(code, m) {}
};
/// A loss or gradient that is NaN or infinite.
struct NotFiniteError : Error {
  explicit NotFiniteError(const std::string& m) : Error(ExitCode::kNotFinite, m) {}
};

namespace internal {
[[noreturn]] void check_failed(const char* expression, const char* file, int line);
}

/// States what cannot be false; stays on in release builds. Throws std::logic_error.
#define HADAL_CHECK(condition) \
  ((condition) ? void(0) : ::hadal::internal::check_failed(#condition, __FILE__, __LINE__))

}  // namespace hadal
