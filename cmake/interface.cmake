# hadal_interface(NAME header ...): sets NAME to a text that differs whenever a program and a plug-in
# that share these headers (from the root) could misunderstand each other.
function(hadal_interface name)
  set(text "${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}")
  foreach(header ${ARGN})
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${header})
    file(SHA256 ${PROJECT_SOURCE_DIR}/${header} digest)
    string(APPEND text " ${digest}")
  endforeach()
  string(SHA256 digest "${text}")
  string(SUBSTRING ${digest} 0 16 digest)
  set(${name} "${PROJECT_VERSION}-${digest}" PARENT_SCOPE)
endfunction()
