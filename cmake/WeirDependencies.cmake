# The libraries, each as an imported target. docs/ARCHITECTURE.md gives the reason for each.
# Debian 12 has neither llhttp nor yyjson: ./dev unpacks them into WEIR_DEPS_PREFIX, which is looked at first.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
pkg_check_modules(LIBUV REQUIRED IMPORTED_TARGET libuv)
pkg_check_modules(LIBYAML REQUIRED IMPORTED_TARGET yaml-0.1)
# Headers only: opened at run time, when they are needed.
pkg_check_modules(LIBCURL REQUIRED libcurl)
pkg_check_modules(LIBCGROUP REQUIRED libcgroup)
pkg_check_modules(LIBSSL REQUIRED libssl>=3.0)
pkg_check_modules(LIBXCRYPT REQUIRED libxcrypt)
pkg_check_modules(LIBDEFLATE REQUIRED IMPORTED_TARGET libdeflate)

if(WEIR_DEPS_PREFIX)
    list(PREPEND CMAKE_PREFIX_PATH "${WEIR_DEPS_PREFIX}/usr")
    set(CMAKE_LIBRARY_ARCHITECTURE_HINT "${WEIR_DEPS_PREFIX}/usr/lib/${CMAKE_LIBRARY_ARCHITECTURE}")
endif()

function(weir_find_library target header)
    find_path(${target}_INCLUDE ${header} REQUIRED)
    find_library(${target}_LIBRARY NAMES ${ARGN} HINTS "${CMAKE_LIBRARY_ARCHITECTURE_HINT}" REQUIRED)
    add_library(${target} UNKNOWN IMPORTED GLOBAL)
    set_target_properties(${target} PROPERTIES
        IMPORTED_LOCATION "${${target}_LIBRARY}"
        INTERFACE_INCLUDE_DIRECTORIES "${${target}_INCLUDE}")
endfunction()
weir_find_library(weir_dep_llhttp llhttp.h libllhttp.a llhttp)
weir_find_library(weir_dep_yyjson yyjson.h yyjson)

if(WEIR_DEPS_PREFIX)
    set(CMAKE_BUILD_RPATH "${CMAKE_LIBRARY_ARCHITECTURE_HINT}")
    # An installed weir finds the private copy of the one shared library among them.
    set(CMAKE_INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}/weir")
    file(GLOB weir_private_libraries "${CMAKE_LIBRARY_ARCHITECTURE_HINT}/libyyjson.so.*")
    install(FILES ${weir_private_libraries} DESTINATION "${CMAKE_INSTALL_LIBDIR}/weir")
endif()
