# `cmake --install build/release --prefix P`: P/bin/weir, P/lib/libweir.a, P/include/weir/*, and a package config:
#   find_package(weir) -> weir::weir
# libweir.a is all rooms that a host may use merged into one archive, with the static third-party code in it, so that a
# consumer needs nothing else. Rooms of the command line and of the tests stay out.
if(NOT TARGET weir_face AND NOT TARGET weir_capi)
  return()
endif()
get_property(rooms GLOBAL PROPERTY WEIR_ROOMS)
list(REMOVE_ITEM rooms cli emulate testing)
set(script "CREATE libweir.a\n")
set(archives "")
foreach(room IN LISTS rooms)
  get_target_property(type weir_${room} TYPE)
  if(type STREQUAL "STATIC_LIBRARY")
    string(APPEND script "ADDLIB $<TARGET_FILE:weir_${room}>\n")
    list(APPEND archives weir_${room})
  endif()
endforeach()
foreach(lib isal::isal zstd::zstd yaml::yaml openssl::openssl cares::cares)
  string(APPEND script "ADDLIB $<TARGET_FILE:${lib}>\n")
endforeach()
string(APPEND script "SAVE\nEND\n")
file(GENERATE OUTPUT ${PROJECT_BINARY_DIR}/libweir.mri CONTENT "${script}")
add_custom_command(OUTPUT ${PROJECT_BINARY_DIR}/libweir.a
                   COMMAND ${CMAKE_COMMAND} -E rm -f libweir.a
                   COMMAND sh -c "${CMAKE_AR} -M < libweir.mri"
                   DEPENDS ${archives} ${PROJECT_BINARY_DIR}/libweir.mri
                   WORKING_DIRECTORY ${PROJECT_BINARY_DIR} VERBATIM)
add_custom_target(weir_merged ALL DEPENDS ${PROJECT_BINARY_DIR}/libweir.a)

include(CMakePackageConfigHelpers)
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/weir-config.cmake.in ${PROJECT_BINARY_DIR}/weir-config.cmake
                              INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/weir
                              PATH_VARS CMAKE_INSTALL_LIBDIR CMAKE_INSTALL_INCLUDEDIR)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/weir-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/libweir.a DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT dev)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/weir DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT dev)
install(FILES ${PROJECT_BINARY_DIR}/weir-config.cmake ${PROJECT_BINARY_DIR}/weir-config-version.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/weir COMPONENT dev)
