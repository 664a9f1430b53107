#!/bin/sh
# In the virtual machine: runs the test's script and ends the machine. What the script prints goes to the second serial
# line, what it leaves in $OUT and its exit status go to the first disk, as a tar archive.
busybox stty -F /dev/ttyS1 raw
exec </dev/null >/dev/ttyS1 2>&1
export OUT=/weir/out PATH="/weir/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin" HOME=/root
mkdir -p "$OUT"
status=0
sh -eu /weir/script || status=$?
echo "$status" >/weir/status
busybox tar -c -f /dev/vda -C /weir status out
# Waits until the serial line has sent everything.
busybox stty -F /dev/ttyS1 raw
busybox sync
busybox poweroff -f
