// A device for machines that have none. Its addresses are ranges of memory that nobody may touch,
// so whoever above a backend reads or writes device memory by itself crashes at that instruction;
// what they stand for lies elsewhere, and only the device and the kernels of its backend know
// where.
#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <string>

#include "core/backend.h"

namespace hadal::test {

class FakeDevice final : public Device {
 public:
  /// A device of so much memory, as far as free_bytes() knows; it never runs out.
  explicit FakeDevice(std::size_t bytes = std::size_t{1} << 30) : bytes_(bytes) {}
  ~FakeDevice() override;
  std::string_view name() const override { return "fake:0"; }
  std::byte* allocate(std::size_t bytes) override;
  void release(std::byte* memory) override;
  std::size_t free_bytes() const override { return bytes_ - std::min(bytes_, live_bytes()); }
  void upload(const std::byte* from_host, std::byte* to, std::size_t bytes) override;
  void download(const std::byte* from, std::byte* to_host, std::size_t bytes) override;
  void copy(const std::byte* from, std::byte* to, std::size_t bytes) override;
  void fill(std::byte* memory, std::byte value, std::size_t bytes) override;

  /// Where the bytes behind a device address really are. Fails a check for an address that is not
  /// the device's, or when not all `bytes` lie in one allocation.
  std::byte* real(const void* address, std::size_t bytes) const;
  /// The tensor as memory of the host; absent stays absent.
  TensorView real(TensorView view) const;

  std::size_t live_bytes() const;
  int downloads() const { return downloads_; }

 private:
  struct Block {
    std::size_t bytes = 0, reserved = 0;
    AlignedBuffer memory;
  };
  std::size_t bytes_;
  std::map<const std::byte*, Block> blocks_;  // by device address
  int downloads_ = 0;
};

/// The kernels of another backend, run on the memory of a fake device.
class FakeDeviceBackend final : public Backend {
 public:
  /// Both must outlive it; `inner` works in the host's memory.
  FakeDeviceBackend(Backend& inner, FakeDevice& device) : inner_(inner), device_(device) {}

  std::string_view name() const override { return "fake"; }
  Device* device() override { return &device_; }
  Layout preferred_layout(const Shape& shape, DType type) const override {
    return inner_.preferred_layout(shape, type);
  }

  KernelPtr prepare(const Conv2dOp& op, const KernelContext& context) override;
  KernelPtr prepare(const FoldedConv2dOp& op, const KernelContext& context) override;
  KernelPtr prepare(const LinearOp& op, const KernelContext& context) override;
  KernelPtr prepare(const BiasOp& op, const KernelContext& context) override;
  KernelPtr prepare(const BatchNormOp& op, const KernelContext& context) override;
  KernelPtr prepare(const LrnOp& op, const KernelContext& context) override;
  KernelPtr prepare(const ActivationOp& op, const KernelContext& context) override;
  KernelPtr prepare(const PoolOp& op, const KernelContext& context) override;
  KernelPtr prepare(const DropoutOp& op, const KernelContext& context) override;
  KernelPtr prepare(const AddOp& op, const KernelContext& context) override;
  KernelPtr prepare(const MeanJoinOp& op, const KernelContext& context) override;
  KernelPtr prepare(const ConcatOp& op, const KernelContext& context) override;
  KernelPtr prepare(const GatherChannelsOp& op, const KernelContext& context) override;
  KernelPtr prepare(const PadShortcutOp& op, const KernelContext& context) override;
  KernelPtr prepare(const FlattenOp& op, const KernelContext& context) override;
  KernelPtr prepare(const SoftmaxCrossEntropyOp& op, const KernelContext& context) override;
  KernelPtr prepare(const SoftmaxOp& op, const KernelContext& context) override;
  KernelPtr prepare(const SubsampleOp& op, const KernelContext& context) override;
  KernelPtr prepare(const RbfOp& op, const KernelContext& context) override;
  KernelPtr prepare(const RbfLossOp& op, const KernelContext& context) override;
  KernelPtr prepare(const MeanSquaredErrorOp& op, const KernelContext& context) override;
  KernelPtr prepare(const SquaredHingeOp& op, const KernelContext& context) override;

  void add_to(const TensorView& x, const TensorView& y) override;
  void divide(const TensorView& y, float divisor) override;
  void move_towards(const TensorView& x, float rate, const TensorView& y) override;
  void gather_images(const data::ImageGather& gather) override;
  std::unique_ptr<Optimizer> optimizer(Parameters& parameters,
                                       const OptimizerOptions& options) override;

 private:
  template <typename Op>
  KernelPtr wrap(const Op& op, const KernelContext& context);

  Backend& inner_;
  FakeDevice& device_;
};

}  // namespace hadal::test
