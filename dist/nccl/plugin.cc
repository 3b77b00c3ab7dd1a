#include "dist/nccl/plugin.h"

#include <cstring>
#include <exception>

#include <nccl.h>

#include "core/base/message_room.h"
#include "dist/nccl/nccl_exchange.h"

const char* hadal_nccl_interface() { return HADAL_NCCL_INTERFACE; }

int hadal_nccl_built_version() { return NCCL_VERSION_CODE; }

int hadal_nccl_version() {
  int version = 0;
  return ncclGetVersion(&version) == ncclSuccess ? version : 0;
}

bool hadal_nccl_make_id(std::byte* id, char* message, std::size_t room) {
  ncclUniqueId made;
  static_assert(sizeof made == hadal::dist::kNcclIdBytes);
  const ncclResult_t status = ncclGetUniqueId(&made);
  if (status != ncclSuccess) {
    hadal::put_message(ncclGetErrorString(status), message, room);
    return false;
  }
  std::memcpy(id, &made, sizeof made);
  return true;
}

hadal::dist::DeviceExchange* hadal_nccl_open(const hadal::dist::NcclStart* start, char* message,
                                             std::size_t room) try {
  return new hadal::dist::NcclExchange(*start);
} catch (const std::exception& error) {
  hadal::put_message(error.what(), message, room);
  return nullptr;
}
