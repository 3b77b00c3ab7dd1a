#include "experiments/same_state.h"

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/hash.h"
#include "core/optim/optimizer.h"
#include "core/optim/schedule.h"
#include "experiments/evaluate.h"

namespace hadal::experiments {
namespace {

std::uint64_t state_hash(const Parameters& parameters, const NamedViews& optimizer,
                         const NamedViews& rate) {
  std::uint64_t hash = parameters.hash();
  for (const NamedViews* views : {&optimizer, &rate})
    for (const auto& [name, view] : *views)
      hash = hash64(HostView(view).view().data, view.bytes(), hash);
  return hash;
}

void name_what_differs(ReplicaGroup& group, const Parameters& parameters,
                       const NamedViews& optimizer, std::int64_t steps_done) {
  const auto require = [&](const std::string& what, const void* data, std::size_t bytes) {
    group.require_same(
        hash64(data, bytes),
        fmt::format("after step {}, the bits of {} and perhaps more", steps_done, what));
  };
  for (const auto& [name, view] : weights_of(parameters))
    require("'" + name + "'", HostView(view).view().data, view.bytes());
  for (const auto& [state, view] : optimizer) {
    const HostView host(view);
    if (view.shape != parameters.values().shape) {
      require(fmt::format("the optimizer's '{}'", state), host.view().data, view.bytes());
      continue;
    }
    const auto* values = host.as<float>();
    for (const Parameters::Entry& entry : parameters.entries())
      require(fmt::format("the optimizer's '{}' of '{}'", state, entry.name), values + entry.offset,
              static_cast<std::size_t>(entry.elements) * sizeof(float));
  }
}

}  // namespace

// One hash as long as all is well; when it is not, the first tensor that differs is named.
void require_same_state(ReplicaGroup& group, const Parameters& parameters,
                        const Optimizer& optimizer, const LearningRate& rate,
                        std::int64_t steps_done) {
  if (group.size() == 1) return;
  const NamedViews of_optimizer = optimizer.state();
  try {
    group.require_same(state_hash(parameters, of_optimizer, rate.state()),
                       "parameters and optimizer state");
  } catch (const CommError& error) {
    if (error.exit_code() == ExitCode::kReplicasDiffer)
      name_what_differs(group, parameters, of_optimizer, steps_done);
    throw;
  }
}

}  // namespace hadal::experiments
