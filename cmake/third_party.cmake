# Third-party code: what it is, where it comes from and why is written down in docs/dependencies.md.
# Debian's static libraries where there are any; isa-l, OpenSSL and simdjson are built from pinned sources by
# scripts/third_party.sh (version and SHA-256 are there) into a cache outside of the source tree.

find_package(fmt 9 REQUIRED)  # target fmt::fmt-header-only
find_package(Threads REQUIRED)

# weir_static_library(<target> <library.a> <header>)
function(weir_static_library target archive header)
  string(MAKE_C_IDENTIFIER ${archive} id)
  find_library(WEIR_${id} NAMES ${archive})
  find_path(WEIR_${id}_INCLUDE NAMES ${header})
  mark_as_advanced(WEIR_${id} WEIR_${id}_INCLUDE)
  if(NOT WEIR_${id} OR NOT WEIR_${id}_INCLUDE)
    message(FATAL_ERROR "${archive} is missing: run scripts/setup.sh build")
  endif()
  add_library(${target} STATIC IMPORTED GLOBAL)
  set_target_properties(${target} PROPERTIES IMPORTED_LOCATION ${WEIR_${id}}
                        INTERFACE_INCLUDE_DIRECTORIES ${WEIR_${id}_INCLUDE})
endfunction()
weir_static_library(yaml::yaml libyaml.a yaml.h)
weir_static_library(zstd::zstd libzstd.a zstd.h)

weir_static_library(cares::cares libcares.a ares.h)

# weir_pinned_library(<name>): target <name>::<name> from the cache, built at configure time when it isn't there yet.
function(weir_pinned_library name)
  set(target "")
  if(CMAKE_CROSSCOMPILING)
    set(target ${CMAKE_LIBRARY_ARCHITECTURE})
  endif()
  execute_process(COMMAND ${CMAKE_COMMAND} -E env WEIR_TARGET=${target}
                          ${PROJECT_SOURCE_DIR}/scripts/third_party.sh ${name}
                  OUTPUT_VARIABLE prefix OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE rc)
  if(NOT rc EQUAL 0 OR NOT EXISTS ${prefix}/lib${name}.a)
    message(FATAL_ERROR "could not get ${name}: see the messages of scripts/third_party.sh above")
  endif()
  add_library(${name}::${name} STATIC IMPORTED GLOBAL)
  set_target_properties(${name}::${name} PROPERTIES IMPORTED_LOCATION ${prefix}/lib${name}.a
                        INTERFACE_INCLUDE_DIRECTORIES ${prefix}/include)
endfunction()
weir_pinned_library(isal)
weir_pinned_library(openssl)  # libssl and libcrypto in one archive
# The C and C++ libraries before it: the kernel maps pages in blocks of 16, and so what is never used lies together behind what every job uses.
add_library(openssl_ssl INTERFACE)
target_link_libraries(openssl_ssl INTERFACE $<$<BOOL:${WEIR_STATIC}>:-lstdc++> $<$<BOOL:${WEIR_STATIC}>:-lm>
                      $<$<BOOL:${WEIR_STATIC}>:-lc> -Wl,-u,weir_openssl_code_begin -Wl,-u,weir_openssl_code_end openssl_begin
                      openssl::openssl openssl_end)
# Marks on both sides tell the memory plan how much of the image a job without TLS does without.
foreach(side begin end)
  add_library(openssl_${side} STATIC ${PROJECT_SOURCE_DIR}/cmake/openssl_range.c)
  target_compile_definitions(openssl_${side} PRIVATE WHERE=${side})
endforeach()
add_library(openssl::ssl ALIAS openssl_ssl)
if(WEIR_TESTS OR WEIR_BENCH OR WEIR_FUZZ)
  weir_pinned_library(simdjson)
endif()
if(WEIR_TESTS)
  find_package(GTest REQUIRED)
endif()
if(WEIR_BENCH)
  find_package(benchmark REQUIRED)
endif()
