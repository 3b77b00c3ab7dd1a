// Bytes in order, from a file, from memory, or inflated on the way. Readers take what they need
// piece by piece and never ask for memory on the word of a header alone, so a damaged file costs at
// most the memory its real bytes fill.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace hadal::data {

class ByteSource {
 public:
  explicit ByteSource(std::string name) : name_(std::move(name)) {}
  virtual ~ByteSource() = default;
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;

  const std::string& name() const { return name_; }     // the file, for messages
  std::uint64_t position() const { return position_; }  // bytes read so far

  /// Up to `bytes` bytes; fewer only at the end. Throws DataError (damaged compression) or IoError.
  std::size_t read(void* to, std::size_t bytes);

  /// Exactly `bytes` bytes, or DataError "FILE: truncated in WHAT: ...".
  void read_exact(void* to, std::size_t bytes, const std::string& what);

  /// `bytes` bytes as a vector that grows as they arrive.
  std::vector<std::uint8_t> read_vector(std::uint64_t bytes, const std::string& what);

  /// Passes over `bytes` bytes.
  void skip(std::uint64_t bytes, const std::string& what);

  /// True when no byte is left (reads one byte ahead).
  bool at_end();

 protected:
  /// At least one byte unless at the end, where it gives 0.
  virtual std::size_t read_some(void* to, std::size_t bytes) = 0;

 private:
  std::string name_;
  std::uint64_t position_ = 0;
  bool has_peeked_ = false;
  std::uint8_t peeked_ = 0;
};

/// The bytes of a file. Throws IoError when it cannot be opened.
std::unique_ptr<ByteSource> open_file(const std::filesystem::path& path);

/// Borrowed bytes.
std::unique_ptr<ByteSource> open_memory(std::span<const std::uint8_t> bytes, std::string name);

enum class Compression { kGzip, kZlib, kDeflate };

/// What `from` holds after inflation; `from` must outlive it. At most `from_bytes` compressed bytes
/// are taken. Throws DataError on damage and where the stream stops before its end mark.
std::unique_ptr<ByteSource> open_inflated(ByteSource& from, Compression compression,
                                          std::uint64_t from_bytes = UINT64_MAX);

/// A file, inflated when its name ends in .gz.
std::unique_ptr<ByteSource> open_maybe_gzip(const std::filesystem::path& path);

}  // namespace hadal::data
