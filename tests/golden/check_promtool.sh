#!/bin/sh
# check_promtool.sh FILE...: promtool reads every exposition and finds nothing beyond lint-allow.txt.
command -v promtool >/dev/null 2>&1 || {
    echo "SKIP: promtool is not installed (Debian: prometheus)"
    exit 77
}
allow="$(dirname "$0")/lint-allow.txt"
failed=0
for file in "$@"; do
    said=$(promtool check metrics <"$file" 2>&1)
    code=$?
    left=$(printf '%s\n' "$said" | grep -v -x -F -f "$allow" | grep .)
    # 0: nothing to say, 3: something, which then must be allowed.
    if [ -n "$left" ] || { [ "$code" -ne 0 ] && [ "$code" -ne 3 ]; }; then
        echo "$file: promtool ended with $code and said: $left"
        failed=1
    fi
done
exit "$failed"
