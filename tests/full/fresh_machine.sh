#!/usr/bin/env bash
# fresh_machine.sh SUITE: on a Debian that has its minimal packages alone, ./dev build builds the project's files and
# ./dev run serves metrics. The machine is a debootstrap tree entered with chroot; its mirror is this machine's.
set -euo pipefail

suite=$1
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
step_limit_s=900 # each of: the tree, the build
scrape_limit_s=10 # ./dev run after ./dev build has nothing left to install or compile
stop_limit_s=10
port=0
tree=''
agent=''

# shellcheck source=cmake/debian.sh
source "$top/cmake/debian.sh"

skip() {
    echo "SKIP: $*"
    exit 77
}

tear_down() {
    local point
    [[ -z $agent ]] || kill -KILL -- "-$agent" 2>/dev/null || true
    for point in dev sys proc; do
        ! mountpoint -q "$tree/$point" || umount -R -l "$tree/$point"
    done
    # Never through a mount that is still there.
    rm -rf --one-file-system "$tree"
}

make_tree() {
    timeout "$step_limit_s" debootstrap --variant=minbase "$suite" "$tree" "$mirror" | tail -n 3
    for point in proc sys dev; do
        mount --rbind "/$point" "$tree/$point"
        mount --make-rslave "$tree/$point"
    done
    cp -L /etc/resolv.conf "$tree/etc/resolv.conf"
}

# The project's files as they are now, whether committed or not, and nothing of the build trees beside them.
copy_project() {
    mkdir -p "$tree/srv/weir"
    git -C "$top" -c "safe.directory=$top" ls-files -z --cached --others --exclude-standard |
        tar -C "$top" --null --files-from=- --ignore-failed-read -c | tar -C "$tree/srv/weir" -x
}

free_port() {
    /usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# The answer to GET /metrics; fails while nobody answers.
scrape() {
    { exec 3<>"/dev/tcp/127.0.0.1/$port"; } 2>/dev/null || return 1
    printf 'GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n' >&3
    timeout 10 cat <&3
    exec 3>&-
}

wait_for_metrics() {
    local end=$((SECONDS + scrape_limit_s))
    until scrape | grep -c '^container_cpu_usage_seconds_total{.*simulated="true"' >"$tree/series"; do
        kill -0 "$agent" 2>/dev/null || { echo './dev run ended by itself' && return 1; }
        ((SECONDS < end)) || { echo "no metrics within $scrape_limit_s s" && return 1; }
        sleep 0.2
    done
    echo "$suite: $(cat "$tree/series") simulated containers after $SECONDS s"
}

stop_agent() {
    local end=$((SECONDS + stop_limit_s)) status=0
    kill -TERM "$agent"
    while kill -0 "$agent" 2>/dev/null; do
        ((SECONDS < end)) || { echo "weir did not stop within $stop_limit_s s" && return 1; }
        sleep 0.1
    done
    wait "$agent" || status=$?
    agent=''
    ((status == 0)) || { echo "weir ended with status $status" && return 1; }
}

((EUID == 0)) || skip 'entering a new Debian tree needs root'
command -v debootstrap >/dev/null || skip 'no debootstrap (package debootstrap)'
mirror=$(debian_archive REPO_URI)
[[ -n $mirror ]] || skip "none of this machine's apt sources is Debian's archive"
tree=$(mktemp -d /var/tmp/weir-fresh-XXXXXX)
trap tear_down EXIT
trap 'exit 1' INT TERM HUP

make_tree
copy_project
echo "$suite: a minimal tree after $SECONDS s"
# With a process group of its own, so that nothing of it is left when this test ends half-way.
enter=(setsid chroot "$tree" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb
    ${http_proxy:+"http_proxy=$http_proxy"} ${https_proxy:+"https_proxy=$https_proxy"})
"${enter[@]}" timeout "$step_limit_s" /srv/weir/dev build </dev/null &
agent=$!
wait "$agent" || { echo './dev build failed' && exit 1; }
agent=''
[[ -x $tree/srv/weir/build/weir ]] || { echo 'no build/weir after ./dev build' && exit 1; }
echo "$suite: build/weir after $SECONDS s"

port=$(free_port)
"${enter[@]}" /srv/weir/dev run --collect.tiers=simulated "--web.listen-address=127.0.0.1:$port" </dev/null &
agent=$!
wait_for_metrics
stop_agent
echo "$suite: the whole run took $SECONDS s"
