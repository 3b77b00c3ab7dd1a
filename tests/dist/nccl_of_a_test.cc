// Played by a plug-in that knows no GPU: HADAL_TEST_NCCL says whether it is "old", or which rank
// cannot, as in "not 1".
#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <string>

#include "dist/nccl/plugin.h"
#include "tests/dist/fake_exchange.h"

namespace {

std::string mood() {
  const char* const said = std::getenv("HADAL_TEST_NCCL");
  return said ? said : "";
}

std::array<std::byte, hadal::dist::kNcclIdBytes> id_of_rank_0() {
  std::array<std::byte, hadal::dist::kNcclIdBytes> id{};
  for (std::size_t i = 0; i < id.size(); ++i) id[i] = static_cast<std::byte>(7 * i + 1);
  return id;
}

}  // namespace

const char* hadal_nccl_interface() { return HADAL_NCCL_INTERFACE; }
int hadal_nccl_built_version() { return 22809; }
int hadal_nccl_version() { return mood() == "old" ? 22703 : 23001; }

bool hadal_nccl_make_id(std::byte* id, char* message, std::size_t room) {
  if (mood() == "no id") {
    std::strncpy(message, "no interface to listen on", room - 1);
    return false;
  }
  std::ranges::copy(id_of_rank_0(), id);
  return true;
}

hadal::dist::DeviceExchange* hadal_nccl_open(const hadal::dist::NcclStart* start, char* message,
                                             std::size_t room) {
  const auto refuse = [&](const char* why) -> hadal::dist::DeviceExchange* {
    std::strncpy(message, why, room - 1);
    return nullptr;
  };
  if (!std::ranges::equal(id_of_rank_0(), std::span(start->id, hadal::dist::kNcclIdBytes)))
    return refuse("another id");
  if (mood() == "not " + std::to_string(start->rank)) return refuse("Duplicate GPU detected");
  return new hadal::dist::FakeExchange;
}
