#include "tests/core/fake_device.h"

#include <cstdlib>
#include <cstring>
#include <utility>
#include <vector>

#include <sys/mman.h>

#include "core/data/image_gather.h"
#include "core/optim/flat_optimizer.h"
#include "core/optim/rules.h"

namespace hadal::test {
namespace {

constexpr std::size_t kPage = 4096;

class FakeKernel final : public Kernel {
 public:
  FakeKernel(std::unique_ptr<Kernel> inner, const FakeDevice& device)
      : inner_(std::move(inner)), device_(device) {}

  std::size_t saved_bytes() const override { return inner_->saved_bytes(); }
  std::size_t workspace_bytes() const override { return inner_->workspace_bytes(); }
  bool adds_to_d_in(int input) const override { return inner_->adds_to_d_in(input); }
  void forward(const KernelArgs& args) override {
    run(args, [this](const KernelArgs& real) { inner_->forward(real); });
  }
  void backward(const KernelArgs& args) override {
    run(args, [this](const KernelArgs& real) { inner_->backward(real); });
  }

 private:
  template <typename Run>
  void run(const KernelArgs& args, const Run& run) const {
    const auto in = real(args.in), parameters = real(args.parameters), running = real(args.running),
               statistics = real(args.statistics), d_in = real(args.d_in),
               d_parameters = real(args.d_parameters);
    KernelArgs on_host = args;
    on_host.in = in;
    on_host.out = device_.real(args.out);
    on_host.parameters = parameters;
    on_host.running = running;
    on_host.statistics = statistics;
    on_host.saved = real(args.saved, inner_->saved_bytes());
    on_host.workspace = real(args.workspace, inner_->workspace_bytes());
    on_host.d_out = device_.real(args.d_out);
    on_host.d_in = d_in;
    on_host.d_parameters = d_parameters;
    run(on_host);
  }
  std::vector<TensorView> real(std::span<const TensorView> views) const {
    std::vector<TensorView> on_host;
    for (const TensorView& view : views) on_host.push_back(device_.real(view));
    return on_host;
  }
  std::byte* real(std::byte* memory, std::size_t bytes) const {
    return memory && bytes > 0 ? device_.real(memory, bytes) : nullptr;
  }

  std::unique_ptr<Kernel> inner_;
  const FakeDevice& device_;
};

/// The rule, element by element behind the device's addresses.
template <typename Rule>
class FakeOptimizer final : public optim::FlatOptimizer<Rule> {
 public:
  FakeOptimizer(Parameters& parameters, const OptimizerOptions& options, const FakeDevice& device)
      : optim::FlatOptimizer<Rule>(parameters, options), device_(device) {}

 private:
  float* real(const TensorView& view) const { return device_.real(view).template as<float>(); }

  void sweep(double learning_rate) override {
    auto effective = this->template effective<float>();
    float* const w = real(this->parameters_.values());
    const float* const g = real(this->parameters_.gradients());
    std::vector<float*> state;
    for (const Tensor& tensor : this->state_) state.push_back(real(tensor.view()));
    for (const Parameters::Entry& entry : this->parameters_.entries()) {
      if (!entry.spec.trainable) continue;
      effective.decay = static_cast<float>(this->decay_of(entry));
      const auto update = this->template update<float>(entry, learning_rate);
      for (std::int64_t i = entry.offset; i < entry.offset + entry.elements; ++i)
        [&]<std::size_t... K>(std::index_sequence<K...>) {
          update(w[i], effective(g[i], w[i]), state[K][i]...);
        }
      (std::make_index_sequence<Rule::kState.size()>());
    }
  }

  const FakeDevice& device_;
};

}  // namespace

FakeDevice::~FakeDevice() {
  for (const auto& [address, block] : blocks_)
    ::munmap(const_cast<std::byte*>(address), block.reserved);
}

std::byte* FakeDevice::allocate(std::size_t bytes) {
  const std::size_t reserved = (bytes + kPage) / kPage * kPage;
  void* const address =
      ::mmap(nullptr, reserved, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  HADAL_CHECK(address != MAP_FAILED);
  auto* const begin = static_cast<std::byte*>(address);
  blocks_[begin] = {bytes, reserved, AlignedBuffer(bytes)};
  return begin;
}

void FakeDevice::release(std::byte* memory) {
  const auto block = blocks_.find(memory);
  if (block == blocks_.end()) std::abort();  // released twice, or after its device
  ::munmap(memory, block->second.reserved);
  blocks_.erase(block);
}

std::byte* FakeDevice::real(const void* address, std::size_t bytes) const {
  const auto* const at = static_cast<const std::byte*>(address);
  auto block = blocks_.upper_bound(at);
  HADAL_CHECK(block != blocks_.begin());
  --block;
  const auto offset = static_cast<std::size_t>(at - block->first);
  HADAL_CHECK(offset + bytes <= block->second.bytes);
  return block->second.memory.data() + offset;
}

TensorView FakeDevice::real(TensorView view) const {
  HADAL_CHECK(!view || view.device == this);
  if (view && view.bytes() > 0) view.data = real(view.data, view.bytes());
  view.device = nullptr;
  return view;
}

void FakeDevice::upload(const std::byte* from_host, std::byte* to, std::size_t bytes) {
  std::memcpy(real(to, bytes), from_host, bytes);
}
void FakeDevice::download(const std::byte* from, std::byte* to_host, std::size_t bytes) {
  ++downloads_;
  std::memcpy(to_host, real(from, bytes), bytes);
}
void FakeDevice::copy(const std::byte* from, std::byte* to, std::size_t bytes) {
  std::memcpy(real(to, bytes), real(from, bytes), bytes);
}
void FakeDevice::fill(std::byte* memory, std::byte value, std::size_t bytes) {
  std::memset(real(memory, bytes), static_cast<int>(value), bytes);
}

std::size_t FakeDevice::live_bytes() const {
  std::size_t sum = 0;
  for (const auto& [address, block] : blocks_) sum += block.bytes;
  return sum;
}

template <typename Op>
Backend::KernelPtr FakeDeviceBackend::wrap(const Op& op, const KernelContext& context) {
  KernelContext on_host = context;
  for (TensorView& in : on_host.in) in.device = nullptr;
  on_host.out.device = nullptr;
  return std::make_unique<FakeKernel>(inner_.prepare(op, on_host), device_);
}

Backend::KernelPtr FakeDeviceBackend::prepare(const Conv2dOp& op, const KernelContext& context) {
  return wrap(op, context);
}
Backend::KernelPtr FakeDeviceBackend::prepare(const FoldedConv2dOp& op,
                                              const KernelContext& context) {
  return wrap(op, context);
}
Backend::KernelPtr FakeDeviceBackend::prepare(const LinearOp& op, const KernelContext& context) {
  return wrap(op, context);
}
Backend::KernelPtr FakeDeviceBackend::prepare(const BiasOp& op, const KernelContext& context) {
  return wrap(op, context);
}
Backend::KernelPtr FakeDeviceBackend::prepare(const BatchNormOp& op, const KernelContext& context) {
  return wrap(op, context);
}
Backend::KernelPtr FakeDeviceBackend::prepare(const LrnOp& op, const KernelContext& context) {
  return wrap(op, context);
}
Backend::KernelPtr FakeDeviceBackend::prepare(const ActivationOp& op,
                                              const KernelContext& context) {
  return wrap(op, context);
}
Backend::KernelPtr FakeDeviceBackend::prepare(const PoolOp& op, const KernelContext& context) {
  return wrap(op, context);
}
Backend::KernelPtr FakeDeviceBackend::prepare(const DropoutOp& op, const KernelContext& context) {
  return wrap(op, context);
}
Backend::KernelPtr FakeDeviceBackend::prepare(const AddOp& op, const KernelContext& context) {
  return wrap(op, context);
}
Backend::KernelPtr FakeDeviceBackend::prepare(const MeanJoinOp& op, const KernelContext& context) {
  return wrap(op, context);
}
Backend::KernelPtr FakeDeviceBackend::prepare(const ConcatOp& op, const KernelContext& context) {
  return wrap(op, context);
}
Backend::KernelPtr FakeDeviceBackend::prepare(const GatherChannelsOp& op,
                                              const KernelContext& context) {
  return wrap(op, context);
}
Backend::KernelPtr FakeDeviceBackend::prepare(const PadShortcutOp& op,
                                              const KernelContext& context) {
  return wrap(op, context);
}
Backend::KernelPtr FakeDeviceBackend::prepare(const FlattenOp& op, const KernelContext& context) {
  return wrap(op, context);
}
Backend::KernelPtr FakeDeviceBackend::prepare(const SoftmaxCrossEntropyOp& op,
                                              const KernelContext& context) {
  return wrap(op, context);
}
Backend::KernelPtr FakeDeviceBackend::prepare(const SoftmaxOp& op, const KernelContext& context) {
  return wrap(op, context);
}
Backend::KernelPtr FakeDeviceBackend::prepare(const SubsampleOp& op, const KernelContext& context) {
  return wrap(op, context);
}
Backend::KernelPtr FakeDeviceBackend::prepare(const RbfOp& op, const KernelContext& context) {
  return wrap(op, context);
}
Backend::KernelPtr FakeDeviceBackend::prepare(const RbfLossOp& op, const KernelContext& context) {
  return wrap(op, context);
}
Backend::KernelPtr FakeDeviceBackend::prepare(const MeanSquaredErrorOp& op,
                                              const KernelContext& context) {
  return wrap(op, context);
}
Backend::KernelPtr FakeDeviceBackend::prepare(const SquaredHingeOp& op,
                                              const KernelContext& context) {
  return wrap(op, context);
}

void FakeDeviceBackend::add_to(const TensorView& x, const TensorView& y) {
  inner_.add_to(device_.real(x), device_.real(y));
}
void FakeDeviceBackend::divide(const TensorView& y, float divisor) {
  inner_.divide(device_.real(y), divisor);
}
void FakeDeviceBackend::move_towards(const TensorView& x, float rate, const TensorView& y) {
  inner_.move_towards(device_.real(x), rate, device_.real(y));
}
void FakeDeviceBackend::gather_images(const data::ImageGather& gather) {
  inner_.gather_images({.pixels = device_.real(gather.pixels),
                        .scale = device_.real(gather.scale),
                        .offset = device_.real(gather.offset),
                        .samples = device_.real(gather.samples),
                        .padding = gather.padding,
                        .cutout = gather.cutout,
                        .images = device_.real(gather.images)});
}
std::unique_ptr<Optimizer> FakeDeviceBackend::optimizer(Parameters& parameters,
                                                        const OptimizerOptions& options) {
  check_optimizer(options);
  return optim::for_rule(options, [&]<typename Rule>() -> std::unique_ptr<Optimizer> {
    return std::make_unique<FakeOptimizer<Rule>>(parameters, options, device_);
  });
}

}  // namespace hadal::test
