# Run at build time (cmake -DIN=… -DOUT=… -DNAME=… -P): writes a source file that defines
# std::string_view hadal::launcher::report::NAME() with the bytes of IN.
cmake_policy(VERSION 3.25)
file(READ ${IN} bytes HEX)
string(REGEX REPLACE "(................................)" "\\1\n" bytes "${bytes}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
file(CONFIGURE OUTPUT ${OUT} @ONLY CONTENT
"#include \"launcher/report/assets.h\"

namespace {
constexpr unsigned char kBytes[] = {
@bytes@};
}  // namespace

std::string_view hadal::launcher::report::@NAME@() {
  return {reinterpret_cast<const char*>(kBytes), sizeof kBytes};
}
")
