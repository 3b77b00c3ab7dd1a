// Every rule, by the name that registry.cc knows it by.
#pragma once

#include <memory>

#include "core/optim/adam.h"
#include "core/optim/rmsprop.h"
#include "core/optim/sgd.h"

namespace hadal::optim {

/// What make.operator()<Rule>() returns for the rule that `options` name; null for an unknown name.
template <typename Make>
std::unique_ptr<Optimizer> for_rule(const OptimizerOptions& o, const Make& make) {
  if (o.kind == "adam") return make.template operator()<Adam>();
  if (o.kind == "rmsprop_keras") return make.template operator()<RmspropKeras>();
  if (o.kind == "rmsprop_tensorflow") return make.template operator()<RmspropTensorflow>();
  if (o.kind != "sgd") return nullptr;
  if (o.momentum == 0) return make.template operator()<PlainSgd>();
  constexpr auto kOutside = MomentumForm::kRateOutside, kInside = MomentumForm::kRateInside;
  if (o.momentum_form == kOutside)
    return o.nesterov ? make.template operator()<MomentumSgd<kOutside, true>>()
                      : make.template operator()<MomentumSgd<kOutside, false>>();
  return o.nesterov ? make.template operator()<MomentumSgd<kInside, true>>()
                    : make.template operator()<MomentumSgd<kInside, false>>();
}

}  // namespace hadal::optim
