// Damaged files: whatever the bytes, a reader returns a consistent set or throws DataError, and
// takes no more memory than a small multiple of the file (a bomb of zeros aside, which inflates a
// thousandfold at most). Run under the address and undefined-behaviour sanitizers as well.
#include <functional>

#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/data/cifar.h"
#include "core/data/mnist.h"
#include "core/data/svhn.h"
#include "core/data/tar.h"
#include "tests/core/data/made_files.h"
#include "tests/core/mutated.h"

namespace hadal::data {
namespace {

void expect_consistent(const ImageSet& set) {
  ASSERT_EQ(static_cast<std::int64_t>(set.labels.size()), set.count);
  ASSERT_EQ(static_cast<std::int64_t>(set.pixels.size()), set.count * set.bytes_per_image());
}

// Returns how many of the mutations were refused.
int run(const Bytes& good, int rounds, const std::function<void(const Bytes&)>& read) {
  EXPECT_NO_THROW(read(good));
  int refused = 0;
  for (int round = 0; round < rounds; ++round) {
    SCOPED_TRACE(testing::Message() << "seed " << kMutationSeed << " round " << round);
    try {
      read(mutated(good, static_cast<std::uint64_t>(round)));
    } catch (const DataError&) {
      ++refused;
    }
  }
  return refused;
}

TEST(Mutation, Cifar) {
  const int refused = run(cifar_file(3, 2), 2000, [](const Bytes& bytes) {
    const auto source = open_memory(bytes, "m");
    expect_consistent(read_cifar(*source, kCifar100FineFormat));
  });
  EXPECT_GT(refused, 0);
}

TEST(Mutation, Idx) {
  const Bytes labels = idx_labels(5);
  const int refused = run(idx_images(5, 12, 12), 4000, [&](const Bytes& bytes) {
    const auto images = open_memory(bytes, "m");
    const auto label_source = open_memory(labels, "labels");
    expect_consistent(read_mnist(*images, *label_source));
  });
  EXPECT_GT(refused, 0);
}

TEST(Mutation, GzippedIdx) {
  const Bytes labels = idx_labels(5);
  const int refused = run(gzipped(idx_images(5, 12, 12)), 4000, [&](const Bytes& bytes) {
    const auto packed = open_memory(bytes, "m");
    const auto images = open_inflated(*packed, Compression::kGzip);
    const auto label_source = open_memory(labels, "labels");
    expect_consistent(read_mnist(*images, *label_source));
  });
  EXPECT_GT(refused, 0);
}

TEST(Mutation, Mat) {
  for (const bool compressed : {false, true}) {
    const int refused = run(svhn_file(3, compressed), 4000, [](const Bytes& bytes) {
      const auto source = open_memory(bytes, "m");
      ImageSet set;
      read_svhn(*source, set);
      expect_consistent(set);
    });
    EXPECT_GT(refused, 0);
  }
}

TEST(Mutation, Tar) {
  const Bytes archive = tar_file({{"a/one.bin", Bytes(700, 1)}, {"a/two.txt", Bytes(20, 2)}});
  const int refused = run(archive, 4000, [](const Bytes& bytes) {
    const auto source = open_memory(bytes, "m");
    read_tar(*source, [](const std::string& name, std::uint64_t size, ByteSource& member) {
      EXPECT_EQ(name.find(".."), std::string::npos);
      if (size < 1 << 20) member.read_vector(size, name);
    });
  });
  EXPECT_GT(refused, 0);
}

}  // namespace
}  // namespace hadal::data
