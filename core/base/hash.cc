#include "core/base/hash.h"

#include <cerrno>
#include <fstream>
#include <memory>
#include <vector>

#include <fmt/format.h>
#include <openssl/evp.h>
#include <xxhash.h>

#include "core/base/error.h"

namespace hadal {
namespace {

std::string digest_of_file(const std::string& path, const EVP_MD* kind) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw io_error("cannot read", path, errno);
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                  EVP_MD_CTX_free);
  HADAL_CHECK(EVP_DigestInit_ex(context.get(), kind, nullptr) == 1);
  std::vector<char> buffer(1 << 20);
  while (file.read(buffer.data(), static_cast<std::streamsize>(buffer.size())) || file.gcount() > 0)
    HADAL_CHECK(EVP_DigestUpdate(context.get(), buffer.data(), file.gcount()) == 1);
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int bytes = 0;
  HADAL_CHECK(EVP_DigestFinal_ex(context.get(), digest, &bytes) == 1);
  std::string text;
  for (unsigned int i = 0; i < bytes; ++i) text += fmt::format("{:02x}", digest[i]);
  return text;
}

}  // namespace

std::uint64_t hash64(const void* data, std::size_t bytes, std::uint64_t seed) {
  return XXH3_64bits_withSeed(data, bytes, seed);
}

std::string hex64(std::uint64_t value) { return fmt::format("{:016x}", value); }

std::string md5_of_file(const std::string& path) { return digest_of_file(path, EVP_md5()); }
std::string sha256_of_file(const std::string& path) { return digest_of_file(path, EVP_sha256()); }

}  // namespace hadal
