// A read of a matrix that ends in sums over all its groups, on all ranks. Sums are of whole numbers
// (core/linalg/fixed_point.h), so nothing tells in which order threads and ranks added; a sum that
// does not fit its unit is found out when all is added, and the read is done again with another.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "core/linalg/fixed_point.h"
#include "dist/communicator.h"
#include "dist/linalg/row_pass.h"
#include "dist/ordered_all_reduce.h"

namespace hadal::dist {

/// A sum over all groups.
struct SumShape {
  std::int64_t size = 0;
  int exponent = 0;
  int limbs = 1;
};

struct SummedPassCounters {
  std::int64_t all_reduce_bytes = 0, all_reduce_bytes_of_a_pass = 0;  // the most in one
  std::int64_t peak_bytes = 0;  // of sums, buffers and what was said to be held
};

class SummedPass {
 public:
  using Sums = std::vector<std::vector<double>>;
  /// Adds a group to the sums of a thread.
  using Work =
      std::function<void(int thread, const Group& group, std::span<linalg::FixedPointSum> sums)>;
  /// Told the shapes of the next attempt before it is made; may throw.
  using OnOverflow = std::function<void(std::span<const SumShape>)>;

  SummedPass(Communicator& comm, RowPass& pass) : comm_(comm), pass_(pass), reduce_(comm) {}

  /// Collective: the sums of all ranks, one for every shape. NaN overflows any unit.
  /// `held_bytes`: of the caller's during the read.
  Sums read(std::vector<SumShape> shapes, std::int64_t held_bytes, const Work& work,
            const OnOverflow& on_overflow);

  /// Collective: adds the sums of all ranks.
  void all_reduce(linalg::FixedPointSum& sum);

  const SummedPassCounters& counters() const { return counters_; }

 private:
  Communicator& comm_;
  RowPass& pass_;
  OrderedAllReduce reduce_;
  SummedPassCounters counters_;
};

}  // namespace hadal::dist
