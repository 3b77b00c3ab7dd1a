// A small streaming reader of MATLAB 5 MAT-files, enough for numeric arrays: the 128-byte header,
// then elements (type, byte count, data), where a miCOMPRESSED element is a zlib stream holding one
// miMATRIX: array flags, dimensions, name, then the numbers in column-major order.
// Format: MathWorks, "MAT-File Format", level 5.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/data/byte_source.h"

namespace hadal::data {

/// An array whose header has been read and whose numbers come next.
struct MatArray {
  std::string name;
  std::vector<std::int64_t> dimensions;  // 2 to 8 of them, each from 0 to 2^31 - 1
  int storage = 0;                       // MAT data type of the stored numbers, 2 = uint8
  std::uint64_t data_bytes = 0;          // as the file states it
  ByteSource* numbers = nullptr;         // stands at the first number

  std::string describe() const;  // "X 32x32x3x1083"
};

inline constexpr int kMatUint8 = 2;

class MatReader {
 public:
  /// Reads the file header. Throws DataError unless it is a little-endian version 5 MAT-file.
  explicit MatReader(ByteSource& source);
  ~MatReader();

  /// The next array; nothing at the end of the file. What is left of the array before is passed
  /// over. Elements that are not numeric arrays are passed over too. Throws DataError on damage.
  std::optional<MatArray> next();

 private:
  struct Tag {
    std::uint32_t type = 0;
    std::uint32_t bytes = 0;
    bool is_small = false;
    std::uint8_t small_data[4] = {};
  };
  Tag read_tag(ByteSource& from);
  std::vector<std::uint8_t> read_element(ByteSource& from, std::uint32_t wanted_type,
                                         std::uint32_t max_bytes, const char* what);
  std::optional<MatArray> read_matrix(ByteSource& from);

  ByteSource& source_;
  std::unique_ptr<ByteSource> inflated_;
  std::unique_ptr<ByteSource> small_numbers_;
  std::vector<std::uint8_t> small_bytes_;
  std::uint64_t element_end_ = 0;  // position of source_ after the current element
};

}  // namespace hadal::data
