// One layer on given shapes, and one run of it by a backend on memory that tells when it is
// misused: every buffer stands between guard zones, everything a kernel must write is NaN before,
// and what it may only read is compared afterwards.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "core/backend.h"
#include "core/graph.h"

namespace hadal::test {

struct LayerCase {
  std::string name = {};
  /// Appends the layer to be tested and returns its value.
  std::function<Value(Graph&, std::span<const Value>)> build = {};
  std::vector<Shape> in = {};    // N included
  std::vector<int> labels = {};  // inputs that are int32 labels, 0 .. classes - 1
  int classes = 10;
  std::vector<int> closed = {};  // inputs whose gate is closed
  bool training = true;
  double low = -1.0, high = 1.0;  // range of the inputs
  std::int64_t terms = 1;         // of the longest sum behind an element of out or d_in
};

/// All numbers a run starts from, in NHWC order. Inputs are spread evenly over [low, high] in
/// random order, so no two are equal and none is zero: no maximum is tied and no ReLU sits on its
/// kink.
struct LayerValues {
  std::vector<std::vector<double>> in, parameters, running;
  std::vector<double> d_out;
  std::vector<std::vector<double>> d_in_before;  // what add_to_d_in adds to
};
LayerValues draw_values(const LayerCase& layer_case, std::uint64_t seed = 1);

struct RunOptions {
  DType type = DType::kFloat64;
  bool backward = true;
  bool preferred_layouts = false;  // those the backend asks for, else NHWC
  bool forward_in_place = false;   // out is in[0], where the layer allows it
  bool backward_in_place = false;  // d_in[0] is d_out, where the layer allows it
  bool poison = false;       // NaN (labels: other ones) over what backward does not say it reads
  bool add_to_d_in = false;  // add where the kernel can
  std::vector<int> without_d_in = {};  // inputs whose gradient is not wanted
  bool wants_d_parameters = true;
};

/// Results in NHWC order. Empty: not wanted, or no such thing. NaN: wanted and never written.
/// Where d_in was added to, what it was added to is taken off again.
struct LayerResult {
  std::vector<double> out;
  std::vector<std::vector<double>> statistics, d_in, d_parameters;
  bool ran_backward = false;
};

/// Runs forward and, when some gradient is wanted, backward once. Expectations fail (naming case
/// and buffer) when a guard zone, an input or a parameter was written to.
LayerResult run_layer(Backend& backend, const LayerCase& layer_case, const LayerValues& values,
                      const RunOptions& options = {});

/// The layer a case builds.
std::shared_ptr<const Layer> layer_of(const LayerCase& layer_case);

/// Shape of the case's output, N included.
Shape output_shape_of(const LayerCase& layer_case);

}  // namespace hadal::test
