#include "core/image/png.h"

#include <cstdlib>
#include <memory>

#include <fmt/format.h>
#include <spng.h>

#include "core/base/error.h"
#include "core/base/files.h"

namespace hadal::image {
namespace {

constexpr std::uint32_t kMaxSide = 1 << 20;
constexpr std::uint64_t kMaxPixels = 100'000'000;
constexpr std::size_t kMaxFileBytes = std::size_t{1} << 30;

using Context = std::unique_ptr<spng_ctx, void (*)(spng_ctx*)>;

Context new_context(int flags) {
  Context context(spng_ctx_new(flags), &spng_ctx_free);
  HADAL_CHECK(context != nullptr);
  return context;
}

}  // namespace

std::string encode_png(const Image& image) {
  const auto wanted = static_cast<std::size_t>(image.height) *
                      static_cast<std::size_t>(image.width) *
                      static_cast<std::size_t>(image.channels);
  if (image.height < 1 || image.width < 1 || (image.channels != 1 && image.channels != 3) ||
      image.pixels.size() != wanted)
    throw ShapeError(fmt::format("png: picture of {}x{}x{} with {} bytes, wanted 1 or 3 channels",
                                 image.height, image.width, image.channels, image.pixels.size()));
  const Context context = new_context(SPNG_CTX_ENCODER);
  spng_ihdr header{};
  header.width = static_cast<std::uint32_t>(image.width);
  header.height = static_cast<std::uint32_t>(image.height);
  header.bit_depth = 8;
  header.color_type = image.channels == 1 ? SPNG_COLOR_TYPE_GRAYSCALE : SPNG_COLOR_TYPE_TRUECOLOR;
  const auto check = [](int status) {
    if (status != 0)
      throw ShapeError(fmt::format("png: the encoder refuses: {}", spng_strerror(status)));
  };
  check(spng_set_option(context.get(), SPNG_ENCODE_TO_BUFFER, 1));
  check(spng_set_ihdr(context.get(), &header));
  check(spng_encode_image(context.get(), image.pixels.data(), image.pixels.size(), SPNG_FMT_PNG,
                          SPNG_ENCODE_FINALIZE));
  std::size_t bytes = 0;
  int status = 0;
  const std::unique_ptr<void, void (*)(void*)> buffer(
      spng_get_png_buffer(context.get(), &bytes, &status), &std::free);
  check(status);
  return {static_cast<const char*>(buffer.get()), bytes};
}

void write_png(const std::filesystem::path& path, const Image& image) {
  write_file_atomically(path, encode_png(image));
}

Image decode_png(std::string_view bytes, const std::string& name) {
  const Context context = new_context(0);
  const auto check = [&](int status) {
    if (status != 0)
      throw DataError(
          fmt::format("{}: not a PNG that can be read: {}", name, spng_strerror(status)));
  };
  check(spng_set_image_limits(context.get(), kMaxSide, kMaxSide));
  check(spng_set_chunk_limits(context.get(), 1 << 24, 1 << 26));
  check(spng_set_png_buffer(context.get(), bytes.data(), bytes.size()));
  spng_ihdr header{};
  check(spng_get_ihdr(context.get(), &header));
  if (std::uint64_t{header.width} * header.height > kMaxPixels)
    throw DataError(fmt::format("{}: {}x{} pixels, wanted at most {}", name, header.height,
                                header.width, kMaxPixels));
  // libspng gives G8 for 8-bit grey at most; deeper or with alpha it goes by RGB.
  const bool grey = header.color_type == SPNG_COLOR_TYPE_GRAYSCALE && header.bit_depth <= 8;
  const int format = grey ? SPNG_FMT_G8 : SPNG_FMT_RGB8;
  std::size_t decoded = 0;
  check(spng_decoded_image_size(context.get(), format, &decoded));
  Image image{.height = static_cast<int>(header.height),
              .width = static_cast<int>(header.width),
              .channels = grey ? 1 : 3};
  image.pixels.resize(decoded);
  check(spng_decode_image(context.get(), image.pixels.data(), decoded, format, 0));
  return image;
}

Image read_png(const std::filesystem::path& path) {
  return decode_png(read_file(path, kMaxFileBytes), path.string());
}

}  // namespace hadal::image
