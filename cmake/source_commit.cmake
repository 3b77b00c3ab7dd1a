# Run at every build (cmake -DSOURCE=… -DOUT=… -P): writes the commit into a header, and only when
# it changed, so that nothing is compiled again otherwise.
cmake_policy(VERSION 3.25)
execute_process(COMMAND git -C ${SOURCE} describe --always --dirty --abbrev=10
  OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
if(failed)
  set(commit unknown)
endif()
file(CONFIGURE OUTPUT ${OUT} CONTENT
  "#pragma once\nnamespace hadal::launcher {\ninline constexpr char kSourceCommit[] = \"@commit@\";\n}\n"
  @ONLY)
