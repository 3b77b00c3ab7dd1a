// Small files in the formats of the real sets, with pixels that tell where they belong.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <zlib.h>

namespace hadal::data {

using Bytes = std::vector<std::uint8_t>;

inline std::uint8_t made_pixel(int image, int y, int x, int c) {
  return static_cast<std::uint8_t>(image * 41 + y * 7 + x * 3 + c * 89);
}

inline void append_bytes(Bytes& to, const Bytes& more) {
  to.insert(to.end(), more.begin(), more.end());
}

inline Bytes cifar_file(int records, int label_bytes) {
  Bytes file;
  for (int i = 0; i < records; ++i) {
    for (int b = 0; b < label_bytes; ++b) file.push_back(static_cast<std::uint8_t>(i % 10));
    for (int c = 0; c < 3; ++c)
      for (int p = 0; p < 1024; ++p) file.push_back(made_pixel(i, p / 32, p % 32, c));
  }
  return file;
}

inline void append_big_endian(Bytes& to, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8)
    to.push_back(static_cast<std::uint8_t>(value >> shift));
}

inline void append_little_endian(Bytes& to, std::uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8)
    to.push_back(static_cast<std::uint8_t>(value >> shift));
}

inline Bytes idx_images(int count, int height, int width) {
  Bytes file;
  append_big_endian(file, 2051);
  append_big_endian(file, static_cast<std::uint32_t>(count));
  append_big_endian(file, static_cast<std::uint32_t>(height));
  append_big_endian(file, static_cast<std::uint32_t>(width));
  for (int i = 0; i < count; ++i)
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x) file.push_back(made_pixel(i, y, x, 0));
  return file;
}

inline Bytes idx_labels(int count) {
  Bytes file;
  append_big_endian(file, 2049);
  append_big_endian(file, static_cast<std::uint32_t>(count));
  for (int i = 0; i < count; ++i) file.push_back(static_cast<std::uint8_t>(i % 10));
  return file;
}

// window_bits as zlib has them: 15 zlib, 31 gzip.
inline Bytes deflated(const Bytes& plain, int window_bits) {
  z_stream stream{};
  deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY);
  Bytes out(deflateBound(&stream, plain.size()) + 64);
  stream.next_in = const_cast<Bytef*>(plain.data());
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = out.data();
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

inline Bytes gzipped(const Bytes& plain) { return deflated(plain, 31); }

inline void append_mat_data(Bytes& to, std::uint32_t type, const Bytes& data) {
  append_little_endian(to, type);
  append_little_endian(to, static_cast<std::uint32_t>(data.size()));
  append_bytes(to, data);
  to.resize((to.size() + 7) / 8 * 8);
}

// A uint8 array as one MAT-file element.
inline Bytes mat_element(const std::string& name, const std::vector<std::uint32_t>& dimensions,
                         const Bytes& data, bool compressed) {
  Bytes flags(8), extents, inside;
  flags[0] = 9;  // mxUINT8_CLASS
  for (const std::uint32_t d : dimensions) append_little_endian(extents, d);
  append_mat_data(inside, 6, flags);
  append_mat_data(inside, 5, extents);
  append_mat_data(inside, 1, Bytes(name.begin(), name.end()));
  append_mat_data(inside, 2, data);
  Bytes element;
  append_little_endian(element, 14);
  append_little_endian(element, static_cast<std::uint32_t>(inside.size()));
  append_bytes(element, inside);
  if (!compressed) return element;
  const Bytes packed = deflated(element, 15);
  Bytes outer;
  append_little_endian(outer, 15);
  append_little_endian(outer, static_cast<std::uint32_t>(packed.size()));
  append_bytes(outer, packed);
  return outer;
}

// Digits labelled 1, 2, ..., 10, 1, ...
inline Bytes svhn_file(int count, bool compressed) {
  Bytes file(128, ' ');
  file[124] = 0;
  file[125] = 1;
  file[126] = 'I';
  file[127] = 'M';
  Bytes x, y;
  for (int i = 0; i < count; ++i) {
    y.push_back(static_cast<std::uint8_t>(i % 10 + 1));
    for (int c = 0; c < 3; ++c)
      for (int column = 0; column < 32; ++column)
        for (int row = 0; row < 32; ++row) x.push_back(made_pixel(i, row, column, c));
  }
  const auto n = static_cast<std::uint32_t>(count);
  append_bytes(file, mat_element("X", {32, 32, 3, n}, x, compressed));
  append_bytes(file, mat_element("y", {n, 1}, y, compressed));
  return file;
}

// A ustar archive of regular files.
inline Bytes tar_file(const std::vector<std::pair<std::string, Bytes>>& files) {
  Bytes archive;
  for (const auto& [name, contents] : files) {
    Bytes header(512);
    const auto put = [&](std::size_t at, const std::string& text) {
      std::copy(text.begin(), text.end(), header.begin() + static_cast<std::ptrdiff_t>(at));
    };
    const auto octal = [](std::uint64_t value, int digits) {
      std::string text;
      for (int i = digits - 1; i >= 0; --i)
        text.push_back(static_cast<char>('0' + (value >> (3 * i) & 7)));
      return text;
    };
    put(0, name);
    put(100, "0000644");
    put(124, octal(contents.size(), 11));
    put(148, "        ");
    header[156] = '0';
    put(257, "ustar");
    put(263, "00");
    std::uint64_t sum = 0;
    for (const std::uint8_t byte : header) sum += byte;
    put(148, octal(sum, 6));
    header[154] = 0;
    append_bytes(archive, header);
    append_bytes(archive, contents);
    archive.resize((archive.size() + 511) / 512 * 512);
  }
  archive.resize(archive.size() + 1024);
  return archive;
}

}  // namespace hadal::data
