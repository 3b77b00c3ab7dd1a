// Lets a kernel that knows only NHWC stand among kernels that keep their values in nChw16c: what
// lies otherwise is converted in the workspace, before and after.
#pragma once

#include <functional>
#include <memory>

#include "core/backend.h"

namespace hadal::cpu {

/// `make` prepares the inner kernel for the context it is given: the same as `context`, all in
/// NHWC. Without a value to convert the inner kernel is returned as it is.
std::unique_ptr<Kernel> in_nhwc(
    const KernelContext& context,
    const std::function<std::unique_ptr<Kernel>(const KernelContext&)>& make);

}  // namespace hadal::cpu
