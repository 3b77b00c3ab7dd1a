#include "core/data/byte_source.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include <fmt/format.h>
#include <zlib.h>

#include "core/base/error.h"

namespace hadal::data {
namespace {

constexpr std::size_t kChunk = 1 << 16;

class FileSource final : public ByteSource {
 public:
  explicit FileSource(const std::filesystem::path& path)
      : ByteSource(path.string()), file_(std::fopen(path.c_str(), "rb"), &std::fclose) {
    if (!file_) throw io_error("cannot open", path.string(), errno);
  }

 protected:
  std::size_t read_some(void* to, std::size_t bytes) override {
    const std::size_t got = std::fread(to, 1, bytes, file_.get());
    if (got == 0 && std::ferror(file_.get())) throw io_error("cannot read", name(), errno);
    return got;
  }

 private:
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
};

class MemorySource final : public ByteSource {
 public:
  MemorySource(std::span<const std::uint8_t> bytes, std::string name)
      : ByteSource(std::move(name)), rest_(bytes) {}

 protected:
  std::size_t read_some(void* to, std::size_t bytes) override {
    const std::size_t got = std::min(bytes, rest_.size());
    if (got > 0) std::memcpy(to, rest_.data(), got);
    rest_ = rest_.subspan(got);
    return got;
  }

 private:
  std::span<const std::uint8_t> rest_;
};

class InflatedSource final : public ByteSource {
 public:
  InflatedSource(ByteSource& from, Compression compression, std::uint64_t from_bytes)
      : ByteSource(from.name()), from_(from), from_left_(from_bytes) {
    const int window_bits = compression == Compression::kGzip   ? 15 + 16
                            : compression == Compression::kZlib ? 15
                                                                : -15;
    HADAL_CHECK(inflateInit2(&stream_, window_bits) == Z_OK);
  }
  ~InflatedSource() override { inflateEnd(&stream_); }

 protected:
  std::size_t read_some(void* to, std::size_t bytes) override {
    if (ended_ || bytes == 0) return 0;
    const std::size_t wanted = std::min<std::size_t>(bytes, 1 << 30);
    stream_.next_out = static_cast<Bytef*>(to);
    stream_.avail_out = static_cast<uInt>(wanted);
    while (stream_.avail_out == wanted && !ended_) {
      if (stream_.avail_in == 0) refill();
      const int status = inflate(&stream_, Z_NO_FLUSH);
      if (status == Z_STREAM_END) {
        ended_ = true;
      } else if (status != Z_OK) {
        throw DataError(fmt::format("{}: damaged compressed data near byte {}: {}", name(),
                                    from_.position(),
                                    stream_.msg ? stream_.msg : "inflate stopped"));
      }
    }
    return wanted - stream_.avail_out;
  }

 private:
  void refill() {
    const auto most = static_cast<std::size_t>(std::min<std::uint64_t>(from_left_, input_.size()));
    const std::size_t got = most == 0 ? 0 : from_.read(input_.data(), most);
    if (got == 0)
      throw DataError(fmt::format("{}: truncated: compressed data stops at byte {} before its end",
                                  name(), from_.position()));
    from_left_ -= got;
    stream_.next_in = input_.data();
    stream_.avail_in = static_cast<uInt>(got);
  }

  ByteSource& from_;
  std::uint64_t from_left_;
  z_stream stream_{};
  std::array<Bytef, kChunk> input_;
  bool ended_ = false;
};

// An inflated file that owns the file.
class GzipFileSource final : public ByteSource {
 public:
  explicit GzipFileSource(const std::filesystem::path& path)
      : ByteSource(path.string()), file_(path), inflated_(file_, Compression::kGzip, UINT64_MAX) {}

 protected:
  std::size_t read_some(void* to, std::size_t bytes) override { return inflated_.read(to, bytes); }

 private:
  FileSource file_;
  InflatedSource inflated_;
};

}  // namespace

std::size_t ByteSource::read(void* to, std::size_t bytes) {
  auto* out = static_cast<std::uint8_t*>(to);
  std::size_t done = 0;
  if (has_peeked_ && bytes > 0) {
    out[done++] = peeked_;
    has_peeked_ = false;
  }
  while (done < bytes) {
    const std::size_t got = read_some(out + done, bytes - done);
    if (got == 0) break;
    done += got;
  }
  position_ += done;
  return done;
}

void ByteSource::read_exact(void* to, std::size_t bytes, const std::string& what) {
  const std::uint64_t start = position_;
  const std::size_t got = read(to, bytes);
  if (got < bytes)
    throw DataError(fmt::format("{}: truncated in {}: {} bytes left at byte {}, wanted {}", name_,
                                what, got, start, bytes));
}

std::vector<std::uint8_t> ByteSource::read_vector(std::uint64_t bytes, const std::string& what) {
  std::vector<std::uint8_t> out;
  while (out.size() < bytes) {
    const std::size_t old = out.size();
    // Doubling: a short file is found out after at most twice its own size.
    const std::uint64_t step = std::min<std::uint64_t>(bytes - old, std::max(kChunk, old));
    out.resize(old + static_cast<std::size_t>(step));
    read_exact(out.data() + old, static_cast<std::size_t>(step), what);
  }
  return out;
}

void ByteSource::skip(std::uint64_t bytes, const std::string& what) {
  std::array<std::uint8_t, 4096> scratch;
  while (bytes > 0) {
    const auto step = static_cast<std::size_t>(std::min<std::uint64_t>(bytes, scratch.size()));
    read_exact(scratch.data(), step, what);
    bytes -= step;
  }
}

bool ByteSource::at_end() {
  if (has_peeked_) return false;
  has_peeked_ = read_some(&peeked_, 1) == 1;
  return !has_peeked_;
}

std::unique_ptr<ByteSource> open_file(const std::filesystem::path& path) {
  return std::make_unique<FileSource>(path);
}

std::unique_ptr<ByteSource> open_memory(std::span<const std::uint8_t> bytes, std::string name) {
  return std::make_unique<MemorySource>(bytes, std::move(name));
}

std::unique_ptr<ByteSource> open_inflated(ByteSource& from, Compression compression,
                                          std::uint64_t from_bytes) {
  return std::make_unique<InflatedSource>(from, compression, from_bytes);
}

std::unique_ptr<ByteSource> open_maybe_gzip(const std::filesystem::path& path) {
  if (path.extension() == ".gz") return std::make_unique<GzipFileSource>(path);
  return open_file(path);
}

}  // namespace hadal::data
