// The readers on files built byte by byte.
#include <algorithm>
#include <cstring>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include "core/base/error.h"
#include "core/base/files.h"
#include "core/data/cifar.h"
#include "core/data/mnist.h"
#include "core/data/svhn.h"
#include "tests/core/data/made_files.h"

namespace hadal::data {
namespace {

using ::testing::HasSubstr;

std::string data_error_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const DataError& e) {
    return e.what();
  }
  return "no DataError";
}

ImageSet cifar(const Bytes& file, const CifarFormat& format = kCifar10Format,
               std::int64_t wanted = -1) {
  const auto source = open_memory(file, "c.bin");
  return read_cifar(*source, format, wanted);
}

ImageSet mnist(const Bytes& images, const Bytes& labels) {
  const auto image_source = open_memory(images, "images");
  const auto label_source = open_memory(labels, "labels");
  return read_mnist(*image_source, *label_source);
}

ImageSet svhn(const Bytes& file) {
  const auto source = open_memory(file, "s.mat");
  ImageSet set;
  read_svhn(*source, set);
  return set;
}

TEST(Cifar, PlanesBecomePixels) {
  const ImageSet set = cifar(cifar_file(3, 1));
  ASSERT_EQ(set.count, 3);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(set.labels[i], i % 10);
    for (int p = 0; p < 1024; ++p)
      for (int c = 0; c < 3; ++c)
        ASSERT_EQ(set.image(i)[3 * p + c], made_pixel(i, p / 32, p % 32, c));
  }
}

TEST(Cifar, FineLabelIsTheSecondByteOfCifar100) {
  Bytes file = cifar_file(1, 2);
  file[0] = 19;
  file[1] = 99;
  EXPECT_EQ(cifar(file, kCifar100FineFormat).labels[0], 99);
}

TEST(Cifar, WrongFilesSayWhatWasFoundAndWanted) {
  Bytes torn = cifar_file(2, 1);
  torn.pop_back();
  EXPECT_THAT(data_error_of([&] { cifar(torn); }),
              HasSubstr("c.bin: truncated in record 1: 3072 bytes left at byte 3073, wanted 3073"));
  Bytes label = cifar_file(2, 1);
  label[3073] = 10;
  EXPECT_THAT(data_error_of([&] { cifar(label); }), HasSubstr("record 1 has label 10"));
  EXPECT_THAT(data_error_of([&] { cifar(cifar_file(2, 1), kCifar10Format, 3); }),
              HasSubstr("2 records of 3073 bytes, wanted 3"));
  EXPECT_THAT(data_error_of([&] { cifar(cifar_file(2, 1), kCifar10Format, 1); }),
              HasSubstr("more than the wanted 1"));
  EXPECT_THAT(data_error_of([&] { cifar({}); }), HasSubstr("0 records"));
}

TEST(Mnist, ReadsImagesAndLabels) {
  const ImageSet set = mnist(idx_images(4, 28, 28), idx_labels(4));
  EXPECT_EQ(set.count, 4);
  EXPECT_EQ(set.height, 28);
  EXPECT_EQ(set.channels, 1);
  EXPECT_EQ(set.image(2)[28 * 5 + 7], made_pixel(2, 5, 7, 0));
  EXPECT_EQ(set.labels, (std::vector<std::int32_t>{0, 1, 2, 3}));
}

TEST(Mnist, HeadersAreNotTrusted) {
  Bytes huge = idx_images(2, 28, 28);
  std::fill(huge.begin() + 8, huge.begin() + 12, std::uint8_t{0xff});  // rows
  EXPECT_THAT(data_error_of([&] { mnist(huge, idx_labels(2)); }), HasSubstr("rows"));
  Bytes many = idx_images(2, 28, 28), many_labels = idx_labels(2);
  for (Bytes* file : {&many, &many_labels}) (*file)[5] = 0x98;  // 9,961,474 of them, 2 are there
  EXPECT_THAT(data_error_of([&] { mnist(many, many_labels); }), HasSubstr("truncated"));
  EXPECT_THAT(data_error_of([&] { mnist(idx_labels(2), idx_labels(2)); }), HasSubstr("2049"));
  EXPECT_THAT(data_error_of([&] { mnist(idx_images(2, 28, 28), idx_labels(3)); }),
              HasSubstr("3 labels, wanted one for each of the 2 images"));
  Bytes long_file = idx_images(2, 28, 28);
  long_file.push_back(0);
  EXPECT_THAT(data_error_of([&] { mnist(long_file, idx_labels(2)); }), HasSubstr("left over"));
}

TEST(Gzip, InflatesAndNoticesDamage) {
  const Bytes plain = idx_images(3, 28, 28);
  const Bytes packed = gzipped(plain);
  const auto read_all = [](const Bytes& file) {
    const auto source = open_memory(file, "x.gz");
    const auto inflated = open_inflated(*source, Compression::kGzip);
    Bytes out(1 << 16);
    out.resize(inflated->read(out.data(), out.size()));
    return out;
  };
  EXPECT_EQ(read_all(packed), plain);
  Bytes torn = packed;
  torn.resize(torn.size() / 2);
  EXPECT_THAT(data_error_of([&] { read_all(torn); }), HasSubstr("truncated"));
  Bytes wrong_checksum = packed;
  wrong_checksum[packed.size() - 6] ^= 1;
  EXPECT_THAT(data_error_of([&] { read_all(wrong_checksum); }), HasSubstr("damaged"));
}

TEST(Svhn, ColumnMajorBecomesRowsAndTenBecomesZero) {
  for (const bool compressed : {true, false}) {
    const ImageSet set = svhn(svhn_file(11, compressed));
    ASSERT_EQ(set.count, 11);
    EXPECT_EQ(set.labels[0], 1);
    EXPECT_EQ(set.labels[9], 0);
    EXPECT_EQ(set.labels[10], 1);
    for (const int i : {0, 10})
      for (int y = 0; y < 32; ++y)
        for (int x = 0; x < 32; ++x)
          for (int c = 0; c < 3; ++c)
            ASSERT_EQ(set.image(i)[(y * 32 + x) * 3 + c], made_pixel(i, y, x, c));
  }
}

TEST(Svhn, DamageIsNoticed) {
  Bytes file = svhn_file(11, true);
  Bytes torn(file.begin(), file.begin() + 300);
  EXPECT_THAT(data_error_of([&] { svhn(torn); }), HasSubstr("s.mat: truncated"));
  Bytes header = file;
  header[126] = 'M';
  EXPECT_THAT(data_error_of([&] { svhn(header); }), HasSubstr("little-endian MATLAB 5"));
  Bytes no_labels = svhn_file(11, false);
  no_labels.resize(no_labels.size() - mat_element("y", {11, 1}, Bytes(11), false).size());
  EXPECT_THAT(data_error_of([&] { svhn(no_labels); }), HasSubstr("11 images in X and 0 labels"));
  const Bytes good_header(file.begin(), file.begin() + 128);
  Bytes wrong_shape = good_header;
  append_bytes(wrong_shape, mat_element("X", {28, 28, 3, 2}, Bytes(28 * 28 * 6), true));
  EXPECT_THAT(data_error_of([&] { svhn(wrong_shape); }),
              HasSubstr("X 28x28x3x2, wanted 32x32x3xN"));
}

TEST(Svhn, ChecksumOfTheCompressedNumbersIsCompared) {
  const Bytes x = mat_element("X", {32, 32, 3, 1}, Bytes(3072, 7), true);
  Bytes file(svhn_file(1, true));
  file.resize(128);
  Bytes damaged = x;
  damaged.back() ^= 1;  // the last byte of Adler-32
  append_bytes(file, damaged);
  append_bytes(file, mat_element("y", {1, 1}, Bytes{1}, true));
  EXPECT_THAT(data_error_of([&] { svhn(file); }), HasSubstr("damaged compressed data"));
}

}  // namespace
}  // namespace hadal::data
