#include "core/image/jpeg.h"

#include <cstring>
#include <memory>

#include <fmt/format.h>
#include <turbojpeg.h>

#include "core/base/error.h"
#include "core/base/files.h"

namespace hadal::image {
namespace {

// A block of 64 pixels takes one bit in a scan at least.
constexpr std::uint64_t kMaxPixelsPerByte = 64 * 8 * 2;

struct Header {
  int height = 0, width = 0, components = 0;
  int orientation = 1;  // EXIF: 1 upright, 2..4 mirrored or turned, 5..8 with the sides exchanged
  bool adobe = false;   // CMYK is stored as 255 minus the ink

  bool sides_exchanged() const { return orientation >= 5; }
};

std::uint32_t number(std::string_view bytes, std::size_t at, std::size_t count, bool big_endian) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < count; ++i)
    value = value << 8 | static_cast<unsigned char>(bytes[at + (big_endian ? i : count - 1 - i)]);
  return value;
}

// Tag 0x0112 of the first directory of the TIFF structure in an EXIF segment; 1 when there is none.
int exif_orientation(std::string_view tiff) {
  if (tiff.size() < 8) return 1;
  const bool big_endian = tiff[0] == 'M';
  const std::uint32_t directory = number(tiff, 4, 4, big_endian);
  if (directory > tiff.size() - 2) return 1;
  const std::size_t entries = number(tiff, directory, 2, big_endian);
  for (std::size_t i = 0; i < entries; ++i) {
    const std::size_t entry = directory + 2 + 12 * i;
    if (entry + 12 > tiff.size()) return 1;
    if (number(tiff, entry, 2, big_endian) != 0x0112) continue;
    const std::uint32_t value = number(tiff, entry + 8, 2, big_endian);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

[[noreturn]] void fail(const std::string& name, std::string_view why) {
  throw DataError(fmt::format("{}: not a JPEG that can be read: {}", name, why));
}

// The segments before the first scan.
std::optional<Header> parse_header(std::string_view bytes, const std::string& name) {
  if (bytes.size() < 2 || !bytes.starts_with("\xff\xd8"))
    fail(name, "wanted it to start with ff d8");
  Header header;
  for (std::size_t at = 2;;) {
    if (at + 4 > bytes.size()) return std::nullopt;
    const auto marker = static_cast<unsigned char>(bytes[at + 1]);
    if (bytes[at] != '\xff') fail(name, fmt::format("no marker at byte {}", at));
    if (marker == 0xff) {  // fill
      ++at;
      continue;
    }
    if (marker == 0xd9 || marker == 0xda) fail(name, "no frame before the picture's data");
    const std::size_t length = number(bytes, at + 2, 2, true);
    if (length < 2) fail(name, fmt::format("segment of {} bytes at byte {}", length, at));
    const std::string_view segment = bytes.substr(at + 4, length - 2);
    const bool frame =
        marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
    if (frame && segment.size() >= 6) {
      if (segment[0] != 8)
        fail(name, fmt::format("{} bits a sample, wanted 8", static_cast<int>(segment[0])));
      header.height = static_cast<int>(number(segment, 1, 2, true));
      header.width = static_cast<int>(number(segment, 3, 2, true));
      header.components = static_cast<unsigned char>(segment[5]);
      return header;
    }
    if (segment.size() < length - 2) return std::nullopt;
    constexpr std::string_view kExif("Exif\0\0", 6);
    if (marker == 0xe1 && segment.starts_with(kExif))
      header.orientation = exif_orientation(segment.substr(kExif.size()));
    if (marker == 0xee && segment.starts_with("Adobe")) header.adobe = true;
    at += 2 + length;
  }
}

ImageSize size_of(const Header& header, const std::string& name) {
  const bool known = header.components == 1 || header.components == 3 || header.components == 4;
  if (!known || header.height == 0 || header.width == 0 ||
      static_cast<std::uint64_t>(header.height) * static_cast<std::uint64_t>(header.width) >
          kMaxPixels)
    fail(name, fmt::format("{}x{} pixels of {} components, wanted 1, 3 or 4 and at most {} pixels",
                           header.height, header.width, header.components, kMaxPixels));
  return {.height = header.sides_exchanged() ? header.width : header.height,
          .width = header.sides_exchanged() ? header.height : header.width,
          .channels = header.components == 1 ? 1 : 3};
}

// Pixels as stored, in 1, 3 or 4 channels.
std::vector<std::uint8_t> decode_stored(std::string_view bytes, const Header& header,
                                        const std::string& name) {
  const std::unique_ptr<void, int (*)(tjhandle)> decoder(tjInitDecompress(), &tjDestroy);
  HADAL_CHECK(decoder != nullptr);
  const auto* data = reinterpret_cast<const unsigned char*>(bytes.data());
  int width = 0, height = 0, sampling = 0, colours = 0;
  if (tjDecompressHeader3(decoder.get(), data, bytes.size(), &width, &height, &sampling,
                          &colours) != 0)
    fail(name, tjGetErrorStr2(decoder.get()));
  if (width != header.width || height != header.height)
    fail(name, "it holds frames of several sizes");
  const bool four = colours == TJCS_CMYK || colours == TJCS_YCCK;
  if (four != (header.components == 4) || (colours == TJCS_GRAY) != (header.components == 1))
    fail(name, "its colours are not of its components");
  const int format = four ? TJPF_CMYK : header.components == 1 ? TJPF_GRAY : TJPF_RGB;
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(height) *
                                   static_cast<std::size_t>(width) *
                                   static_cast<std::size_t>(header.components));
  const int status = tjDecompress2(decoder.get(), data, bytes.size(), pixels.data(), width, 0,
                                   height, format, TJFLAG_ACCURATEDCT | TJFLAG_LIMITSCANS);
  // Stray bytes between segments do no harm and cameras leave them; every other warning is damage.
  if (status != 0 && (tjGetErrorCode(decoder.get()) != TJERR_WARNING ||
                      std::strstr(tjGetErrorStr2(decoder.get()), "extraneous bytes") == nullptr))
    fail(name, tjGetErrorStr2(decoder.get()));
  return pixels;
}

void cmyk_to_rgb(std::vector<std::uint8_t>& pixels, bool inverted) {
  const std::size_t count = pixels.size() / 4;
  for (std::size_t i = 0; i < count; ++i) {
    const auto light = [&](std::size_t c) {
      return inverted ? pixels[4 * i + c] : 255 - pixels[4 * i + c];
    };
    const int black = light(3);
    for (std::size_t c = 0; c < 3; ++c)
      pixels[3 * i + c] = static_cast<std::uint8_t>((light(c) * black + 127) / 255);
  }
  pixels.resize(3 * count);
}

Image upright(const Image& stored, int orientation) {
  const bool exchanged = orientation >= 5;
  Image out{.height = exchanged ? stored.width : stored.height,
            .width = exchanged ? stored.height : stored.width,
            .channels = stored.channels};
  out.pixels.reserve(stored.pixels.size());
  for (int y = 0; y < out.height; ++y)
    for (int x = 0; x < out.width; ++x) {
      int from_y = exchanged ? x : y, from_x = exchanged ? y : x;
      if (orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7)
        from_y = stored.height - 1 - from_y;
      if (orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8)
        from_x = stored.width - 1 - from_x;
      const auto pixel = static_cast<std::ptrdiff_t>(from_y) * stored.width + from_x;
      const auto from = stored.pixels.begin() + pixel * stored.channels;
      out.pixels.insert(out.pixels.end(), from, from + stored.channels);
    }
  return out;
}

}  // namespace

std::optional<ImageSize> jpeg_size(std::string_view bytes, const std::string& name) {
  const std::optional<Header> header = parse_header(bytes, name);
  if (!header) return std::nullopt;
  return size_of(*header, name);
}

Image decode_jpeg(std::string_view bytes, const std::string& name) {
  const std::optional<Header> header = parse_header(bytes, name);
  if (!header) fail(name, fmt::format("truncated: {} bytes hold no frame header", bytes.size()));
  const ImageSize size = size_of(*header, name);
  if (static_cast<std::uint64_t>(size.height) * static_cast<std::uint64_t>(size.width) >
      kMaxPixelsPerByte * bytes.size())
    fail(name, fmt::format("truncated: {} bytes cannot hold {}x{} pixels", bytes.size(),
                           size.height, size.width));
  Image image{.height = header->height,
              .width = header->width,
              .channels = size.channels,
              .pixels = decode_stored(bytes, *header, name)};
  if (header->components == 4) cmyk_to_rgb(image.pixels, header->adobe);
  return header->orientation == 1 ? image : upright(image, header->orientation);
}

Image read_jpeg(const std::filesystem::path& path) {
  return decode_jpeg(read_file(path, kMaxFileBytes), path.string());
}

}  // namespace hadal::image
