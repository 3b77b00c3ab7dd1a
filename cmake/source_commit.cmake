# Run at every build (cmake -DSOURCE=… -DOUT=… -P): writes the commit into a source file, and only
# when it changed, so that nothing is compiled again otherwise.
cmake_policy(VERSION 3.25)
execute_process(COMMAND git -C ${SOURCE} describe --always --dirty --abbrev=10
  OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
if(failed)
  set(commit unknown)
endif()
file(CONFIGURE OUTPUT ${OUT} @ONLY CONTENT
"#include \"launcher/version.h\"

std::string hadal::launcher::source_commit() { return \"@commit@\"; }
")
