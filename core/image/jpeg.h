// JPEG files (ITU-T T.81) through libjpeg-turbo.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "core/image/image.h"

namespace hadal::image {

/// The size that decode_jpeg() gives, of a whole file or its beginning; nothing when the frame
/// header lies beyond these bytes. Throws DataError for damage and for more than kMaxPixels.
std::optional<ImageSize> jpeg_size(std::string_view bytes, const std::string& name);

/// A JPEG as 8-bit grey (when it is stored as grey) or RGB, turned upright as its EXIF orientation
/// says; CMYK as Adobe's programs store it is converted to RGB without a colour profile. `name` is
/// for messages. Throws DataError for damage, truncation too.
Image decode_jpeg(std::string_view bytes, const std::string& name);

/// decode_jpeg() of a file. Throws IoError or DataError.
Image read_jpeg(const std::filesystem::path& path);

}  // namespace hadal::image
