// XXH3 of bytes: names runs, guards checkpoints, compares replicas. Not cryptographic.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace hadal {

std::uint64_t hash64(const void* data, std::size_t bytes, std::uint64_t seed = 0);
inline std::uint64_t hash64(std::string_view text) { return hash64(text.data(), text.size()); }

/// 16 lower-case hexadecimal digits.
std::string hex64(std::uint64_t value);

/// Lower-case hexadecimal digests of a file, for comparison with what its publisher states.
std::string md5_of_file(const std::string& path);
std::string sha256_of_file(const std::string& path);

}  // namespace hadal
