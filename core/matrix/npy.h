// NumPy's .npy files, versions 1 to 3: "\x93NUMPY", two bytes of version, the length of the header
// (2 bytes in version 1, else 4, little-endian), the header, which is a Python dictionary of
// 'descr' (type), 'fortran_order' and 'shape', then the elements.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "core/data/byte_source.h"
#include "core/matrix/random_access_file.h"
#include "core/matrix/stored_rows.h"

namespace hadal::matrix {

/// The header of the .npy that starts at `from`; layout.offset counts from there. Throws DataError
/// for damage and for types that are no numbers: objects (pickled), text, records, complex.
ArrayLayout read_npy_header(data::ByteSource& from);

/// The array at bytes [offset, offset + bytes) of `file`. One-dimensional arrays are one column;
/// more than two dimensions are flattened to rows, and N x H x W and N x H x W x 1, 3 of u8 are
/// pictures. Throws DataError for damage, among it another length than the header states.
std::unique_ptr<StoredRows> npy_rows(std::unique_ptr<const RandomAccessFile> file,
                                     std::uint64_t offset, std::uint64_t bytes,
                                     const std::string& name, OnNote on_note);

/// A .npy file. Throws IoError or DataError.
std::unique_ptr<StoredRows> open_npy(const std::filesystem::path& path, const FileUse& use = {},
                                     OnNote on_note = {});

}  // namespace hadal::matrix
