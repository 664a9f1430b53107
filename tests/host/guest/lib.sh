# shellcheck shell=sh
# Sourced ahead of every test's script in a virtual machine.
: "${OUT:?the directory of results, set by run.sh}"
cd /weir/files || exit

# wait_until SECONDS COMMAND...: fails when the command has not succeeded within that time.
wait_until() {
    wait_end=$(($(date +%s) + $1))
    shift
    until "$@"; do
        if [ "$(date +%s)" -ge "$wait_end" ]; then
            echo "not in time: $*"
            return 1
        fi
        sleep 0.1
    done
}

# fetch PATH: GET from the weir that start_weir started. (wget's own time limit makes Debian 12's busybox crash.)
fetch() {
    busybox timeout 30 busybox wget -q -O - "http://127.0.0.1:10142$1"
}

weir_answers() {
    fetch /metrics >/dev/null 2>&1 || ! kill -0 "$weir_pid" 2>/dev/null
}

# start_weir FLAGS...: in the background; its log becomes the result weir.log.
start_weir() {
    weir --web.listen-address=127.0.0.1:10142 "$@" >>"$OUT/weir.log" 2>&1 &
    weir_pid=$!
    wait_until 60 weir_answers
    kill -0 "$weir_pid"
}

# scrape NAME: the metrics become the result NAME.
scrape() {
    fetch /metrics >"$OUT/$1"
}

# Fails when weir does not end with 0.
stop_weir() {
    kill -TERM "$weir_pid"
    wait "$weir_pid"
}
