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

using Context = std::unique_ptr<spng_ctx, void (*)(spng_ctx*)>;

Context new_context(int flags) {
  Context context(spng_ctx_new(flags), &spng_ctx_free);
  HADAL_CHECK(context != nullptr);
  return context;
}

void check(int status, const std::string& name) {
  if (status != 0)
    throw DataError(fmt::format("{}: not a PNG that can be read: {}", name, spng_strerror(status)));
}

struct Decoder {
  Context context;
  spng_ihdr header;
};

// REQUIRES: `bytes` outlive the decoder.
Decoder open_decoder(std::string_view bytes, const std::string& name) {
  Decoder decoder{new_context(0), {}};
  spng_ctx* context = decoder.context.get();
  check(spng_set_image_limits(context, kMaxSide, kMaxSide), name);
  check(spng_set_chunk_limits(context, 1 << 24, 1 << 26), name);
  check(spng_set_png_buffer(context, bytes.data(), bytes.size()), name);
  check(spng_get_ihdr(context, &decoder.header), name);
  if (std::uint64_t{decoder.header.width} * decoder.header.height > kMaxPixels)
    throw DataError(fmt::format("{}: {}x{} pixels, wanted at most {}", name, decoder.header.height,
                                decoder.header.width, kMaxPixels));
  return decoder;
}

ImageSize size_of(const spng_ihdr& header) {
  const bool grey = header.color_type == SPNG_COLOR_TYPE_GRAYSCALE ||
                    header.color_type == SPNG_COLOR_TYPE_GRAYSCALE_ALPHA;
  return {.height = static_cast<int>(header.height),
          .width = static_cast<int>(header.width),
          .channels = grey ? 1 : 3};
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
  const auto require = [](int status) {
    if (status != 0)
      throw ShapeError(fmt::format("png: the encoder refuses: {}", spng_strerror(status)));
  };
  require(spng_set_option(context.get(), SPNG_ENCODE_TO_BUFFER, 1));
  require(spng_set_ihdr(context.get(), &header));
  require(spng_encode_image(context.get(), image.pixels.data(), image.pixels.size(), SPNG_FMT_PNG,
                            SPNG_ENCODE_FINALIZE));
  std::size_t bytes = 0;
  int status = 0;
  const std::unique_ptr<void, void (*)(void*)> buffer(
      spng_get_png_buffer(context.get(), &bytes, &status), &std::free);
  require(status);
  return {static_cast<const char*>(buffer.get()), bytes};
}

void write_png(const std::filesystem::path& path, const Image& image) {
  write_file_atomically(path, encode_png(image));
}

ImageSize png_size(std::string_view bytes, const std::string& name) {
  return size_of(open_decoder(bytes, name).header);
}

Image decode_png(std::string_view bytes, const std::string& name) {
  const Decoder decoder = open_decoder(bytes, name);
  const ImageSize size = size_of(decoder.header);
  Image image{.height = size.height, .width = size.width, .channels = size.channels};
  // libspng gives grey for opaque 8-bit grey at most; deeper or with alpha it goes by RGB.
  const bool direct =
      decoder.header.color_type == SPNG_COLOR_TYPE_GRAYSCALE && decoder.header.bit_depth <= 8;
  const int format = size.channels == 1 && direct ? SPNG_FMT_G8 : SPNG_FMT_RGB8;
  std::size_t decoded = 0;
  check(spng_decoded_image_size(decoder.context.get(), format, &decoded), name);
  image.pixels.resize(decoded);
  check(spng_decode_image(decoder.context.get(), image.pixels.data(), decoded, format, 0), name);
  if (size.channels == 1 && !direct) {
    for (std::size_t i = 0; i < decoded / 3; ++i) image.pixels[i] = image.pixels[3 * i];
    image.pixels.resize(decoded / 3);
  }
  return image;
}

Image read_png(const std::filesystem::path& path) {
  return decode_png(read_file(path, kMaxFileBytes), path.string());
}

}  // namespace hadal::image
