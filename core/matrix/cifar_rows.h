// CIFAR's binary files (core/data/cifar.h) as matrices.
#pragma once

#include <filesystem>
#include <memory>

#include "core/matrix/stored_rows.h"

namespace hadal::matrix {

/// A .bin file of CIFAR-10 or CIFAR-100, told apart by the length of a record and its labels (fine
/// ones): 3,072 columns, channel by channel as they lie in the file. Names of the labels are those
/// of batches.meta.txt or fine_label_names.txt beside it, else numbers. Throws IoError or
/// DataError.
std::unique_ptr<StoredRows> open_cifar(const std::filesystem::path& path, const FileUse& use = {});

}  // namespace hadal::matrix
