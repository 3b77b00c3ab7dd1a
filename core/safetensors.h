// Named tensors in one file, in the safetensors format: 8 bytes of header length (little-endian), a
// JSON header {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [begin, end]}, ...} padded
// with blanks to a multiple of 8, then the bytes of all tensors without gaps, offsets counted from
// the end of the header. "__metadata__" in the header holds text by name. Others read and write it
// too, so nothing in a file is trusted.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/tensor.h"

namespace hadal {

using NamedViews = std::vector<std::pair<std::string, TensorView>>;
using Metadata = std::map<std::string, std::string>;

inline constexpr std::size_t kMaxSafetensorsHeader = std::size_t{8} << 20;

/// The bytes of a file, tensors in the order given. REQUIRES: names are distinct and not empty;
/// views have memory and the layout kNhwc.
std::string to_safetensors(const NamedViews& tensors, const Metadata& metadata = {});

/// What a file holds.
class Safetensors {
 public:
  struct Entry {
    std::string name;
    DType type = DType::kFloat32;
    Shape shape;
    std::size_t offset = 0;  // into the data
    std::size_t bytes = 0;
  };

  /// Takes the bytes of a file. Throws DataError, beginning with `file`, for anything that is not
  /// as above: header too large or no JSON, an unknown dtype, more than four dimensions, sizes that
  /// contradict each other, gaps, overlaps, bytes missing or left over.
  static Safetensors parse(std::string bytes, const std::string& file);

  /// In the order of their bytes.
  const std::vector<Entry>& entries() const { return entries_; }
  const Metadata& metadata() const { return metadata_; }
  std::string_view bytes_of(const Entry& entry) const;

  /// Copies the tensor `name` into `to`. Throws DataError when there is none or its type or shape
  /// is another.
  void copy_to(const std::string& name, const TensorView& to) const;

  /// Copies all; throws DataError also when the file holds a tensor that nobody asked for.
  void copy_to(const NamedViews& tensors) const;

 private:
  std::string file_, bytes_;
  std::size_t data_start_ = 0;
  std::vector<Entry> entries_;
  std::map<std::string, std::size_t> by_name_;
  Metadata metadata_;
};

}  // namespace hadal
