#include "launcher/device.h"

#include "core/base/strings.h"
#include "core/cpu/cpu_backend.h"
#include "core/cuda/open.h"
#include "core/reference/reference_backend.h"

namespace hadal::launcher {
namespace {

std::unique_ptr<Backend> open_own_gpu(const std::string& name, int local_rank) {
  const cuda::Plugin plugin(name);
  return plugin.open(local_rank % plugin.devices());
}

}  // namespace

std::unique_ptr<Backend> open_device(const std::string& name, int local_rank, std::string& note) {
  constexpr std::string_view kNumbered = "cuda:";
  note.clear();
  if (name == "cpu") return std::make_unique<CpuBackend>();
  if (name == "reference") return std::make_unique<ReferenceBackend>();
  if (name == "cuda") return open_own_gpu(name, local_rank);
  if (name.starts_with(kNumbered)) {
    const long long ordinal = parse_int(name.substr(kNumbered.size()), "--device " + name);
    return cuda::Plugin(name).open(static_cast<int>(ordinal));
  }
  if (name != "auto") {
    const std::vector<std::string> known = {"auto", "cpu", "cuda", "cuda:0", "reference"};
    throw DeviceError(unknown_name("device", name, known));
  }
  if (cuda::has_driver()) try {
      return open_own_gpu("auto", local_rank);
    } catch (const DeviceError& error) {
      note = std::string(error.what()) + "; going on with cpu";
    }
  return std::make_unique<CpuBackend>();
}

}  // namespace hadal::launcher
