// PNG files (ISO/IEC 15948) through libspng.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "core/image/image.h"

namespace hadal::image {

/// The bytes of a PNG file. Throws ShapeError unless the picture has 1 or 3 channels, at least one
/// pixel, and as many bytes as its size says.
std::string encode_png(const Image& image);

/// Replaces `path` in one step. Throws ShapeError as encode_png(), or IoError.
void write_png(const std::filesystem::path& path, const Image& image);

/// The size that decode_png() gives, of a whole file or its first 33 bytes. Throws DataError.
ImageSize png_size(std::string_view bytes, const std::string& name);

/// Any PNG as 8-bit grey (when it is stored as grey) or RGB; transparency is dropped. `name` is for
/// messages. Throws DataError for damage and for pictures of more than kMaxPixels.
Image decode_png(std::string_view bytes, const std::string& name);

/// decode_png() of a file. Throws IoError or DataError.
Image read_png(const std::filesystem::path& path);

}  // namespace hadal::image
