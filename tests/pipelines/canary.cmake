# Holds `weir test` against cases that must fail: cmake -DWEIR=... -DCASES=tests/pipelines/canary -P canary.cmake
execute_process(COMMAND ${WEIR} test ${CASES}/must_fail.yaml OUTPUT_VARIABLE output RESULT_VARIABLE result)
if(NOT result EQUAL 1 OR output MATCHES "(^|\n)ok " OR NOT output MATCHES "\n0 passed, [0-9]+ failed\n$")
  message(FATAL_ERROR "cases that must fail did not all fail (exit ${result}):\n${output}")
endif()
execute_process(COMMAND ${WEIR} test ${CASES}/not_a_case.yaml OUTPUT_VARIABLE output ERROR_VARIABLE error RESULT_VARIABLE result)
if(NOT result EQUAL 20 OR NOT error MATCHES "W2026" OR NOT error MATCHES "did you mean output" OR NOT error MATCHES "\"line\":5,\"column\":5")
  message(FATAL_ERROR "the mistake in not_a_case.yaml was not named (exit ${result}): ${error}")
endif()
