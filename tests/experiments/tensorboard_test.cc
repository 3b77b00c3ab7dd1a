#include "experiments/tensorboard.h"

#include <cstring>
#include <vector>

#include <gtest/gtest.h>

#include "core/base/files.h"

#include "experiments/spec/event.pb.h"

namespace hadal::experiments {
namespace {

// CRC-32C bit by bit (Castagnoli, reflected 0x82f63b78); its check value over "123456789" is
// 0xe3069283.
std::uint32_t crc32c(std::string_view bytes) {
  std::uint32_t crc = 0xffffffffu;
  for (const char byte : bytes) {
    crc ^= static_cast<std::uint8_t>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (crc & 1 ? 0x82f63b78u : 0);
  }
  return ~crc;
}

std::uint32_t masked(std::uint32_t crc) { return ((crc >> 15) | (crc << 17)) + 0xa282ead8u; }

template <typename Number>
Number read_number(const std::string& bytes, std::size_t at) {
  Number number;
  std::memcpy(&number, bytes.data() + at, sizeof number);
  return number;
}

TEST(TensorBoardLog, WritesRecordsThatReadBackWithTheirChecksums) {
  ASSERT_EQ(crc32c("123456789"), 0xe3069283u);
  const TemporaryFolder folder;
  {
    TensorBoardLog log(folder.path());
    const std::vector<std::pair<std::string, double>> scalars = {{"train/loss", 1.5},
                                                                 {"train/error", 40.25}};
    log.scalars(7, scalars);
  }
  std::vector<tensorboard::Event> events;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    EXPECT_TRUE(entry.path().filename().string().starts_with("events.out.tfevents."));
    const std::string bytes = read_file(entry.path());
    for (std::size_t at = 0; at < bytes.size();) {
      const auto length = read_number<std::uint64_t>(bytes, at);
      EXPECT_EQ(read_number<std::uint32_t>(bytes, at + 8), masked(crc32c(bytes.substr(at, 8))));
      const std::string event = bytes.substr(at + 12, length);
      EXPECT_EQ(read_number<std::uint32_t>(bytes, at + 12 + length), masked(crc32c(event)));
      ASSERT_TRUE(events.emplace_back().ParseFromString(event));
      at += 16 + length;
    }
  }
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].file_version(), "brain.Event:2");
  EXPECT_EQ(events[1].step(), 7);
  ASSERT_EQ(events[1].summary().value_size(), 2);
  EXPECT_EQ(events[1].summary().value(1).tag(), "train/error");
  EXPECT_EQ(events[1].summary().value(1).simple_value(), 40.25f);
}

}  // namespace
}  // namespace hadal::experiments
