// Memory that the host cannot read, on a device that crashes whoever tries.
#include "core/device.h"

#include <cstring>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/layers/linear.h"
#include "core/optim/optimizer.h"
#include "core/params.h"
#include "core/reference/reference_backend.h"
#include "core/safetensors.h"
#include "tests/core/fake_device.h"
#include "tests/core/kernel_case.h"

namespace hadal {
namespace {

using test::FakeDevice;
using test::FakeDeviceBackend;
using testing::Each;
using testing::ElementsAre;
using testing::ElementsAreArray;

Tensor counting(const Shape& shape, DType type = DType::kFloat32) {
  Tensor tensor(shape, type);
  for (std::int64_t i = 0; i < shape.elements(); ++i)
    if (type == DType::kFloat64)
      tensor.as<double>()[i] = static_cast<double>(i);
    else
      tensor.as<float>()[i] = static_cast<float>(i);
  return tensor;
}

std::vector<float> floats(const TensorView& view) {
  const HostView host(view);
  return {host.as<float>(), host.as<float>() + view.shape.elements()};
}

TEST(DeviceMemory, IsZeroAtFirstAndGivenBack) {
  FakeDevice device;
  {
    const Tensor tensor({3, 2}, DType::kFloat32, Layout::kNhwc, &device);
    EXPECT_EQ(device.live_bytes(), 24U);
    EXPECT_THAT(floats(tensor.view()), Each(0.0F));
  }
  EXPECT_EQ(device.live_bytes(), 0U);
}

TEST(DeviceMemory, IsReadThroughCopiesOnly) {
  FakeDevice device;
  const Tensor tensor({4}, DType::kFloat32, Layout::kNhwc, &device);
  EXPECT_DEATH(static_cast<volatile float*>(tensor.as<float>())[0] = 1, "");
}

TEST(DeviceMemory, IsCopiedAndConvertedFromAndToTheHost) {
  FakeDevice device;
  const Tensor there({2, 1, 1, 32}, DType::kFloat32, Layout::kNhwc, &device);
  copy_converted(counting({2, 1, 1, 32}, DType::kFloat64).view(), there.view());
  EXPECT_THAT(floats(there.view()), ElementsAreArray(counting({64}).span<float>()));
  const Tensor blocked({2, 1, 1, 32}, DType::kFloat32, Layout::kNChw16c, &device);
  copy_converted(there.view(), blocked.view());
  const Tensor back({2, 1, 1, 32}, DType::kFloat64);
  copy_converted(blocked.view(), back.view());
  EXPECT_THAT(back.span<double>(),
              ElementsAreArray(counting({64}, DType::kFloat64).span<double>()));
  EXPECT_THAT(floats(there.clone().view()), ElementsAreArray(counting({64}).span<float>()));
}

TEST(DeviceMemory, IsWhatSafetensorsReadsAndWrites) {
  FakeDevice device;
  const Tensor written({3}, DType::kFloat32, Layout::kNhwc, &device),
      read({3}, DType::kFloat32, Layout::kNhwc, &device);
  copy_converted(counting({3}).view(), written.view());
  Safetensors::parse(to_safetensors({{"x", written.view()}}), "x").copy_to("x", read.view());
  EXPECT_THAT(floats(read.view()), ElementsAre(0, 1, 2));
}

TEST(HostView, OfHostMemoryIsTheMemoryItself) {
  const Tensor tensor = counting({5});
  EXPECT_EQ(HostView(tensor.view()).view().data, tensor.view().data);
}

TEST(HostView, OfAnAbsentTensorIsAbsent) {
  FakeDevice device;
  EXPECT_FALSE(HostView({nullptr, {2}, DType::kFloat32, Layout::kNhwc, &device}).view());
}

TEST(DeviceParameters, HaveTheValuesAndHashesOfThoseOnTheHost) {
  Graph graph;
  linear(graph, "fc", graph.input("x", {1, 7}), {.out = 5});
  FakeDevice device;
  Parameters here(graph), there(graph, DType::kFloat32, &device);
  here.initialize(3);
  there.initialize(3);
  EXPECT_EQ(there.hash(), here.hash());
  EXPECT_EQ(there.tensor_hashes(), here.tensor_hashes());
}

TEST(DeviceParameters, HaveTheGradientNormOfThoseOnTheHost) {
  Graph graph;
  linear(graph, "fc", graph.input("x", {1, 7}), {.out = 5});
  FakeDevice device;
  Parameters here(graph), there(graph, DType::kFloat32, &device);
  const Tensor gradients = counting(here.gradients().shape);
  copy_converted(gradients.view(), here.gradients());
  copy_converted(gradients.view(), there.gradients());
  EXPECT_EQ(gradient_norm(there), gradient_norm(here));
}

// The judge itself: what it hands to kernels lies on the device, guard zones included.
class OnADevice : public testing::TestWithParam<test::KernelCase> {};

TEST_P(OnADevice, KernelsAreJudgedAsOnTheHost) {
  FakeDevice device;
  ReferenceBackend reference;
  FakeDeviceBackend backend(reference, device);
  test::judge(backend, GetParam());
  EXPECT_EQ(device.live_bytes(), 0U);
}

std::vector<test::KernelCase> one_of_each_layer() {
  std::vector<test::KernelCase> chosen;
  std::string last;
  for (test::KernelCase& kernel_case : test::kernel_cases()) {
    const std::string layer(test::layer_of(kernel_case)->type());
    if (layer != last) chosen.push_back(kernel_case);
    last = layer;
  }
  return chosen;
}

INSTANTIATE_TEST_SUITE_P(EveryLayer, OnADevice, testing::ValuesIn(one_of_each_layer()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace hadal
