#include "core/safetensors.h"

#include <algorithm>
#include <cstring>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/base/random.h"

namespace hadal {
namespace {

using testing::HasSubstr;

/// Bytes of a file with this header and data.
std::string file_of(const std::string& header, const std::string& data = "") {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>((header.size() >> (8 * i)) & 0xff);
  return bytes + header + data;
}

std::string error_of(const std::string& bytes) {
  try {
    Safetensors::parse(bytes, "w.safetensors");
  } catch (const DataError& error) {
    return error.what();
  }
  return "no error";
}

struct Sample {
  Tensor weight{Shape{2, 3}}, steps{Shape{1}, DType::kFloat64}, codes{Shape{5}, DType::kUint8},
      counts{Shape{2, 1, 1, 2}, DType::kInt32};

  Sample() {
    for (int i = 0; i < 6; ++i) weight.as<float>()[i] = 0.5f + static_cast<float>(i);
    steps.as<double>()[0] = 1.0 / 3;
    for (int i = 0; i < 5; ++i) codes.as<std::uint8_t>()[i] = static_cast<std::uint8_t>(250 + i);
    for (int i = 0; i < 4; ++i) counts.as<std::int32_t>()[i] = -i;
  }
  NamedViews views() const {
    return {{"conv1.weight", weight.view()},
            {"steps", steps.view()},
            {"codes", codes.view()},
            {"a \"quoted\" name", counts.view()}};
  }
};

TEST(Safetensors, TensorsOfEveryTypeComeBackBitForBit) {
  const Sample sample;
  const std::string bytes = to_safetensors(sample.views(), {{"format", "hadal"}});
  const Safetensors tensors = Safetensors::parse(bytes, "w");
  ASSERT_EQ(tensors.entries().size(), 4u);
  EXPECT_EQ(tensors.entries()[0].name, "conv1.weight");
  EXPECT_EQ(tensors.metadata().at("format"), "hadal");
  Sample read;
  for (const auto& [name, view] : read.views()) std::memset(view.data, 0, view.bytes());
  tensors.copy_to(read.views());
  const NamedViews wanted = sample.views(), found = read.views();
  for (std::size_t i = 0; i < wanted.size(); ++i)
    EXPECT_EQ(std::memcmp(found[i].second.data, wanted[i].second.data, wanted[i].second.bytes()), 0)
        << wanted[i].first;
}

TEST(Safetensors, TheLayoutIsThatOfTheFormat) {
  Tensor one(Shape{1});
  one.as<float>()[0] = 1.0f;
  const std::string bytes = to_safetensors({{"x", one.view()}});
  std::string header = R"({"x":{"data_offsets":[0,4],"dtype":"F32","shape":[1]}})";
  header.resize((header.size() + 7) / 8 * 8, ' ');
  EXPECT_EQ(bytes, file_of(header, std::string("\0\0\x80\x3f", 4)));
}

TEST(Safetensors, AFileWithoutTensorsIsAFile) {
  EXPECT_EQ(Safetensors::parse(to_safetensors({}), "w").entries().size(), 0u);
}

TEST(Safetensors, WhatIsNotAskedForOrNotThereIsNamed) {
  const Sample sample;
  const Safetensors tensors = Safetensors::parse(to_safetensors(sample.views()), "w");
  const auto error = [&](const NamedViews& views) -> std::string {
    try {
      tensors.copy_to(views);
    } catch (const DataError& e) {
      return e.what();
    }
    return "no error";
  };
  NamedViews views = sample.views();
  views.pop_back();
  EXPECT_THAT(error(views), HasSubstr("tensor 'a \"quoted\" name' has no place here"));
  views = sample.views();
  views.emplace_back("conv1.weigth", sample.weight.view());
  EXPECT_THAT(error(views), HasSubstr("no tensor 'conv1.weigth'; the nearest is 'conv1.weight'"));
  views = sample.views();
  views[0].second.shape = Shape{3, 2};
  EXPECT_THAT(error(views), HasSubstr("tensor 'conv1.weight' is F32 2x3, wanted F32 3x2"));
}

TEST(Safetensors, HeadersThatLieAreRefused) {
  EXPECT_THAT(error_of("short"), HasSubstr("cut short"));
  EXPECT_THAT(error_of(file_of("{}").substr(0, 9)), HasSubstr("cut short"));
  EXPECT_THAT(error_of(std::string("\xff\xff\xff\xff\xff\xff\xff\xff{}", 10)),
              HasSubstr("at most 8388608 are read"));
  EXPECT_THAT(error_of(file_of("[1, 2]")), HasSubstr("not a JSON object"));
  EXPECT_THAT(error_of(file_of("{\"x\": ")), HasSubstr("not a JSON object"));
  EXPECT_THAT(error_of(file_of(std::string(1 << 20, '['))), HasSubstr("nested too deep"));
  EXPECT_THAT(error_of(file_of(std::string(1 << 20, '[') + std::string(1 << 20, ']'))),
              HasSubstr("nested too deep"));
  const auto tensor = [](const std::string& fields) {
    return error_of(file_of("{\"x\":{" + fields + "}}", std::string(8, 'd')));
  };
  EXPECT_EQ(tensor(R"("dtype":"F32","shape":[2],"data_offsets":[0,8])"), "no error");
  EXPECT_THAT(tensor(R"("dtype":"F32","shape":[2])"), HasSubstr("wanted dtype, shape and"));
  EXPECT_THAT(tensor(R"("dtype":"BF16","shape":[2],"data_offsets":[0,8])"),
              HasSubstr("dtype is none of"));
  EXPECT_THAT(tensor(R"("dtype":"F32","shape":[3],"data_offsets":[0,8])"),
              HasSubstr("shape needs 12 bytes, data_offsets span 8"));
  EXPECT_THAT(tensor(R"("dtype":"F32","shape":[-2],"data_offsets":[0,8])"),
              HasSubstr("not a size"));
  EXPECT_THAT(tensor(R"("dtype":"F32","shape":[2.5],"data_offsets":[0,8])"),
              HasSubstr("not a size"));
  EXPECT_THAT(tensor(R"("dtype":"F32","shape":[1,1,1,1,2],"data_offsets":[0,8])"),
              HasSubstr("5 dimensions"));
  EXPECT_THAT(tensor(R"("dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,8])"),
              HasSubstr("overflows"));
  EXPECT_THAT(tensor(R"("dtype":"F32","shape":[2],"data_offsets":[8,0])"),
              HasSubstr("not a begin and an end"));
  EXPECT_THAT(tensor(R"("dtype":"F32","shape":[2],"data_offsets":[4,12])"),
              HasSubstr("starts at byte 4 of the data, wanted 0"));
  EXPECT_THAT(tensor(R"("dtype":"F32","shape":[4],"data_offsets":[0,16])"),
              HasSubstr("ends at byte 16 of the data, which has 8"));
  EXPECT_THAT(tensor(R"("dtype":"F32","shape":[1],"data_offsets":[0,4])"),
              HasSubstr("4 bytes left over"));
  const std::string x = R"("x":{"dtype":"U8","shape":[4],"data_offsets":[0,4]})";
  const std::string overlap = R"("y":{"dtype":"U8","shape":[4],"data_offsets":[2,6]})";
  EXPECT_THAT(error_of(file_of("{" + x + "," + overlap + "}", "abcdef")),
              HasSubstr("tensor 'y': starts at byte 2"));
}

// Whatever the bytes: refused by DataError, or read within bounds.
TEST(Safetensors, MutatedFilesAreRefusedOrRead) {
  const Sample sample;
  const std::string good = to_safetensors(sample.views(), {{"k", "v"}});
  const std::uint64_t seed = 7;
  int refused = 0;
  for (std::uint64_t round = 0; round < 5000; ++round) {
    const random::Stream draw{seed, random::Purpose::kTest, round};
    std::string bytes = good;
    for (std::uint32_t e = 0; e <= random::below(draw, 3, 0); ++e) {
      const auto below = [&](std::size_t n, std::uint64_t k) {
        return random::below(draw, static_cast<std::uint32_t>(n), 1 + 4 * e + k);
      };
      if (bytes.empty()) break;
      const std::size_t at = below(bytes.size(), 0);
      switch (below(4, 1)) {
        case 0:
          bytes[at] = static_cast<char>(below(256, 2));
          break;
        case 1:
          bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8, 2)));
          break;
        case 2:
          bytes.erase(at, 1 + below(8, 2));
          break;
        default:
          bytes.resize(at);
      }
    }
    try {
      const Safetensors tensors = Safetensors::parse(bytes, "m");
      std::size_t sum = 0;
      for (const Safetensors::Entry& entry : tensors.entries())
        for (char c : tensors.bytes_of(entry)) sum += static_cast<unsigned char>(c);
      EXPECT_LE(sum, 255 * bytes.size()) << "seed " << seed << " round " << round;
    } catch (const DataError& error) {
      ++refused;
      EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
    }
  }
  EXPECT_GT(refused, 2000);
}

}  // namespace
}  // namespace hadal
