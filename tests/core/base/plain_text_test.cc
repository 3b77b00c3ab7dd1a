#include "core/base/plain_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hadal {
namespace {

TEST(TroubleInLine, TextOfAnyLanguageIsNone) {
  for (const char* text :
       {"", "ResNet-20, 8.75 %", "größer ± 0,5 × σ²", "深度", "\xf0\x9f\x90\x9f"})
    EXPECT_EQ(trouble_in_line(text), "") << text;
}

TEST(TroubleInLine, ControlCharactersAndLineBreaksAre) {
  for (const std::string& text :
       {std::string("a\nb"), std::string("a\0b", 3), std::string("\x1b[2J"), std::string("\x7f"),
        std::string("\xc2\x9b"
                    "2J")})
    EXPECT_EQ(trouble_in_line(text), "has a line break or another control character in it");
}

TEST(TroubleInLine, BytesThatAreNotUtf8Are) {
  // A lone byte, cut short, longer than needed, a surrogate, beyond Unicode.
  for (const char* text : {"\xff", "a\xc3", "\xe2\x82", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80",
                           "\xf4\x90\x80\x80", "\x80"})
    EXPECT_THAT(trouble_in_line(text), testing::StartsWith("is not UTF-8 text (byte "));
}

TEST(TroubleInLine, CharactersThatAreNotSeenAre) {
  EXPECT_EQ(trouble_in_line("a\xe2\x80\xae"
                            "b"),
            "has U+202E in it, which is not seen or turns text around");
  for (const char* text : {"\xe2\x80\x8b", "\xef\xbb\xbf", "\xe2\x80\xa8", "\xe2\x81\xa6"})
    EXPECT_THAT(trouble_in_line(text), testing::HasSubstr("which is not seen")) << text;
}

TEST(OnOneLine, NothingOfATerminalsIsLeftAndLongTextIsCut) {
  EXPECT_EQ(on_one_line("a\n\x1b[2Jb", 100), "a??[2Jb");
  EXPECT_EQ(on_one_line("abcdef", 3), "abc...");
  EXPECT_EQ(on_one_line("ab\xc3\xbc", 3), "ab...");
}

}  // namespace
}  // namespace hadal
