#include "core/cuda/dnn_graph.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/base/error.h"
#include "core/cuda/check.h"

namespace hadal::cuda {
namespace {

enum TensorId : std::int64_t { kX = 1, kW = 2, kY = 3 };

/// A descriptor of the backend API: created, given attributes, finalised, then only read.
class Descriptor {
 public:
  explicit Descriptor(cudnnBackendDescriptorType_t type) {
    HADAL_CHECK_CUDA(cudnnBackendCreateDescriptor(type, &descriptor_));
  }
  ~Descriptor() {
    if (descriptor_) cudnnBackendDestroyDescriptor(descriptor_);
  }
  Descriptor(Descriptor&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, nullptr)) {}
  Descriptor& operator=(Descriptor&&) = delete;

  cudnnBackendDescriptor_t get() const { return descriptor_; }

  void set(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, std::int64_t count,
           const void* values) {
    HADAL_CHECK_CUDA(cudnnBackendSetAttribute(descriptor_, name, type, count, values));
  }
  void set(cudnnBackendAttributeName_t name, const Descriptor& value) {
    set(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &value.descriptor_);
  }
  void set(cudnnBackendAttributeName_t name, cudnnHandle_t handle) {
    set(name, CUDNN_TYPE_HANDLE, 1, &handle);
  }
  template <std::size_t kCount>
  void set(cudnnBackendAttributeName_t name, const std::array<std::int64_t, kCount>& values) {
    set(name, CUDNN_TYPE_INT64, kCount, values.data());
  }

  void finalize() { HADAL_CHECK_CUDA(cudnnBackendFinalize(descriptor_)); }
  /// False: this machine's cuDNN cannot do it.
  bool try_finalize() { return cudnnBackendFinalize(descriptor_) == CUDNN_STATUS_SUCCESS; }

  /// How many values were read, at most `room`.
  std::int64_t read(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type,
                    std::int64_t room, void* values) const {
    std::int64_t count = 0;
    HADAL_CHECK_CUDA(cudnnBackendGetAttribute(descriptor_, name, type, room, &count, values));
    return std::min(count, room);
  }

 private:
  cudnnBackendDescriptor_t descriptor_ = nullptr;
};

/// An N x H x W x C tensor; cuDNN names extents in the order N, C, H, W and takes NHWC from
/// strides.
Descriptor tensor(TensorId id, std::int64_t n, std::int64_t c, std::int64_t h, std::int64_t w) {
  const cudnnDataType_t type = CUDNN_DATA_FLOAT;
  constexpr std::int64_t kAlignment = 16;
  Descriptor d(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
  d.set(CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &type);
  d.set(CUDNN_ATTR_TENSOR_DIMENSIONS, std::array{n, c, h, w});
  d.set(CUDNN_ATTR_TENSOR_STRIDES, std::array{h * w * c, std::int64_t{1}, w * c, c});
  d.set(CUDNN_ATTR_TENSOR_UNIQUE_ID, std::array{std::int64_t{id}});
  d.set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, std::array{kAlignment});
  d.finalize();
  return d;
}

Descriptor convolution(const ConvolutionForm& f) {
  const cudnnDataType_t type = CUDNN_DATA_FLOAT;
  const cudnnConvolutionMode_t mode = CUDNN_CROSS_CORRELATION;
  Descriptor d(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
  d.set(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &type);
  d.set(CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, 1, &mode);
  d.set(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, std::array{std::int64_t{2}});
  d.set(CUDNN_ATTR_CONVOLUTION_DILATIONS, std::array{f.dilation, f.dilation});
  d.set(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, std::array{f.stride_h, f.stride_w});
  d.set(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, std::array{f.top, f.left});
  d.set(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, std::array{f.bottom, f.right});
  d.finalize();
  return d;
}

/// The names of one pass's attributes.
struct PassNames {
  cudnnBackendDescriptorType_t operation;
  cudnnBackendAttributeName_t alpha, beta, convolution, x, w, y;
};

PassNames names_of(ConvolutionPass pass) {
  switch (pass) {
    case ConvolutionPass::kForward:
      return {CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y};
    case ConvolutionPass::kBackwardData:
      return {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY};
    case ConvolutionPass::kBackwardWeights:
      break;
  }
  return {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR,
          CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA,
          CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA,
          CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
          CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X,
          CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
          CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY};
}

/// A graph of one operation. cuDNN does not say that it keeps what a descriptor was given, so all
/// of them live as long as the plans made from them.
struct Graph {
  Graph(cudnnHandle_t handle, ConvolutionPass pass, const ConvolutionForm& f)
      : form(convolution(f)),
        x(tensor(kX, f.n, f.c, f.h, f.w)),
        w(tensor(kW, f.out, f.group_channels(), f.kernel_h, f.kernel_w)),
        y(tensor(kY, f.n, f.out, f.out_h, f.out_w)),
        operation(names_of(pass).operation),
        graph(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR) {
    const PassNames names = names_of(pass);
    const float alpha = 1, beta = 0;
    operation.set(names.convolution, form);
    operation.set(names.x, x);
    operation.set(names.w, w);
    operation.set(names.y, y);
    operation.set(names.alpha, CUDNN_TYPE_FLOAT, 1, &alpha);
    operation.set(names.beta, CUDNN_TYPE_FLOAT, 1, &beta);
    operation.finalize();
    graph.set(CUDNN_ATTR_OPERATIONGRAPH_HANDLE, handle);
    graph.set(CUDNN_ATTR_OPERATIONGRAPH_OPS, operation);
    graph.finalize();
  }

  Descriptor form, x, w, y, operation, graph;
};

/// float32 throughout, and the same bits every time. Tensor cores would mean TF32.
bool is_wanted(const Descriptor& config) {
  Descriptor engine(CUDNN_BACKEND_ENGINE_DESCRIPTOR);
  cudnnBackendDescriptor_t raw = engine.get();
  config.read(CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &raw);
  std::array<cudnnBackendNumericalNote_t, CUDNN_NUMERICAL_NOTE_TYPE_COUNT> notes{};
  const std::int64_t count = engine.read(CUDNN_ATTR_ENGINE_NUMERICAL_NOTE,
                                         CUDNN_TYPE_NUMERICAL_NOTE, notes.size(), notes.data());
  return std::none_of(notes.begin(), notes.begin() + count, [](cudnnBackendNumericalNote_t note) {
    return note == CUDNN_NUMERICAL_NOTE_TENSOR_CORE ||
           note == CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS ||
           note == CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION ||
           note == CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC ||
           note == CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_13x13;
  });
}

/// What the heuristics of one mode name, best first. A mode that knows nothing gives nothing.
std::vector<Descriptor> configurations(const Descriptor& graph, cudnnBackendHeurMode_t mode) {
  constexpr std::int64_t kMost = 64;
  Descriptor heuristics(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
  heuristics.set(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph);
  heuristics.set(CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1, &mode);
  std::vector<Descriptor> found;
  if (!heuristics.try_finalize()) return found;
  std::int64_t available = 0;
  HADAL_CHECK_CUDA(cudnnBackendGetAttribute(heuristics.get(), CUDNN_ATTR_ENGINEHEUR_RESULTS,
                                            CUDNN_TYPE_BACKEND_DESCRIPTOR, 0, &available, nullptr));
  std::vector<cudnnBackendDescriptor_t> raw;
  for (std::int64_t i = 0; i < std::min(available, kMost); ++i) {
    found.emplace_back(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
    raw.push_back(found.back().get());
  }
  if (raw.empty()) return found;
  const std::int64_t filled =
      heuristics.read(CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_TYPE_BACKEND_DESCRIPTOR,
                      static_cast<std::int64_t>(raw.size()), raw.data());
  while (static_cast<std::int64_t>(found.size()) > filled) found.pop_back();
  return found;
}

class GraphPlan final : public ConvolutionPlan {
 public:
  GraphPlan(cudnnHandle_t handle, std::shared_ptr<const Graph> graph, Descriptor config,
            Descriptor plan)
      : handle_(handle),
        graph_(std::move(graph)),
        config_(std::move(config)),
        plan_(std::move(plan)) {
    std::int64_t bytes = 0;
    plan_.read(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, CUDNN_TYPE_INT64, 1, &bytes);
    workspace_bytes_ = static_cast<std::size_t>(bytes);
  }

  std::size_t workspace_bytes() const override { return workspace_bytes_; }

  void run(const void* x, const void* w, const void* y, void* workspace) override {
    const std::array<const void*, 3> data = {x, w, y};
    Descriptor pack(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
    pack.set(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, std::array<std::int64_t, 3>{kX, kW, kY});
    pack.set(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, 3, data.data());
    pack.set(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, 1, &workspace);
    pack.finalize();
    HADAL_CHECK_CUDA(cudnnBackendExecute(handle_, plan_.get(), pack.get()));
  }

 private:
  cudnnHandle_t handle_;
  std::shared_ptr<const Graph> graph_;
  Descriptor config_, plan_;
  std::size_t workspace_bytes_ = 0;
};

}  // namespace

std::vector<std::unique_ptr<ConvolutionPlan>> convolution_plans(cudnnContext* handle,
                                                                ConvolutionPass pass,
                                                                const ConvolutionForm& form,
                                                                int most) {
  const auto graph = std::make_shared<const Graph>(handle, pass, form);
  std::vector<std::unique_ptr<ConvolutionPlan>> plans;
  for (const auto mode : {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_FALLBACK})
    for (Descriptor& config : configurations(graph->graph, mode)) {
      if (static_cast<int>(plans.size()) == most) return plans;
      if (!is_wanted(config)) continue;
      Descriptor plan(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
      plan.set(CUDNN_ATTR_EXECUTION_PLAN_HANDLE, handle);
      plan.set(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, config);
      if (plan.try_finalize())
        plans.push_back(
            std::make_unique<GraphPlan>(handle, graph, std::move(config), std::move(plan)));
    }
  return plans;
}

}  // namespace hadal::cuda
