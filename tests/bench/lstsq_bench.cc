// The other contestant of tests/bench/linalg/compare.py: least squares with the matrix in
// MATRIX.npy and the right-hand side beside it in MATRIX_b.npy; the protocol is that of svd_bench.
//
//   lstsq_bench MATRIX.npy [IGNORED] [--threads N]
#include <iostream>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/matrix/npy_writer.h"
#include "core/matrix/open_rows.h"
#include "dist/linalg/least_squares.h"
#include "dist/self_communicator.h"

namespace hadal {
namespace {

int run(const std::vector<std::string>& arguments) {
  dist::LeastSquaresOptions options;
  for (std::size_t i = 1; i + 1 < arguments.size(); ++i)
    if (arguments[i] == "--threads") options.threads = std::stoi(arguments[i + 1]);
  const std::string path = arguments.at(0);
  const auto a = matrix::open_rows({path});
  const auto b = matrix::open_rows({path.substr(0, path.rfind(".npy")) + "_b.npy"});
  const auto alone = dist::make_self_communicator();
  dist::LeastSquaresResult result = dist::least_squares(*alone, *a, *b, options);
  const SystemClock clock;
  std::cout << "ready" << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    if (line.starts_with("save ")) {
      matrix::write_npy(line.substr(5) + "/x.npy", result.x.values, {result.x.rows, result.x.cols});
      std::cout << "saved" << std::endl;
      continue;
    }
    const double start = clock.now_s();
    result = dist::least_squares(*alone, *a, *b, options);
    std::cout << fmt::format("{:.6f}", clock.now_s() - start) << std::endl;
  }
  std::cerr << fmt::format("{}; {} passes\n", result.reason, result.passes);
  return 0;
}

}  // namespace
}  // namespace hadal

int main(int argc, char** argv) {
  try {
    return hadal::run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::cerr << "lstsq_bench: " << error.what() << "\n";
    return 1;
  }
}
