// Texts across the C face of a plug-in.
#pragma once

#include <cstddef>
#include <cstring>
#include <string>

namespace hadal {

/// As much of `text` as the `room` bytes at `message` hold, ended by a zero; nothing where there is
/// no room.
inline void put_message(const std::string& text, char* message, std::size_t room) {
  if (room == 0) return;
  std::strncpy(message, text.c_str(), room - 1);
  message[room - 1] = '\0';
}

}  // namespace hadal
