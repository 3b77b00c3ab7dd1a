#include "models/drop_path.h"

#include "core/base/error.h"
#include "core/base/random.h"

namespace hadal::models {

namespace {

// Streams of one step.
enum Draw : std::uint64_t { kDropInput = 0, kChooseSampling = 1, kRevive = 2 };

random::Stream stream(std::uint64_t seed, std::uint64_t step, Draw draw) {
  return {seed, random::Purpose::kGate, step, draw};
}

}  // namespace

DropPath::DropPath(std::vector<Join> joins, int columns, double drop_probability,
                   double global_share)
    : joins_(std::move(joins)),
      columns_(columns),
      drop_probability_(drop_probability),
      global_share_(global_share) {
  for (const Join& join : joins_) {
    HADAL_CHECK(!join.empty());
    gates_ += join.size();
  }
}

int DropPath::global_column(std::uint64_t seed, std::uint64_t step) const {
  const random::Stream choice = stream(seed, step, kChooseSampling);
  if (random::uniform_open(choice, 0) >= global_share_) return -1;
  return static_cast<int>(random::below(choice, columns_, 1));
}

GateMask DropPath::sample(std::uint64_t seed, std::uint64_t step) const {
  GateMask mask(gates_, 0);
  const int column = global_column(seed, step);
  for (std::size_t j = 0; j < joins_.size(); ++j) {
    const Join& join = joins_[j];
    bool any = false;
    for (const Input& input : join) {
      const bool open = column >= 0 ? input.column == column
                                    : random::uniform_open(stream(seed, step, kDropInput),
                                                           input.gate.id) >= drop_probability_;
      mask[input.gate.id] = open;
      any = any || open;
    }
    if (column < 0 && !any) {
      const auto revived =
          random::below(stream(seed, step, kRevive), static_cast<std::uint32_t>(join.size()), j);
      mask[join[revived].gate.id] = 1;
    }
  }
  return mask;
}

}  // namespace hadal::models
