# The generated header agent/version.h: WEIR_VERSION, WEIR_REVISION, WEIR_COMPILER. The revision is asked for at every
# build, but the header is written only when it changed, so that nothing else is compiled again. The file is both
# included by CMakeLists.txt and run as a script by the target it makes.
if(NOT CMAKE_SCRIPT_MODE_FILE)
    set(WEIR_REVISION "" CACHE STRING "Revision to report; asked of git when empty")
    set(WEIR_GENERATED_DIR "${CMAKE_BINARY_DIR}/generated")
    add_custom_target(weir_version
        COMMAND "${CMAKE_COMMAND}" "-DVERSION=${PROJECT_VERSION}" "-DREVISION=${WEIR_REVISION}"
            "-DCOMPILER=${CMAKE_C_COMPILER_ID} ${CMAKE_C_COMPILER_VERSION}" "-DSOURCE=${CMAKE_SOURCE_DIR}"
            "-DHEADER=${WEIR_GENERATED_DIR}/agent/version.h" -P "${CMAKE_CURRENT_LIST_FILE}"
        BYPRODUCTS "${WEIR_GENERATED_DIR}/agent/version.h"
        COMMENT "agent/version.h"
        VERBATIM)
    return()
endif()

cmake_minimum_required(VERSION 3.25)

# The ceiling keeps git from answering for a repository that merely contains this tree; safe.directory lets root build
# somebody else's clone.
if(NOT REVISION)
    find_program(GIT git)
    get_filename_component(parent "${SOURCE}" DIRECTORY)
    set(ENV{GIT_CEILING_DIRECTORIES} "${parent}")
    if(GIT)
        execute_process(COMMAND "${GIT}" -c "safe.directory=${SOURCE}" describe --always --dirty --abbrev=12 --exclude=*
            WORKING_DIRECTORY "${SOURCE}" OUTPUT_VARIABLE REVISION OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    endif()
endif()
if(NOT REVISION)
    set(REVISION unknown)
endif()

file(CONFIGURE OUTPUT "${HEADER}" @ONLY CONTENT "/* What this build is; written by cmake/WeirVersion.cmake. */
#ifndef WEIR_AGENT_VERSION_H
#define WEIR_AGENT_VERSION_H

#define WEIR_VERSION \"@VERSION@\"
#define WEIR_REVISION \"@REVISION@\"
#define WEIR_COMPILER \"@COMPILER@\"

#endif
")
