// Least time of one all-reduce by size: whole, by slices, and MPI_Allreduce (whose order is its
// own).
//
//   mpirun -np 2 all_reduce_bench
//
// The first two columns choose OrderedAllReduceOptions::whole_bytes.
#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>
#include <vector>

#include <fmt/format.h>
#include <mpi.h>

#include "dist/ordered_all_reduce.h"
#include "dist/world.h"

namespace hadal::dist {
namespace {

// The least of many, which other programs disturb least.
double least_us(Communicator& comm, const std::function<void()>& all_reduce) {
  std::vector<double> times;
  const std::int64_t start = monotonic_ns();
  bool enough = false;
  while (!enough) {
    comm.barrier();
    const std::int64_t begin = monotonic_ns();
    all_reduce();
    times.push_back(static_cast<double>(monotonic_ns() - begin) * 1e-3);
    enough = comm.all_reduce(monotonic_ns() - start, ReduceOp::kMax) > 600'000'000 ||
             times.size() >= 1000;
  }
  return comm.all_reduce(*std::min_element(times.begin(), times.end()), ReduceOp::kMax);
}

void run() {
  World world;
  Communicator& comm = world.communicator();
  constexpr std::size_t kAll = std::numeric_limits<std::size_t>::max();
  OrderedAllReduce whole(comm, {.whole_bytes = kAll, .whole_bytes_of_two = kAll});
  OrderedAllReduce sliced(comm, {.whole_bytes = 0, .whole_bytes_of_two = 0});
  if (comm.rank() == 0)
    fmt::print("{:>10} {:>12} {:>12} {:>12}\n", "bytes", "whole us", "sliced us", "MPI us");
  for (std::size_t bytes = 1 << 10; bytes <= std::size_t{64} << 20; bytes *= 4) {
    std::vector<float> values(bytes / sizeof(float), 0.0f);
    const double w = least_us(comm, [&] { whole.wait(whole.start(values)); });
    const double s = least_us(comm, [&] { sliced.wait(sliced.start(values)); });
    const double m = least_us(comm, [&] {
      MPI_Allreduce(MPI_IN_PLACE, values.data(), static_cast<int>(values.size()), MPI_FLOAT,
                    MPI_SUM, MPI_COMM_WORLD);
    });
    if (comm.rank() == 0) fmt::print("{:>10} {:>12.1f} {:>12.1f} {:>12.1f}\n", bytes, w, s, m);
  }
  world.finish();
}

}  // namespace
}  // namespace hadal::dist

int main() { hadal::dist::run(); }
