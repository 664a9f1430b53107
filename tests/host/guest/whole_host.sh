# shellcheck shell=sh
# The script of test_whole_host.py: containers of a real engine, both tiers beside each other, an engine that dies.
# shellcheck source=tests/host/guest/groups.sh
. ./groups.sh

docker info --format '{{.CgroupVersion}} {{.CgroupDriver}}' >"$OUT/info"
cat /proc/pressure/memory >"$OUT/pressure"
# Containers outlive their engine. (There is no /bin/kill, by which the unit reloads it.)
mkdir -p /etc/docker
echo '{"live-restore": true}' >/etc/docker/daemon.json
systemctl kill --signal=HUP --kill-whom=main docker.service
lives_on() {
    [ "$(docker info --format '{{.LiveRestoreEnabled}}')" = true ]
}
wait_until 30 lives_on

# -- containers ---------------------------------------------------------------------------------------------

# container NAME OPTIONS... IMAGE COMMAND...: in the background, which halves the time.
container() {
    (
        name=$1
        shift
        echo "$name $(docker run --detach --name "$name" "$@")" >>"$OUT/ids"
    ) &
    started="$started $!"
}
all_started() {
    for pid in $started; do
        wait "$pid"
    done
    started=""
}
started=""
container sender "$IMAGE" sh -c 'dd if=/dev/zero of=/dev/shm/x bs=64k count=80; exec httpd -f -p 80 -h /dev/shm'
container memory --memory 200m --memory-reservation 150m \
    "$IMAGE" sh -c 'dd if=/dev/zero of=/dev/shm/x bs=1M count=10; dd if=/dev/zero bs=30M count=1 | sleep 100000'
container writer --memory 20m --memory-swap 40m --volume work:/data \
    "$IMAGE" sh -c 'dd if=/dev/zero of=/data/x bs=1M count=10 oflag=direct; dd if=/dev/zero of=/data/y bs=1M count=40
        sync; touch /tmp/done; exec sleep 100000'
container none --network none --cpu-shares 512 --cpu-period 50000 --cpu-quota 20000 "$IMAGE" sleep 100000
container tasks --network host --pids-limit 50 "$IMAGE" sh -c 'for i in 1 2 3 4 5; do sleep 100000 & done; wait'
all_started
address=$(docker inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' sender)
container sink "$IMAGE" sh -c "until wget -q -O /dev/null http://$address/x; do sleep 0.2; done
    touch /tmp/done; exec sleep 100000"
container joined --network container:sender "$IMAGE" sleep 100000
container burn --cpus 0.1 --label com.docker.compose.project=shop --label com.docker.compose.service=basket \
    "$IMAGE" sh -c 'while :; do :; done'
container paused --cpus 0.2 "$IMAGE" sh -c 'while :; do :; done'
all_started
is_done() {
    docker exec "$1" test -e /tmp/done
}
for name in writer sink; do
    wait_until 120 is_done "$name"
done
sleep 1
docker pause paused >/dev/null

# The engine's word on where the groups are is not asked: systemd's driver makes this path.
while read -r name id; do
    groups="$groups /system.slice/docker-$id.scope"
    [ "$name" != sink ] || pids=$(docker inspect --format '{{.State.Pid}}' sink)
done <"$OUT/ids"

# -- both tiers -----------------------------------------------------------------------------------------------

# other PORT FLAGS...: one more weir; its process is left in $other_pid.
other() {
    port=$1
    shift
    weir --web.listen-address="127.0.0.1:$port" --collect.max-age=0s "$@" >>"$OUT/weir.log" 2>&1 &
    other_pid=$!
    wait_until 60 page "$port" .started
}

# page PORT NAME: its metrics become the result NAME.
page() {
    curl --silent --fail --max-time 30 --output "$OUT/$2" "http://127.0.0.1:$1/metrics"
}

start_weir --collect.tiers=engine --collect.max-age=0s
other 10143 --collect.tiers=cgroup
kernel_pid=$other_pid
sleep 1.1
for attempt in 1 2 3 4; do
    page 10143 "tiers-$attempt-before"
    page 10142 "tiers-$attempt-engine"
    page 10143 "tiers-$attempt-after"
done
kernel_page() {
    page 10143 "$1"
}
bracket kernel kernel_page
bracket kernel-again kernel_page
stop_weir
kill "$kernel_pid"
wait "$kernel_pid"

# -- somebody without any right ---------------------------------------------------------------------------------

unprivileged() {
    exec setpriv --reuid=65534 --regid=65534 --clear-groups /weir/bin/weir --web.listen-address=127.0.0.1:10144 \
        --collect.max-age=0s --collect.tiers=cgroup
}
unprivileged >>"$OUT/weir.log" 2>&1 &
nobody_pid=$!
wait_until 60 page 10144 .started
nobody_page() {
    page 10144 "$1"
}
bracket nobody nobody_page
bracket nobody-again nobody_page
kill "$nobody_pid"
wait "$nobody_pid"

# -- services ---------------------------------------------------------------------------------------------------

other 10145 --collect.tiers=cgroup --collect.scope=services
rows=$groups
groups="/system.slice/docker.service /system.slice/containerd.service /system.slice/dbus.service /system.slice /init.scope"
services_page() {
    page 10145 "$1"
}
bracket services services_page
bracket services-again services_page
groups=$rows
kill "$other_pid"
wait "$other_pid"

# -- the engine dies, and comes again -----------------------------------------------------------------------------

tier() {
    page 10142 .tier && grep -q "^weir_container_tier{.*name=\"burn\".*tier=\"$1\"} 1" "$OUT/.tier"
}
engine_answers() {
    curl --silent --fail --max-time 5 --unix-socket /run/docker.sock --output /dev/null http://docker/_ping
}
start_weir --collect.tiers=engine,cgroup --collect.max-age=0s
sleep 1.1
scrape switch-1
scrape switch-2
# Neither systemd nor a knock at the socket starts it again.
systemctl mask --runtime docker.service docker.socket 2>/dev/null
systemctl kill --signal=KILL docker.service
scrape switch-3
systemctl stop docker.socket 2>/dev/null
scrape switch-4
sleep 1.1
scrape switch-5
systemctl unmask --runtime docker.service docker.socket 2>/dev/null
systemctl start docker.socket docker.service
wait_until 60 engine_answers
wait_until 60 tier engine
scrape switch-6
sleep 1.1
scrape switch-7
docker ps --format '{{.Names}} {{.Status}}' >"$OUT/ps"
stop_weir

weir check >"$OUT/check" || echo "weir check ended with $?" >>"$OUT/check"
weir scrape --collect.tiers=engine >"$OUT/metrics"
