# Cross compiling for FreeBSD with what scripts/freebsd-toolchain has prepared.
set(CMAKE_SYSTEM_NAME FreeBSD)
set(CMAKE_SYSTEM_PROCESSOR amd64)
set(BRIG_CROSS_FREEBSD ON CACHE BOOL "Compile for FreeBSD against headers only" FORCE)

get_filename_component(toolchain ${CMAKE_CURRENT_LIST_DIR}/../build/freebsd-toolchain ABSOLUTE)
if(NOT EXISTS ${toolchain}/bin/zig-c++)
  message(FATAL_ERROR "there is no FreeBSD compiler yet: run scripts/freebsd-toolchain")
endif()
set(CMAKE_C_COMPILER ${toolchain}/bin/zig-cc)
set(CMAKE_CXX_COMPILER ${toolchain}/bin/zig-c++)
set(CMAKE_AR ${toolchain}/bin/zig-ar CACHE FILEPATH "" FORCE)
set(CMAKE_RANLIB ${toolchain}/bin/zig-ranlib CACHE FILEPATH "" FORCE)
set(CMAKE_CXX_COMPILER_AR ${toolchain}/bin/zig-ar)
set(CMAKE_CXX_COMPILER_RANLIB ${toolchain}/bin/zig-ranlib)
# zig keeps its own cache of compiled objects.
set(BRIG_CCACHE OFF CACHE FILEPATH "" FORCE)
set(BRIG_FREEBSD_HEADERS ${toolchain}/include)

set(CMAKE_FIND_ROOT_PATH ${toolchain})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
