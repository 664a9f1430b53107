# Compiler flags shared by every target, as one interface library.
include(CheckCCompilerFlag)
set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE Release)
endif()

add_library(weir_flags INTERFACE)
target_include_directories(weir_flags INTERFACE "${CMAKE_SOURCE_DIR}")
target_compile_definitions(weir_flags INTERFACE _GNU_SOURCE)
target_compile_options(weir_flags INTERFACE
    -Wall -Wextra -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes -Wmissing-prototypes
    -Wformat=2 -Wundef -Wvla -Wpointer-arith -Wwrite-strings -Wcast-qual -Wimplicit-fallthrough
    -fno-common -fstack-protector-strong -g "-fmacro-prefix-map=${CMAKE_SOURCE_DIR}/=")
if(WERROR)
    target_compile_options(weir_flags INTERFACE -Werror)
endif()

set(sanitizers "")
foreach(pair "ASAN:address" "UBSAN:undefined" "TSAN:thread")
    string(REPLACE ":" ";" pair "${pair}")
    list(GET pair 0 name)
    list(GET pair 1 sanitizer)
    if(${name})
        list(APPEND sanitizers ${sanitizer})
    endif()
endforeach()
if(FUZZ)
    list(APPEND sanitizers fuzzer-no-link)
endif()
if(sanitizers)
    list(JOIN sanitizers "," joined)
    target_compile_options(weir_flags INTERFACE
        -fsanitize=${joined} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(weir_flags INTERFACE -fsanitize=${joined})
else()
    # glibc's checked calls need an optimised build and get in the way of the sanitizers' own.
    target_compile_options(weir_flags INTERFACE $<$<CONFIG:Release>:-U_FORTIFY_SOURCE>
                                                $<$<CONFIG:Release>:-D_FORTIFY_SOURCE=3>)
    target_link_options(weir_flags INTERFACE -pie -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,--as-needed)
    foreach(flag -fstack-clash-protection -fcf-protection) # the second is for x86 alone
        string(MAKE_C_IDENTIFIER "HAVE${flag}" have)
        check_c_compiler_flag(${flag} ${have})
        if(${have})
            target_compile_options(weir_flags INTERFACE ${flag})
        endif()
    endforeach()
endif()

# Programmer errors end the process in every build: assertions stay on.
foreach(build_type RELEASE RELWITHDEBINFO MINSIZEREL)
    string(REPLACE "-DNDEBUG" "" CMAKE_C_FLAGS_${build_type} "${CMAKE_C_FLAGS_${build_type}}")
endforeach()
string(REPLACE "-O3" "-O2" CMAKE_C_FLAGS_RELEASE "${CMAKE_C_FLAGS_RELEASE}")
