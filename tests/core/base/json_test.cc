#include "core/base/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/base/error.h"

namespace hadal {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string error_of(const std::string& text) {
  try {
    parse_json(text, "a.json");
  } catch (const DataError& error) {
    return error.what();
  }
  return "no error";
}

TEST(Json, WhatIsWrongIsADataErrorThatNamesTheFile) {
  EXPECT_EQ(parse_json("{\"a\":[1,2]}", "a.json")["a"][1], 2);
  for (const char* text : {"", "{", "[1,]", "{\"a\":nan}", "\"\xff\"", "1 2"})
    EXPECT_THAT(error_of(text), StartsWith("a.json: damaged (")) << text;
}

TEST(Json, DeepNestingIsRefusedBeforeItIsParsed) {
  EXPECT_EQ(error_of(std::string(kMaxJsonNesting, '[') + std::string(kMaxJsonNesting, ']')),
            "no error");
  for (const std::string open : {"[", "{\"a\":", "[{\"a\":"}) {
    std::string text;
    while (text.size() < 1'000'000) text += open;
    EXPECT_THAT(error_of(text), HasSubstr("nested more than 64 levels deep"));
  }
}

TEST(Json, BracketsInStringsAreNotNesting) {
  EXPECT_EQ(error_of("\"" + std::string(1000, '[') + "\\\"" + std::string(1000, '{') + "\""),
            "no error");
}

}  // namespace
}  // namespace hadal
