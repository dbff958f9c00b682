# SPDX-License-Identifier: Apache-2.0
# The kit for plugins of Lethe:
#
#   find_package(Lethe 0.9 REQUIRED)
#   lethe_add_plugin(my-method SOURCES my-method.cpp MANIFEST manifest.json)
#
# Lethe_DIR or CMAKE_PREFIX_PATH says where: `lethe sdk path` prints the folder whose `cmake` this is.
get_filename_component(LETHE_SDK "${CMAKE_CURRENT_LIST_DIR}/.." ABSOLUTE)

if(NOT TARGET Lethe::sdk)
  add_library(Lethe::sdk INTERFACE IMPORTED)
  set_target_properties(Lethe::sdk PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES "${LETHE_SDK}/include;${LETHE_SDK}/cpp/include")
endif()

# A plugin: lib<NAME>.so with one exported symbol. Its sources name the manifest by LETHE_MANIFEST_FILE, which finds it in
# the folder of MANIFEST; the library is made anew when the manifest changes.
function(lethe_add_plugin name)
  cmake_parse_arguments(PLUGIN "" "MANIFEST" "SOURCES" ${ARGN})
  if(NOT PLUGIN_SOURCES)
    message(FATAL_ERROR "lethe_add_plugin(${name}) has no SOURCES")
  endif()
  if(NOT PLUGIN_MANIFEST)
    message(FATAL_ERROR "lethe_add_plugin(${name}) has no MANIFEST; it is the file that describes the plugin")
  endif()
  if(PLUGIN_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "lethe_add_plugin(${name}) does not know '${PLUGIN_UNPARSED_ARGUMENTS}'")
  endif()
  get_filename_component(manifest "${PLUGIN_MANIFEST}" ABSOLUTE)
  if(NOT EXISTS "${manifest}")
    message(FATAL_ERROR "lethe_add_plugin(${name}): there is no '${manifest}'")
  endif()
  get_filename_component(folder "${manifest}" DIRECTORY)
  add_library(${name} MODULE ${PLUGIN_SOURCES})
  target_link_libraries(${name} PRIVATE Lethe::sdk)
  target_include_directories(${name} PRIVATE "${folder}")
  target_compile_options(${name} PRIVATE "-I${folder}")
  target_compile_features(${name} PRIVATE c_std_11 cxx_std_17)
  set_target_properties(${name} PROPERTIES
    PREFIX "lib" POSITION_INDEPENDENT_CODE ON C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden
    SKIP_BUILD_RPATH ON)
  set_property(SOURCE ${PLUGIN_SOURCES} APPEND PROPERTY OBJECT_DEPENDS "${manifest}")
  target_link_options(${name} PRIVATE
    "LINKER:--version-script=${LETHE_SDK}/plugin.version" "LINKER:-z,nodelete" "LINKER:-z,defs")
endfunction()
