// One contestant of tests/bench/linalg/compare.py: holds a matrix in memory, prints "ready", and
// for every line it reads runs the SVD once and prints the seconds; for "save FOLDER" it writes
// u.npy, s.npy and vt.npy of the last run there.
//
//   svd_bench MATRIX.npy K [--threads N] [--exact] [--centre] [--passes N] [--float64]
//   [--no-probes]
//
// Under mpirun every rank holds the whole file mapped and works on its rows; rank 0 speaks.
#include <algorithm>
#include <cstring>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/strings.h"
#include "core/matrix/memory_rows.h"
#include "core/matrix/npy_writer.h"
#include "core/matrix/open_rows.h"
#include "dist/linalg/svd.h"
#include "dist/world.h"

namespace hadal {
namespace {

/// U of this rank, float32 (float64 narrowed: the judge wants no more).
class KeepU : public dist::ScoreSink {
 public:
  explicit KeepU(std::int64_t rows) : rows_(rows) {}
  void begin(int k) {
    if (scores_.empty()) scores_.resize(static_cast<std::size_t>(rows_ * k));
  }
  void take(std::int64_t first_row, std::int64_t rows, int k, const float* scores) override {
    std::memcpy(scores_.data() + first_row * k, scores,
                static_cast<std::size_t>(rows * k) * sizeof(float));
  }
  void take(std::int64_t first_row, std::int64_t rows, int k, const double* scores) override {
    std::transform(scores, scores + rows * k, scores_.begin() + first_row * k,
                   [](double value) { return static_cast<float>(value); });
  }
  std::vector<float> u(const std::vector<double>& sigma) const {
    std::vector<float> u = scores_;
    for (std::size_t i = 0; i < u.size(); ++i) {
      const double s = sigma[i % sigma.size()];
      u[i] = s > 0 ? static_cast<float>(u[i] / s) : 0.0f;
    }
    return u;
  }

 private:
  std::int64_t rows_;
  std::vector<float> scores_;
};

void save(const std::string& folder, const dist::SvdResult& result, const KeepU& kept) {
  const std::int64_t k = result.k;
  matrix::write_npy(folder + "/u.npy", kept.u(result.singular_values), {result.rows, k});
  matrix::write_npy(folder + "/s.npy", result.singular_values, {k});
  matrix::write_npy(folder + "/vt.npy", result.components.values, {k, result.cols});
}

int run(const std::vector<std::string>& arguments) {
  dist::SvdOptions options;
  options.target.components = std::stoi(arguments.at(1));
  for (std::size_t i = 2; i < arguments.size(); ++i) {
    if (arguments[i] == "--exact")
      options.exact = true;
    else if (arguments[i] == "--centre")
      options.centre = true;
    else if (arguments[i] == "--no-probes")
      options.probes = 0;
    else if (arguments[i] == "--float64")
      options.precision = dist::Precision::kFloat64;
    else if (arguments[i] == "--threads")
      options.threads = std::stoi(arguments.at(++i));
    else if (arguments[i] == "--passes")
      options.passes = std::stoi(arguments.at(++i));
    else
      throw UsageError(fmt::format("svd_bench: unknown option '{}'", arguments[i]));
  }
  // Between two runs it waits for whoever asks, however long.
  dist::World world({.use_watchdog = false});
  dist::Communicator& comm = world.communicator();
  const bool is_root = comm.rank() == 0;
  matrix::OpenOptions in_memory;
  in_memory.use.access = matrix::FileAccess::kMap;
  const auto a = matrix::open_rows({arguments.at(0)}, in_memory);
  KeepU kept(a->rows());
  kept.begin(*options.target.components);
  dist::SvdResult result = dist::svd(comm, *a, options, &kept);
  const SystemClock clock;
  if (is_root) std::cout << "ready" << std::endl;
  for (;;) {
    std::string line;
    if (is_root && !std::getline(std::cin, line)) line = "end";
    std::string command(256, '\0');
    line.copy(command.data(), command.size());
    comm.broadcast(std::as_writable_bytes(std::span(command)), 0);
    line = command.c_str();
    if (line == "end") break;
    if (line.starts_with("save ")) {
      save(line.substr(5), result, kept);
      std::cout << "saved" << std::endl;
      continue;
    }
    comm.barrier();
    const double start = clock.now_s();
    result = dist::svd(comm, *a, options, &kept);
    comm.barrier();
    if (is_root) std::cout << fmt::format("{:.6f}", clock.now_s() - start) << std::endl;
  }
  if (is_root) {
    const dist::SvdCounters& c = result.counters;
    std::cerr << fmt::format(
        "{}; {} passes, read {:.3f} s, kernels {:.3f} s, small {:.3f} s, certificate {:.3f} s, "
        "{:.1f} "
        "GFLOP/s, {} beyond the matrix, {} all-reduced\n",
        result.plan.reason, c.passes, c.read_seconds, c.kernel_seconds, c.small_seconds,
        c.certificate_seconds, c.flops / c.seconds / 1e9,
        format_bytes(static_cast<double>(c.peak_memory_bytes)),
        format_bytes(static_cast<double>(c.all_reduce_bytes)));
  }
  world.finish();
  return 0;
}

}  // namespace
}  // namespace hadal

int main(int argc, char** argv) {
  try {
    return hadal::run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::cerr << "svd_bench: " << error.what() << "\n";
    return 1;
  }
}
