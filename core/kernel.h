// What a prepared piece of work may read and write when it runs. A kernel is prepared once by a
// backend for fixed shapes (choose, tune, size), then only run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/tensor.h"

namespace hadal {

/// Where in training a run stands; draws of dropout are a function of this and of the element's
/// place in the global batch alone.
struct StepInfo {
  std::uint64_t seed = 0;
  std::uint64_t step = 0;
  std::int64_t first_sample = 0;  // place of this batch's sample 0 in the global batch
};

/// All that one run of a kernel touches. Views not wanted or not present have null data.
struct KernelArgs {
  std::span<const TensorView> in;  // null data: the gate on this edge is closed
  TensorView out;
  std::span<const TensorView> parameters;  // in the order of Layer::parameters
  std::span<const TensorView>
      running;  // BN running mean and variance; read at inference, never written here
  std::span<const TensorView>
      statistics;              // BN mean and variance of this batch; written by forward in training
  std::byte* saved = nullptr;  // saved_bytes(): forward to backward
  std::byte* workspace = nullptr;  // workspace_bytes(): garbage before and after
  StepInfo step;

  // Backward only. d_out is read (and may be overwritten); d_in and d_parameters are overwritten,
  // not added to, except d_in[i] when add_to_d_in[i] is set (only ever set where
  // Kernel::adds_to_d_in(i)). d_in[0] may be the same memory as d_out where
  // Layer::backward_in_place allows it.
  TensorView d_out;
  std::span<const TensorView> d_in;
  std::span<const TensorView> d_parameters;
  std::span<const bool> add_to_d_in;
};

class Kernel {
 public:
  virtual ~Kernel() = default;
  virtual std::size_t saved_bytes() const { return 0; }
  virtual std::size_t workspace_bytes() const { return 0; }
  virtual bool adds_to_d_in(int /*input*/) const { return false; }
  virtual void forward(const KernelArgs& args) = 0;
  virtual void backward(const KernelArgs& args) = 0;
};

}  // namespace hadal
