# shellcheck shell=sh disable=SC2154
# The script of test_small_v2.py. The variables of groups ($burn and so on, paths) are set by it.
# shellcheck source=tests/host/guest/groups.sh
. ./groups.sh
# shellcheck source=/dev/null
. ./paths.sh
modprobe veth
modprobe dummy numdummies=0
mkfifo never

# -- containers ---------------------------------------------------------------------------------------------

for group in $groups; do
    [ "$group" = "$plain" ] || make_group "$group"
done

# Docker, cgroupfs: a quota that two loops use up.
echo "20000 100000" >"$root$burn/cpu.max"
echo 50 >"$root$burn/cpu.weight"
inside "$burn" sh -c 'while :; do :; done'
inside "$burn" sh -c 'while :; do :; done'

# Docker, systemd: bursts beyond the quota; it sleeps without making processes.
echo "10000 100000" >"$root$bursty/cpu.max"
echo 10000 >"$root$bursty/cpu.max.burst"
# shellcheck disable=SC2016
inside "$bursty" sh -c 'exec 3<>never
    while :; do read -r -t 0.4 x <&3; i=0; while [ $i -lt 400 ]; do i=$((i + 1)); done; done'

# Kubernetes, systemd: memory held below a limit.
echo 67108864 >"$root$hold/memory.max"
echo 8388608 >"$root$hold/memory.low"
echo 16777216 >"$root$hold/memory.swap.max"
inside "$hold" sh -c 'dd if=/dev/zero bs=20M count=1 2>/dev/null | sleep 100000'

# Podman: crun keeps the processes in a group of its own below. More memory than memory.high, and nowhere to put it.
mkdir "$root$high/container"
echo 12582912 >"$root$high/memory.high"
inside "$high/container" sh -c 'dd if=/dev/zero bs=16M count=1 2>/dev/null | sleep 100000'
stays "$conmon"
stays "$mount"

# Kubernetes, cgroupfs: more pages of a disk than fit, read twice. Who has it open keeps the kernel from forgetting them.
echo 16777216 >"$root$cache/memory.max"
inside "$cache" sh -c 'exec 3</dev/vdb; cat /dev/vdb /dev/vdb >/dev/null; exec sleep 100000'

# An engine within a container: what runs out of memory is below, and so is who is killed.
make_group "$outer/init"
make_group "$outer/docker/$inner_id"
echo 8388608 >"$root$outer/docker/$inner_id/memory.max"
echo 1 >"$root$outer/docker/$inner_id/memory.oom.group"
stays "$outer/init"
inside "$outer/docker/$inner_id" sh -c 'dd if=/dev/zero bs=20M count=1 2>/dev/null | sleep 100000'

# Out of memory, and one of two is killed.
echo 12582912 >"$root$oom/memory.max"
stays "$oom"
inside "$oom" dd if=/dev/zero of=/dev/null bs=30M count=1

# More processes than are allowed.
echo 4 >"$root$tasks/pids.max"
inside "$tasks" sh -c 'sleep 100000 & sleep 100000 & sleep 100000 & sleep 100000 & sleep 100000 & wait'

# Direct I/O, which nobody can take for page cache, and a discard.
inside "$disk" sh -c 'dd if=/dev/zero of=/dev/vdb bs=64k count=32 oflag=direct
    dd if=/dev/vdb of=/dev/null bs=16k count=64 iflag=direct
    blkdiscard -o 8388608 -l 1048576 /dev/vdb; touch disk-done; exec sleep 100000' 2>/dev/null

# Networks: of its own with a peer on the host, of its own without a way out, none, the host's, another container's.
inside "$own" unshare -n sleep 100000
own_pid=$!
inside "$lonely" unshare -n sleep 100000
lonely_pid=$!
inside "$none" unshare -n sleep 100000
stays "$host"
# Starts in the host's network, as a runtime's first process does, and leaves it later.
inside "$late" sh -c 'exec 3<>never; until [ -e leave ]; do read -r -t 0.2 x <&3; done; exec unshare -n sleep 100000'
late_pid=$!

# Ends, and another process takes its place.
inside "$again" unshare -n sleep 100000
again_pid=$!
interface_in "$again_pid" before0
# The container's first process beside those of containers within it, which have networks of their own.
nested() {
    make_group "$1$2"
    make_group "$1$3"
    inside "$1$2" unshare -n sleep 100000
    interface_in $! outside0
    inside "$1$3" unshare -n sleep 100000
    interface_in $! inside0
}
nested "$dind" /init "/docker/$inner_id"
nested "$kind" /init.scope "/kubelet.slice/kubelet-kubepods.slice/cri-containerd-$inner_id.scope"
nested "$nspawn" /payload/init.scope "/payload/a.slice/docker-$inner_id.scope"

# Nothing is enabled for this one.
mkdir -p "$root$plain"
stays "$plain"

stays "$paused"
stays "$silent"
echo 0 >"$root$silent/cgroup.pressure"
stays "$lxc"
stays "$colons"

# -- until all of that has happened ---------------------------------------------------------------------------

wait_until 20 own_network "$own_pid"
nsenter -t "$own_pid" -n ip link add eth0 type veth
nsenter -t "$own_pid" -n ip link set veth0 netns 1
nsenter -t "$own_pid" -n ip addr add 10.9.0.2/24 dev eth0
nsenter -t "$own_pid" -n ip link set eth0 up
nsenter -t "$own_pid" -n ip link set lo up
ip addr add 10.9.0.1/24 dev veth0
ip link set veth0 up
ip link add uplink type dummy
interface_in "$lonely_pid" dummy0
nsenter -t "$lonely_pid" -n ip addr add 10.8.0.1/24 dev dummy0
nsenter -t "$lonely_pid" -n ip link set dummy0 up
# Its process started after the owner's.
inside "$joined" nsenter -t "$own_pid" -n sleep 100000
wait_until 20 ping -c 1 -W 1 10.9.0.2 >/dev/null
ping -c 20 -A -s 1000 10.9.0.2 >/dev/null
nsenter -t "$lonely_pid" -n ping -c 1 -W 1 10.8.0.9 >/dev/null || :
ping -s 300 10.9.0.2 >/dev/null &

wait_until 60 has "$root$burn/cpu.stat" '^nr_throttled [1-9][0-9]'
wait_until 60 has "$root$bursty/cpu.stat" '^nr_bursts [1-9]'
wait_until 60 has "$root$hold/memory.stat" '^anon 2[0-9]{7}$'
wait_until 60 has "$root$high/memory.pressure" '^some .*total=[1-9][0-9]{5}'
# Held back for long enough: it must stand still to be compared.
echo max >"$root$high/memory.high"
wait_until 60 has "$root$high/memory.stat" '^anon 1[67][0-9]{6}$'
wait_until 60 has "$root$cache/memory.stat" '^workingset_refault_file [1-9]'
wait_until 60 has "$root$outer/memory.events" '^oom_group_kill 1'
wait_until 60 has "$root$oom/memory.events" '^oom_kill 1'
wait_until 60 has "$root$tasks/pids.events" '^max [1-9]'
wait_until 60 [ -e disk-done ]
echo 1 >"$root$paused/cgroup.freeze"
wait_until 10 has "$root$paused/cgroup.events" '^frozen 1'

# -- what weir says of it -------------------------------------------------------------------------------------

pids="$own_pid $lonely_pid"
start_weir --collect.tiers=cgroup --collect.max-age=0s
sleep 1.1
bracket first
sleep 2
bracket second
# A container that leaves the host's network, one that goes on, limits that change, a group that comes anew at its path.
touch leave
interface_in "$late_pid" dummy0
kill -KILL "$again_pid"
wait_until 20 has "$root$again/cgroup.events" '^populated 0'
inside "$again" unshare -n sleep 100000
interface_in $! after0
echo 0 >"$root$paused/cgroup.freeze"
echo "30000 50000" >"$root$burn/cpu.max"
echo max >"$root$hold/memory.max"
echo 1 >"$root$silent/cgroup.pressure"
xargs kill -KILL <"$root$bursty/cgroup.procs"
bursty_gone() {
    rmdir "$root$bursty" 2>/dev/null
}
wait_until 20 bursty_gone
make_group "$bursty"
stays "$bursty"
scrape soon
# Limits, and files that were not there, are looked at every five seconds.
sleep 5.5
pids="$pids $late_pid"
bracket later
bracket later-again
rows=$groups
groups="/"
bracket host
groups=$rows
xargs kill -KILL <"$root$tasks/cgroup.procs"
wait_until 20 has "$root$tasks/cgroup.events" '^populated 0'
scrape ended
stop_weir

# -- with swap, without kept files, and by hand ----------------------------------------------------------------

mkswap /dev/vdb >/dev/null
swapon /dev/vdb
groups="$swap $hold"
make_group "$swap"
echo 8388608 >"$root$swap/memory.high"
# Reads its memory again after it was put away.
inside "$swap" sh -c 'dd if=/dev/zero bs=24M count=2 2>/dev/null | { head -c 40M >/dev/null; exec sleep 100000; }'
wait_until 60 has "$root$swap/memory.stat" '^workingset_refault_anon [1-9]'
still() {
    cp "$root$swap/memory.stat" still-before
    sleep 0.5
    cmp -s still-before "$root$swap/memory.stat"
}
wait_until 60 still
start_weir --collect.tiers=cgroup --collect.max-age=0s --cgroup.max-fds=0
bracket swap
bracket swap-again
stop_weir
weir check --collect.tiers=cgroup >"$OUT/check" || echo "weir check ended with $?" >>"$OUT/check"
