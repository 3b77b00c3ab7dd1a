# `cmake --build build --target bundle`: the program with all it needs, to be unpacked and run on another
# machine. What goes in, and how it finds itself, says bundle.sh.
set(HADAL_BUNDLE_LEVEL 10 CACHE STRING "how hard zstd tries, 1 to 19: 19 takes minutes and a tenth off")

set(bundle_tests ${PROJECT_BINARY_DIR}/bundle_tests.txt)
get_property(lines GLOBAL PROPERTY HADAL_BUNDLE_TESTS)
get_property(targets GLOBAL PROPERTY HADAL_BUNDLE_TARGETS)
if(HADAL_TESTS)
  string(APPEND lines "- $<TARGET_FILE:mpi_program>\n- $<TARGET_FILE:nccl_program>\n")
  list(APPEND targets mpi_program nccl_program)
endif()
file(GENERATE OUTPUT ${bundle_tests} CONTENT "${lines}")
if(HADAL_CUDA)
  list(APPEND targets hadal_cuda)
  if(HADAL_NCCL)
    list(APPEND targets hadal_nccl)
  endif()
endif()

set(bundle_file ${PROJECT_BINARY_DIR}/hadal-${PROJECT_VERSION}-linux-x86_64.tar.zst)
add_custom_target(bundle
  COMMAND ${PROJECT_SOURCE_DIR}/cmake/bundle.sh ${PROJECT_BINARY_DIR} ${PROJECT_VERSION}
    ${bundle_tests} ${bundle_file} ${HADAL_BUNDLE_LEVEL}
  DEPENDS hadal ${targets}
  USES_TERMINAL VERBATIM)
