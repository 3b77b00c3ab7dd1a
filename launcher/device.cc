#include "launcher/device.h"

#include "core/base/strings.h"
#include "core/cpu/cpu_backend.h"
#include "core/reference/reference_backend.h"

namespace hadal::launcher {

std::unique_ptr<Backend> open_device(const std::string& name) {
  if (name == "auto" || name == "cpu") return std::make_unique<CpuBackend>();
  if (name == "reference") return std::make_unique<ReferenceBackend>();
  const std::vector<std::string> known = {"auto", "cpu", "reference"};
  throw DeviceError(unknown_name("device", name, known));
}

}  // namespace hadal::launcher
