# Run at build time (cmake -DROOT=… -DFILES=a;b -DOUT=… -P): writes a source file that defines
# hadal::launcher::carried_files() with the bytes of the files, each under its path from ROOT.
cmake_policy(VERSION 3.25)
set(arrays "")
set(entries "")
set(number 0)
foreach(path ${FILES})
  file(READ ${ROOT}/${path} bytes HEX)
  string(REGEX REPLACE "(................................)" "\\1\n" bytes "${bytes}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
  string(APPEND arrays "constexpr unsigned char kFile${number}[] = {\n${bytes}};\n")
  string(APPEND entries
    "    {\"${path}\", {reinterpret_cast<const char*>(kFile${number}), sizeof kFile${number}}},\n")
  math(EXPR number "${number} + 1")
endforeach()
file(CONFIGURE OUTPUT ${OUT} @ONLY CONTENT
"#include \"launcher/carried_files.h\"

namespace {
@arrays@}  // namespace

const std::map<std::string, std::string_view>& hadal::launcher::carried_files() {
  static const std::map<std::string, std::string_view> files = {
@entries@  };
  return files;
}
")
