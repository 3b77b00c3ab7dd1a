#include "core/image/read_image.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <optional>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/image/jpeg.h"
#include "core/image/png.h"
#include "core/image/pnm.h"

namespace hadal::image {
namespace {

// Holds the header of all but JPEGs with a large thumbnail or colour profile before it.
constexpr std::size_t kPrefixBytes = 1 << 16;

enum class Form { kPng, kJpeg, kPnm };

Form form_of(std::string_view bytes, const std::string& name) {
  if (bytes.starts_with("\x89PNG")) return Form::kPng;
  if (bytes.starts_with("\xff\xd8")) return Form::kJpeg;
  if (bytes.size() >= 2 && bytes[0] == 'P' && bytes[1] >= '1' && bytes[1] <= '7') return Form::kPnm;
  throw DataError(
      fmt::format("{}: not a picture that is read, which are PNG, JPEG, PGM and PPM", name));
}

std::optional<ImageSize> size_of(std::string_view bytes, const std::string& name) {
  switch (form_of(bytes, name)) {
    case Form::kPng:
      return png_size(bytes, name);
    case Form::kJpeg:
      return jpeg_size(bytes, name);
    case Form::kPnm:
      break;
  }
  return pnm_size(bytes, name);
}

std::string read_prefix(const std::filesystem::path& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"),
                                                             &std::fclose);
  if (!file) throw io_error("cannot open", path.string(), errno);
  std::string bytes(kPrefixBytes, '\0');
  bytes.resize(std::fread(bytes.data(), 1, bytes.size(), file.get()));
  if (std::ferror(file.get())) throw io_error("cannot read", path.string(), errno);
  return bytes;
}

}  // namespace

Image decode_image(std::string_view bytes, const std::string& name) {
  switch (form_of(bytes, name)) {
    case Form::kPng:
      return decode_png(bytes, name);
    case Form::kJpeg:
      return decode_jpeg(bytes, name);
    case Form::kPnm:
      break;
  }
  return decode_pnm(bytes, name);
}

Image read_image(const std::filesystem::path& path) {
  return decode_image(read_file(path, kMaxFileBytes), path.string());
}

ImageSize read_image_size(const std::filesystem::path& path) {
  if (const auto size = size_of(read_prefix(path), path.string())) return *size;
  if (const auto size = size_of(read_file(path, kMaxFileBytes), path.string())) return *size;
  throw DataError(fmt::format("{}: truncated in its header", path.string()));
}

bool has_image_name(const std::filesystem::path& path) {
  std::string extension = path.extension().string();
  std::ranges::transform(extension, extension.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  static constexpr std::array<std::string_view, 6> kKnown = {".png", ".jpg", ".jpeg",
                                                             ".pgm", ".ppm", ".pnm"};
  return std::ranges::find(kKnown, extension) != kKnown.end();
}

}  // namespace hadal::image
