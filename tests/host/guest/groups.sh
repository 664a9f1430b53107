# shellcheck shell=sh
# Sourced by the scripts that make control groups as container engines do, and look into them as the kernel shows them.
: "${OUT:?the directory of results, set by run.sh}"

root=/sys/fs/cgroup
groups="" # that are looked at: paths
pids=""
if [ -d "$root/unified" ]; then
    trees="$root/cpu,cpuacct $root/memory $root/blkio $root/pids $root/freezer $root/unified"
else
    trees=$root
fi

# make_group PATH: in every tree; on v2 with every controller, in the groups above it too.
make_group() {
    for tree in $trees; do
        at=$tree
        for part in $(echo "$1" | tr / ' '); do
            if [ "$tree" = "$root" ]; then
                sed 's/[^ ]*/+&/g' "$at/cgroup.controllers" >"$at/cgroup.subtree_control"
            fi
            at=$at/$part
            [ -d "$at" ] || mkdir "$at"
        done
    done
}

# inside PATH COMMAND...: in the background, in that group; $! is its process.
inside() {
    (
        for tree in $trees; do
            echo 0 >"$tree$1/cgroup.procs"
        done
        shift
        exec "$@"
    ) &
}

# stays PATH: a process that only sleeps.
stays() {
    inside "$1" sleep 100000
}

own_network() {
    [ "$(stat -L -c %i "/proc/$1/net/dev")" != "$(stat -L -c %i /proc/1/net/dev)" ]
}

# interface_in PID NAME: an interface without a way out, in the network that the process has or will have of its own.
interface_in() {
    wait_until 20 own_network "$1"
    nsenter -t "$1" -n ip link add "$2" type dummy
}

# look NAME: what the kernel says of $groups, of the network of the processes $pids and of the host, as the result NAME.
look() {
    for tree in $trees; do
        for group in $groups; do
            echo "$tree${group%/}"
        done
    done >"$OUT/.directories"
    awk -v pids="$pids" '
        function show(path,   line, result) {
            result = (getline line < path)
            if (result < 0)
                return
            print "== " path
            while (result > 0) {
                print line
                result = (getline line < path)
            }
            close(path)
        }
        BEGIN {
            names = "cpu.stat cpu.max cpu.weight cpu.shares cpu.cfs_quota_us cpu.cfs_period_us cpuacct.usage " \
                "cpuacct.stat cpu.pressure memory.pressure io.pressure memory.current memory.stat memory.peak " \
                "memory.events memory.swap.events memory.swap.current memory.max memory.low memory.swap.max memory.usage_in_bytes " \
                "memory.max_usage_in_bytes memory.failcnt memory.kmem.usage_in_bytes memory.oom_control " \
                "memory.limit_in_bytes memory.memsw.limit_in_bytes memory.soft_limit_in_bytes io.stat " \
                "blkio.throttle.io_service_bytes_recursive blkio.throttle.io_serviced_recursive pids.current " \
                "pids.max pids.events cgroup.events cgroup.procs freezer.state"
            count = split(names, name, " ")
            split(pids, pid, " ")
            show("/proc/uptime")
            for (i in pid)
                show("/proc/" pid[i] "/net/dev")
        }
        {
            for (i = 1; i <= count; i++)
                show($0 "/" name[i])
        }
        END {
            show("/proc/meminfo")
            show("/proc/loadavg")
            show("/proc/partitions")
            show("/sys/devices/system/cpu/online")
        }' "$OUT/.directories" >"$OUT/$1"
}

# bracket NAME [COMMAND...]: a page between two looks; how it is fetched, `scrape` without a command.
bracket() {
    bracket_name=$1
    shift
    look "$bracket_name-before"
    "${@:-scrape}" "$bracket_name"
    look "$bracket_name-after"
}

# has FILE PATTERN: does a line of it match?
has() {
    grep -Eq "$2" "$1"
}
