// A picture of any form that is read, told apart by its first bytes.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "core/image/image.h"

namespace hadal::image {

/// PNG, JPEG, PGM or PPM as decode_png(), decode_jpeg() and decode_pnm() say. `name` is for
/// messages. Throws DataError, for other forms too.
Image decode_image(std::string_view bytes, const std::string& name);

/// decode_image() of a file. Throws IoError or DataError.
Image read_image(const std::filesystem::path& path);

/// The size that read_image() gives, from the beginning of the file. Throws IoError or DataError.
ImageSize read_image_size(const std::filesystem::path& path);

/// Whether a file's name ends as those of pictures that are read: .png, .jpg, .jpeg, .pgm, .ppm,
/// .pnm, in any case.
bool has_image_name(const std::filesystem::path& path);

}  // namespace hadal::image
