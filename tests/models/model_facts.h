// What tests ask of a built model.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/model.h"
#include "core/params.h"
#include "models/registry.h"

namespace hadal::models {

struct Counts {
  std::int64_t weights = 0;  // of convolutions and fully connected layers, biases included
  std::int64_t batch_norm = 0;
  std::int64_t trainable = 0;  // all of it
  std::int64_t macs = 0;       // one image
  int weight_layers = 0;       // convolutions and fully connected layers, without 1x1 shortcuts
  int depth = 0;  // convolutions and fully connected layers on the longest path from image to loss
};

Counts count(const Model& model);

inline Model net(const std::string& family, const std::vector<std::string>& settings = {},
                 const InputSpec& input = {}) {
  return build(family, settings, input);
}

}  // namespace hadal::models
