// Every case of the table, judged against the reference: with our own kernels, with direct
// convolutions alone, and as on a machine without AVX-512.
#include "core/cpu/cpu_backend.h"

#include <gtest/gtest.h>

#include "tests/core/kernel_case.h"

namespace hadal {
namespace {

using test::KernelCase;

class CpuBackendCase : public testing::TestWithParam<KernelCase> {};

TEST_P(CpuBackendCase, MatchesTheReference) {
  CpuBackend backend;
  test::judge(backend, GetParam());
}

TEST_P(CpuBackendCase, MatchesTheReferenceWithoutWinograd) {
  CpuBackend backend({.winograd = false});
  test::judge(backend, GetParam());
}

TEST_P(CpuBackendCase, MatchesTheReferenceWithoutAvx512) {
  CpuBackend backend({.avx512 = false});
  test::judge(backend, GetParam());
}

INSTANTIATE_TEST_SUITE_P(EveryLayer, CpuBackendCase, testing::ValuesIn(test::kernel_cases()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace hadal
