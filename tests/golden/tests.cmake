# Tests that are not C programs: the golden expositions read by other people's parsers, and docs/METRICS.md held against
# its generator. Included by tests/unit/CMakeLists.txt.
set(golden "${CMAKE_SOURCE_DIR}/tests/golden")

add_test(NAME unit.golden_promtool
    COMMAND sh "${golden}/check_promtool.sh" "${golden}/all.prom" "${golden}/hard.prom")
# Debian's interpreter, since that is where the distribution's prometheus_client is.
add_test(NAME unit.golden_client COMMAND sh -c
    "test -x /usr/bin/python3 || { echo 'SKIP: /usr/bin/python3 is not there'; exit 77; }
     exec /usr/bin/python3 -B '${golden}/check_client.py'")
add_test(NAME unit.golden_protobuf COMMAND sh -c
    "test -x /usr/bin/python3 || { echo 'SKIP: /usr/bin/python3 is not there'; exit 77; }
     exec /usr/bin/python3 -B '${golden}/check_protobuf.py' '$<TARGET_FILE:test_prometheus_golden>'")
add_test(NAME unit.remote_write_python COMMAND sh -c
    "test -x /usr/bin/python3 || { echo 'SKIP: /usr/bin/python3 is not there'; exit 77; }
     exec /usr/bin/python3 -B '${golden}/check_remote_write.py' '$<TARGET_FILE:test_remote_write>'")
add_test(NAME unit.otlp_protobuf COMMAND sh -c
    "test -x /usr/bin/python3 || { echo 'SKIP: /usr/bin/python3 is not there'; exit 77; }
     exec /usr/bin/python3 -B '${golden}/check_otlp.py' '$<TARGET_FILE:test_otlp_random>'")
add_test(NAME unit.metrics_doc
    COMMAND sh "${golden}/check_metrics_doc.sh" $<TARGET_FILE:weir_metrics_doc> "${CMAKE_SOURCE_DIR}/docs/METRICS.md")
set_tests_properties(unit.golden_promtool unit.golden_client unit.golden_protobuf unit.remote_write_python
    unit.otlp_protobuf unit.metrics_doc PROPERTIES
    TIMEOUT 300 LABELS unit SKIP_RETURN_CODE 77)
