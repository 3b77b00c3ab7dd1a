#include "dist/nccl/open.h"

#include <array>
#include <string>
#include <vector>

#include <dlfcn.h>
#include <fmt/format.h>

#include "core/base/error.h"
#include "dist/nccl/plugin.h"
#include "dist/nccl/versions.h"

namespace hadal::dist {
namespace {

using Message = std::array<char, 512>;

template <typename Function>
Function* function(void* library, const char* name) {
  return reinterpret_cast<Function*>(::dlsym(library, name));
}

/// Throws when a rank has trouble; `own` is "" for none.
void agree(Communicator& comm, const std::string& own) {
  const std::vector<std::string> troubles = comm.all_gather(std::string_view(own));
  const std::vector<std::string> hosts = comm.all_gather(comm.host());
  for (std::size_t rank = 0; rank < troubles.size(); ++rank)
    if (!troubles[rank].empty())
      throw CommError(fmt::format("rank {} ({}): {}", rank, hosts[rank], troubles[rank]));
}

void require_same_version(Communicator& comm, int own) {
  const std::vector<std::string> versions =
      comm.all_gather(std::string_view(nccl_version_text(own)));
  for (std::size_t rank = 1; rank < versions.size(); ++rank)
    if (versions[rank] != versions[0])
      throw CommError(
          fmt::format("NCCL is {} on rank 0 and {} on rank {}; install the same on all "
                      "machines",
                      versions[0], versions[rank], rank));
}

}  // namespace

std::unique_ptr<DeviceExchange> open_nccl(Communicator& comm, Device& device,
                                          const NcclOptions& options) {
  void* library = nullptr;
  int version = 0;
  std::string trouble;
  try {
    library = cuda::open_plugin({.who = "NCCL",
                                 .file = "libhadal_nccl.so",
                                 .interface_function = "hadal_nccl_interface",
                                 .interface_text = HADAL_NCCL_INTERFACE,
                                 .wants = "CUDA 13 and NCCL 2"},
                                options.places);
    version = function<decltype(hadal_nccl_version)>(library, "hadal_nccl_version")();
    trouble = nccl_mismatch(
        function<decltype(hadal_nccl_built_version)>(library, "hadal_nccl_built_version")(),
        version);
  } catch (const DeviceError& error) {
    trouble = error.what();
  }
  agree(comm, trouble);
  require_same_version(comm, version);

  Message message{};
  std::array<std::byte, kNcclIdBytes> id{};
  const bool has_id =
      comm.rank() != 0 || function<decltype(hadal_nccl_make_id)>(library, "hadal_nccl_make_id")(
                              id.data(), message.data(), message.size());
  agree(comm, has_id ? "" : message.data());
  comm.broadcast(id, 0);

  const NcclStart start{.rank = comm.rank(),
                        .ranks = comm.size(),
                        .id = id.data(),
                        .stream = device.native_queue(),
                        .limit_s = options.limit_s};
  std::unique_ptr<DeviceExchange> exchange(function<decltype(hadal_nccl_open)>(
      library, "hadal_nccl_open")(&start, message.data(), message.size()));
  try {
    agree(comm, exchange ? "" : message.data());
  } catch (const CommError&) {
    if (exchange) exchange->abort();
    throw;
  }
  return exchange;
}

}  // namespace hadal::dist
