#!/bin/sh
# check_metrics_doc.sh GENERATOR PAGE: PAGE is what GENERATOR prints.
if "$1" | diff -u "$2" -; then
    exit 0
fi
echo "$2 differs from the metric list; regenerate it:"
echo "    $1 > $2"
exit 1
