#include "core/image/pnm.h"

#include <charconv>

#include <fmt/format.h>

#include "core/base/error.h"
#include "core/base/files.h"

namespace hadal::image {
namespace {

bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

struct Header {
  char kind = '5';
  std::uint32_t width = 0, height = 0, maxval = 0;
  std::size_t bytes = 0;  // of the header, with the one blank after it

  bool plain() const { return kind == '2' || kind == '3'; }
  int channels() const { return kind == '3' || kind == '6' ? 3 : 1; }
};

[[noreturn]] void fail(const std::string& name, std::string_view why) {
  throw DataError(fmt::format("{}: not a PGM or PPM that can be read: {}", name, why));
}

// The next number after blanks and comments; nothing when the bytes end in or before it.
class Numbers {
 public:
  Numbers(std::string_view bytes, std::size_t at, const std::string& name)
      : bytes_(bytes), at_(at), name_(name) {}

  std::size_t at() const { return at_; }
  void pass(std::size_t bytes) { at_ += bytes; }

  std::optional<std::uint32_t> next(bool ends_with_file = false) {
    skip_blanks();
    if (at_ == bytes_.size()) return std::nullopt;
    std::uint32_t value = 0;
    const char* end_of_bytes = bytes_.data() + bytes_.size();
    const auto [end, error] = std::from_chars(bytes_.data() + at_, end_of_bytes, value);
    if (error != std::errc()) fail(name_, fmt::format("wanted a number at byte {}", at_));
    if (end == end_of_bytes && !ends_with_file) return std::nullopt;
    if (end != end_of_bytes && !is_blank(*end) && *end != '#')
      fail(name_, fmt::format("wanted a number at byte {}", at_));
    at_ = static_cast<std::size_t>(end - bytes_.data());
    return value;
  }

  void skip_blanks() {
    for (; at_ < bytes_.size(); ++at_) {
      if (bytes_[at_] == '#')
        while (at_ + 1 < bytes_.size() && bytes_[at_] != '\n') ++at_;
      else if (!is_blank(bytes_[at_]))
        return;
    }
  }

 private:
  std::string_view bytes_;
  std::size_t at_;
  const std::string& name_;
};

std::optional<Header> parse_header(std::string_view bytes, const std::string& name) {
  if (bytes.size() < 2 || bytes[0] != 'P' ||
      std::string_view("2356").find(bytes[1]) == std::string_view::npos)
    fail(name, "wanted it to start with P2, P3, P5 or P6");
  Header header{.kind = bytes[1]};
  Numbers numbers(bytes, 2, name);
  for (std::uint32_t* field : {&header.width, &header.height, &header.maxval}) {
    const auto value = numbers.next();
    if (!value) return std::nullopt;
    *field = *value;
  }
  header.bytes = numbers.at() + 1;
  if (header.width == 0 || header.height == 0 ||
      std::uint64_t{header.width} * header.height > kMaxPixels || header.maxval == 0 ||
      header.maxval > 65535)
    fail(name, fmt::format("{}x{} pixels of values up to {}, wanted at most {} pixels and 65535",
                           header.height, header.width, header.maxval, kMaxPixels));
  return header;
}

ImageSize size_of(const Header& header) {
  return {.height = static_cast<int>(header.height),
          .width = static_cast<int>(header.width),
          .channels = header.channels()};
}

class Scale {
 public:
  Scale(std::uint32_t maxval, const std::string& name) : maxval_(maxval), name_(name) {}

  std::uint8_t operator()(std::uint32_t sample) const {
    if (sample > maxval_)
      fail(name_, fmt::format("a sample of {}, its header states at most {}", sample, maxval_));
    return static_cast<std::uint8_t>((255 * sample + maxval_ / 2) / maxval_);
  }

 private:
  std::uint32_t maxval_;
  const std::string& name_;
};

}  // namespace

std::string encode_pnm(const Image& image) {
  const auto wanted = static_cast<std::size_t>(image.height) *
                      static_cast<std::size_t>(image.width) *
                      static_cast<std::size_t>(image.channels);
  if (image.height < 1 || image.width < 1 || (image.channels != 1 && image.channels != 3) ||
      image.pixels.size() != wanted)
    throw ShapeError(fmt::format("pnm: picture of {}x{}x{} with {} bytes, wanted 1 or 3 channels",
                                 image.height, image.width, image.channels, image.pixels.size()));
  std::string bytes =
      fmt::format("P{}\n{} {}\n255\n", image.channels == 1 ? 5 : 6, image.width, image.height);
  bytes.append(image.pixels.begin(), image.pixels.end());
  return bytes;
}

void write_pnm(const std::filesystem::path& path, const Image& image) {
  write_file_atomically(path, encode_pnm(image));
}

std::optional<ImageSize> pnm_size(std::string_view bytes, const std::string& name) {
  const std::optional<Header> header = parse_header(bytes, name);
  if (!header) return std::nullopt;
  return size_of(*header);
}

Image decode_pnm(std::string_view bytes, const std::string& name) {
  const std::optional<Header> header = parse_header(bytes, name);
  if (!header) fail(name, fmt::format("truncated in its header, at byte {}", bytes.size()));
  const ImageSize size = size_of(*header);
  const std::size_t samples =
      std::size_t{header->width} * header->height * static_cast<std::size_t>(size.channels);
  const std::size_t left = bytes.size() - header->bytes;
  const std::size_t width = header->maxval > 255 ? 2 : 1;  // of a raw sample
  // A plain sample is a digit and a blank, which the last one need not have.
  if (left < (header->plain() ? 2 * samples - 1 : width * samples))
    fail(name, fmt::format("truncated: {} bytes of data for {}x{}x{} samples", left, size.height,
                           size.width, size.channels));
  Image image{.height = size.height, .width = size.width, .channels = size.channels};
  image.pixels.resize(samples);
  const Scale scale(header->maxval, name);
  Numbers numbers(bytes, header->bytes, name);
  if (header->plain()) {
    for (std::size_t i = 0; i < samples; ++i) {
      const auto value = numbers.next(true);
      if (!value) fail(name, fmt::format("truncated: {} samples, wanted {}", i, samples));
      image.pixels[i] = scale(*value);
    }
  } else {
    const auto byte = [&](std::size_t i) {
      return std::uint32_t{static_cast<unsigned char>(bytes[header->bytes + i])};
    };
    for (std::size_t i = 0; i < samples; ++i)
      image.pixels[i] = scale(width == 1 ? byte(i) : byte(2 * i) << 8 | byte(2 * i + 1));
    numbers.pass(samples * width);
  }
  numbers.skip_blanks();
  if (numbers.at() != bytes.size())
    fail(name, fmt::format("{} bytes left over after its {}x{} pixels", bytes.size() - numbers.at(),
                           size.height, size.width));
  return image;
}

Image read_pnm(const std::filesystem::path& path) {
  return decode_pnm(read_file(path, kMaxFileBytes), path.string());
}

}  // namespace hadal::image
