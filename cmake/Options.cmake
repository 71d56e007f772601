# Compiler and linker options every target shares.
add_library(brig_options INTERFACE)
target_compile_options(brig_options INTERFACE -Wall -Wextra -Wshadow -Wnon-virtual-dtor
  -Wno-missing-field-initializers)
find_package(Threads REQUIRED)
target_link_libraries(brig_options INTERFACE Threads::Threads)
if(NOT APPLE)
  target_link_options(brig_options INTERFACE -Wl,--as-needed -Wl,--gc-sections)
endif()
target_compile_options(brig_options INTERFACE -ffunction-sections -fdata-sections)

if(BRIG_SANITIZE)
  target_compile_options(brig_options INTERFACE -fsanitize=address,undefined
    -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  target_link_options(brig_options INTERFACE -fsanitize=address,undefined)
elseif(BRIG_TSAN)
  target_compile_options(brig_options INTERFACE -fsanitize=thread)
  target_link_options(brig_options INTERFACE -fsanitize=thread)
endif()
if(BRIG_STATIC)
  target_link_options(brig_options INTERFACE -static)
endif()

# The headers nearly every source includes, compiled once: the cross build starts cold on most machines, and
# this is two thirds of its time. ccache cannot see through them.
option(BRIG_PCH "Precompiled headers instead of ccache" OFF)
if(BRIG_PCH)
  add_library(brig_pch OBJECT ${CMAKE_SOURCE_DIR}/cmake/pch.cpp)
  target_link_libraries(brig_pch PRIVATE ext_fmt ext_json brig_options)
  target_precompile_headers(brig_pch PRIVATE <algorithm> <chrono> <filesystem> <functional> <map> <memory>
    <mutex> <optional> <string> <string_view> <vector> <fmt/format.h> <nlohmann/json.hpp>)
endif()

find_program(BRIG_CCACHE ccache)
if(BRIG_CCACHE AND NOT BRIG_PCH)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${BRIG_CCACHE})
endif()

find_package(Git QUIET)
set(BRIG_COMMIT unknown)
if(Git_FOUND)
  execute_process(COMMAND ${GIT_EXECUTABLE} -C ${CMAKE_SOURCE_DIR} rev-parse --short HEAD
    OUTPUT_VARIABLE BRIG_COMMIT OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()
file(CONFIGURE OUTPUT generated/base/build_version.h CONTENT
"// Generated.
#pragma once
#define BRIG_VERSION \"${PROJECT_VERSION}\"
#define BRIG_GIT_COMMIT \"${BRIG_COMMIT}\"
")
