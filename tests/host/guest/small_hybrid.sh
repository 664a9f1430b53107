# shellcheck shell=sh disable=SC2154
# The script of test_small_hybrid.py. The variables of groups ($burn and so on, paths) are set by it.
# shellcheck source=tests/host/guest/groups.sh
. ./groups.sh
# shellcheck source=/dev/null
. ./paths.sh
modprobe dummy numdummies=0

# This kernel counts the I/O of those v1 groups alone that have a limit themselves.
make_group "$idle"
inside "$idle" sh -c 'dd if=/dev/vdb of=/dev/null bs=64k count=16 iflag=direct
    touch idle-done; exec sleep 100000' 2>/dev/null
wait_until 60 [ -e idle-done ]
cp "$root/blkio$idle/blkio.throttle.io_service_bytes_recursive" "$OUT/uncounted-kernel"
weir scrape --collect.tiers=cgroup >"$OUT/uncounted"

for group in $groups; do
    [ "$group" = "$split" ] || make_group "$group"
done

echo 100000 >"$root/cpu$burn/cpu.cfs_period_us"
echo 20000 >"$root/cpu$burn/cpu.cfs_quota_us"
echo 512 >"$root/cpu$burn/cpu.shares"
inside "$burn" sh -c 'while :; do :; done'
inside "$burn" sh -c 'while :; do :; done'

echo 67108864 >"$root/memory$hold/memory.limit_in_bytes"
echo 8388608 >"$root/memory$hold/memory.soft_limit_in_bytes"
echo 83886080 >"$root/memory$hold/memory.memsw.limit_in_bytes"
inside "$hold" sh -c 'dd if=/dev/zero bs=20M count=1 2>/dev/null | sleep 100000'

echo 16777216 >"$root/memory$cache/memory.limit_in_bytes"
inside "$cache" sh -c 'exec 3</dev/vdb; cat /dev/vdb /dev/vdb >/dev/null; exec sleep 100000'

echo 12582912 >"$root/memory$oom/memory.limit_in_bytes"
stays "$oom"
inside "$oom" dd if=/dev/zero of=/dev/null bs=30M count=1

echo 4 >"$root/pids$tasks/pids.max"
inside "$tasks" sh -c 'sleep 100000 & sleep 100000 & sleep 100000 & sleep 100000 & sleep 100000 & wait'

# Half of the I/O, and half of the memory, is a container's within this one.
make_group "$disk/docker/$inner_id"
for limit in read write; do
    for group in "$disk" "$disk/docker/$inner_id"; do
        echo "$(cat /sys/block/vdb/dev) 1099511627776" >"$root/blkio$group/blkio.throttle.${limit}_bps_device"
    done
done
inside "$disk" sh -c 'dd if=/dev/zero of=/dev/vdb bs=64k count=16 oflag=direct
    touch outer-done; exec sleep 100000' 2>/dev/null
wait_until 60 [ -e outer-done ]
inside "$disk/docker/$inner_id" sh -c 'dd if=/dev/zero of=/dev/vdb bs=64k count=16 oflag=direct
    dd if=/dev/vdb of=/dev/null bs=16k count=64 iflag=direct; touch inner-done
    dd if=/dev/zero bs=10M count=1 2>/dev/null | sleep 100000' 2>/dev/null

inside "$own" unshare -n sleep 100000
own_pid=$!
interface_in "$own_pid" dummy0
nsenter -t "$own_pid" -n ip addr add 10.8.0.1/24 dev dummy0
nsenter -t "$own_pid" -n ip link set dummy0 up
nsenter -t "$own_pid" -n ping -c 1 -W 1 10.8.0.9 >/dev/null || :

stays "$paused"

# Not at the same place in every tree, and not in the v2 tree at all, as older runtimes leave it.
for tree in memory blkio pids freezer; do
    mkdir -p "$root/$tree$split"
done
mkdir -p "$root/cpu,cpuacct$split_cpu"
(
    for tree in memory blkio pids freezer; do
        echo 0 >"$root/$tree$split/cgroup.procs"
    done
    echo 0 >"$root/cpu,cpuacct$split_cpu/cgroup.procs"
    exec sh -c 'i=0; while [ $i -lt 3000 ]; do i=$((i + 1)); done; touch split-done; exec sleep 100000'
) &

wait_until 60 has "$root/cpu$burn/cpu.stat" '^nr_throttled [1-9][0-9]'
wait_until 60 has "$root/memory$hold/memory.stat" '^rss 2[0-9]{7}$'
wait_until 60 has "$root/memory$cache/memory.failcnt" '^[1-9][0-9]'
wait_until 60 has "$root/memory$oom/memory.oom_control" '^oom_kill 1'
wait_until 60 has "$root/pids$tasks/pids.events" '^max [1-9]'
wait_until 60 [ -e inner-done ]
wait_until 60 has "$root/memory$disk/memory.stat" '^total_rss 1[0-9]{7}$'
wait_until 60 [ -e split-done ]
echo FROZEN >"$root/freezer$paused/freezer.state"
wait_until 10 has "$root/freezer$paused/freezer.state" FROZEN

pids=$own_pid
groups="$groups $split_cpu"
start_weir --collect.tiers=cgroup --collect.max-age=0s
sleep 1.1
bracket first
sleep 1.1
bracket second
echo THAWED >"$root/freezer$paused/freezer.state"
echo -1 >"$root/cpu$burn/cpu.cfs_quota_us"
echo 134217728 >"$root/memory$hold/memory.memsw.limit_in_bytes"
echo 100663296 >"$root/memory$hold/memory.limit_in_bytes"
scrape soon
sleep 5.5
bracket later
bracket later-again
stop_weir

mkswap /dev/vdb >/dev/null
swapon /dev/vdb
groups=$swap
make_group "$swap"
echo 8388608 >"$root/memory$swap/memory.limit_in_bytes"
inside "$swap" sh -c 'dd if=/dev/zero bs=24M count=1 2>/dev/null | sleep 100000'
wait_until 60 has "$root/memory$swap/memory.stat" '^total_swap 1[0-9]{7}$'
start_weir --collect.tiers=cgroup --collect.max-age=0s --cgroup.max-fds=0
bracket swap
bracket swap-again
stop_weir
weir check --collect.tiers=cgroup >"$OUT/check" || echo "weir check ended with $?" >>"$OUT/check"
