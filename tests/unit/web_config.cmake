# The web configuration's fixtures read by promtool too. Included by CMakeLists.txt.
add_test(NAME unit.web_config_promtool COMMAND sh -c
    "test -x /usr/bin/python3 || { echo 'SKIP: /usr/bin/python3 is not there'; exit 77; }
     exec /usr/bin/python3 -B '${CMAKE_CURRENT_SOURCE_DIR}/check_web_config_promtool.py' '$<TARGET_FILE:web_config_verdict>'")
set_tests_properties(unit.web_config_promtool PROPERTIES TIMEOUT 300 LABELS unit SKIP_RETURN_CODE 77)
