// Netpbm's portable grey maps and pixmaps: plain (P2, P3) and raw (P5, P6).
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "core/image/image.h"

namespace hadal::image {

/// The bytes of a raw PGM (grey) or PPM (RGB) file. Throws ShapeError as encode_png().
std::string encode_pnm(const Image& image);

/// Replaces `path` in one step. Throws ShapeError or IoError.
void write_pnm(const std::filesystem::path& path, const Image& image);

/// The size that decode_pnm() gives, of a whole file or its beginning; nothing when the header goes
/// on beyond these bytes. Throws DataError for damage and for more than kMaxPixels.
std::optional<ImageSize> pnm_size(std::string_view bytes, const std::string& name);

/// A PGM or PPM as 8-bit grey or RGB. Samples s of 0..maxval, which may be up to 65,535, become
/// (255 s + maxval / 2) / maxval rounded down. `name` is for messages. Throws DataError for damage,
/// for bitmaps (P1, P4) and for more than one picture in the file.
Image decode_pnm(std::string_view bytes, const std::string& name);

/// decode_pnm() of a file. Throws IoError or DataError.
Image read_pnm(const std::filesystem::path& path);

}  // namespace hadal::image
