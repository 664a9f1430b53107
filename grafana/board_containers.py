"""The board "weir / Containers": the containers of one host, by Compose project."""

from board_parts import (GREEN, RED, YELLOW, bars, board, column, label, link, row, series, stat, states, table,
                         variable)
from board_queries import (ANY_FAILS, ANY_WARNS, HEALTH, HEALTH_COLORS, HEALTH_WORDS, MANY, NO_YES, PART, PERCENT,
                           PROJECT, SERVICE, STALL, STATE_COLORS, STATE_WORDS, STATES, THIS_HOST, grown, numbered,
                           of_host, pressure, rate)

TO_CONTAINER = ("/d/weir-container?var-datasource=${datasource}&${job:queryparam}&${instance:queryparam}"
                "&var-name=%s&${__url_time_range}")
LINKS = [link("This container in depth", TO_CONTAINER % "${__field.labels.name}")]
NAME = "{{name}}"
BY = "by (name)"
CPU = f"100 * sum {BY} ({rate('container_cpu_usage_seconds_total', MANY)})"
CPU_BY_HOST = f"sum by (job, instance, name) ({rate('container_cpu_usage_seconds_total', MANY)})"
WORKING_SET = f"max {BY} (container_memory_working_set_bytes{{{MANY}}})"
LIMIT = f"max {BY} (container_spec_memory_limit_bytes{{{MANY}}} > 0)"
RECEIVED = f"sum {BY} ({rate('weir_container_network_receive_bytes_total', MANY)})"
SENT = f"sum {BY} ({rate('weir_container_network_transmit_bytes_total', MANY)})"
READ = f"sum {BY} ({rate('weir_container_block_read_bytes_total', MANY)})"
WRITTEN = f"sum {BY} ({rate('weir_container_block_write_bytes_total', MANY)})"
RESTARTS = f"max {BY} (weir_container_restarts_total{{{MANY}}})"
UPTIME = f"time() - max {BY} (container_start_time_seconds{{{MANY}}})"
UNNAMED_PROJECT = "containers without a project have an empty one"


def state_count(title, about, state, levels=((None, GREEN),)):
    return stat(title, "none", about, f'count(weir_container_state{{{MANY},state=~"{state}"}} == 1) or vector(0)',
                levels=levels)


def overview():
    return row(
        "This host",
        state_count("Running", "Chosen containers that run.", "running"),
        state_count("Paused", "Chosen containers that are paused.", "paused"),
        state_count("Restarting", "Chosen containers that their restart policy will start again.", "restarting",
                    ANY_WARNS),
        state_count("Ended", "Chosen containers that have ended within container.keep-stopped (1 h), whatever their "
                    "exit code.", "exited|dead"),
        stat("Unhealthy", "none", "Chosen containers whose health check fails.",
             f'count(weir_container_health_state{{{MANY},state="unhealthy"}} == 1) or vector(0)', levels=ANY_FAILS),
        stat("OOM kills", "none", "Processes killed for want of memory, in the time shown.",
             f"sum({grown('container_oom_events_total', MANY)}) or vector(0)", levels=ANY_FAILS, decimals=0),
        stat("CPU", "percent", "CPU time of the chosen containers in percent of all CPUs of the host.",
             f"100 * {of_host(f'sum by (job, instance) (' + rate('container_cpu_usage_seconds_total', MANY) + ')')}",
             levels=PERCENT, decimals=1, graph=True),
        stat("Memory", "bytes", "Working sets of the chosen containers together.",
             f"sum(container_memory_working_set_bytes{{{MANY}}})", graph=True))


def now_table():
    identity = f"max by (name, image, {PROJECT}, {SERVICE}, state)"
    health = f'label_replace(weir_container_health_state{{{MANY}}} == 1, "health", "$1", "state", "(.*)")'
    return row("Now", table(
        "Containers", "One line for each container and state; a click on a name leads to the container. A container "
        "that has ended has a state and an exit code and uses nothing.",
        [label(PROJECT, "Project"), label(SERVICE, "Service"),
         label("name", "Name", url=TO_CONTAINER % "${__value.text}", link="This container in depth", width=180),
         label("image", "Image", width=180), label("state", "State", mappings=STATE_COLORS),
         label("health", "Health", mappings=HEALTH_COLORS)],
        [column("Up for", "s", UPTIME, decimals=0),
         column("CPU of one core", "percent", CPU, decimals=1),
         column("CPU of the host", "percent", f"100 * max {BY} ({of_host(CPU_BY_HOST)})", levels=PERCENT, decimals=1),
         column("Memory", "bytes", WORKING_SET),
         column("Of limit", "percentunit", f"{WORKING_SET} / {LIMIT}", levels=PART, decimals=1),
         column("Received", "Bps", RECEIVED), column("Sent", "Bps", SENT),
         column("Read", "Bps", READ), column("Written", "Bps", WRITTEN),
         column("Restarts", "none", RESTARTS, levels=ANY_WARNS),
         column("OOM kills", "none", f"max {BY} (container_oom_events_total{{{MANY}}})", levels=ANY_FAILS),
         column("Exit code", "none", f"max {BY} (weir_container_exit_code{{{MANY}}})", levels=ANY_FAILS)],
        shown=[f"{identity} (weir_container_state{{{MANY}}} == 1)", f"max by (name, health) ({health})"],
        sort="Project", height=12))


def projects():
    legend = f"{{{{{PROJECT}}}}}"
    cpu = f"100 * sum by ({PROJECT}) ({rate('container_cpu_usage_seconds_total', MANY)})"
    return row(
        "By Compose project",
        bars("CPU by project", "percent", f"CPU time of each Compose project in percent of one CPU; {UNNAMED_PROJECT}.",
             cpu, legend, width=6),
        bars("Memory by project", "bytes", f"Working sets of each Compose project together; {UNNAMED_PROJECT}.",
             f"sum by ({PROJECT}) (container_memory_working_set_bytes{{{MANY}}})", legend, width=6),
        series("CPU by project", "percent", "CPU time of each Compose project in percent of one CPU; "
               f"{UNNAMED_PROJECT}.",
               (cpu, legend), stack=True))


def use():
    return row(
        "CPU and memory",
        series("CPU of one core", "percent", "CPU time in percent of one CPU: 200 are two CPUs, all the time.",
               (CPU, NAME), links=LINKS),
        series("CPU of the host", "percent", "CPU time in percent of all CPUs of the host.",
               (f"100 * max {BY} ({of_host(CPU_BY_HOST)})", NAME), links=LINKS),
        series("Memory", "bytes", "Working set: memory in use less file cache that has not been touched lately.",
               (WORKING_SET, NAME), links=LINKS),
        series("Memory of limit", "percentunit", "Working set as a part of the memory limit, of containers that have "
               "one.",
               (f"{WORKING_SET} / {LIMIT}", NAME), levels=PART, links=LINKS),
        series("CPU throttled", "percentunit", "Part of the quota's periods in which the quota was used up, of "
               "containers that have one.",
               (f"sum {BY} ({rate('container_cpu_cfs_throttled_periods_total', MANY)}) / "
                f"sum {BY} ({rate('container_cpu_cfs_periods_total', MANY)})", NAME),
               levels=((None, GREEN), (0.25, YELLOW), (0.5, RED)), links=LINKS),
        series("Tasks", "none", "Processes and threads.", (f"max {BY} (container_threads{{{MANY}}})", NAME),
               links=LINKS, decimals=0))


def traffic():
    return row(
        "Network and disk",
        series("Received", "Bps", "Bytes a second received, over all interfaces of the container. One that shares the "
               "host's network or another container's has none of its own.", (RECEIVED, NAME), links=LINKS),
        series("Sent", "Bps", "Bytes a second sent, over all interfaces of the container.", (SENT, NAME), links=LINKS),
        series("Read from disks", "Bps", "Bytes a second read from block devices; what the page cache answers is not "
               "in it.", (READ, NAME), links=LINKS),
        series("Written to disks", "Bps", "Bytes a second written to block devices.", (WRITTEN, NAME), links=LINKS),
        series("Packets dropped", "pps", "Packets a second that were dropped, received and sent.",
               (f"sum {BY} ({rate('container_network_receive_packets_dropped_total', MANY)}) + "
                f"sum {BY} ({rate('container_network_transmit_packets_dropped_total', MANY)})", NAME), links=LINKS),
        series("Disk operations", "iops", "Reads and writes a second. Only the cgroup tier knows them.",
               (f"sum {BY} ({rate('container_fs_reads_total', MANY)}) + "
                f"sum {BY} ({rate('container_fs_writes_total', MANY)})", NAME), links=LINKS))


def life():
    return row(
        "Life",
        states("State", "What each container was doing. Where one took another's name, the one that is more alive.",
               f"max {BY} ({numbered('weir_container_state', MANY, 'state', STATES)})", NAME, STATE_WORDS, height=10),
        states("Health", "What the health check of each running container says; none: it has no check.",
               f"max {BY} ({numbered('weir_container_health_state', MANY, 'state', HEALTH)})", NAME, HEALTH_WORDS,
               width=12),
        series("Restarts", "none", "Restarts by the restart policy, and starts of any kind as far as a scrape saw "
               "them.",
               (f"sum {BY} ({grown('weir_container_restarts_total', MANY, '$__rate_interval')})", "{{name}} by policy"),
               (f"sum {BY} (changes(container_start_time_seconds{{{MANY}}}[$__rate_interval]))", "{{name}} started"),
               links=LINKS, calcs=("max",)),
        table("Exits", "Containers that do not run, with the code of their last exit: 0 is well, 137 and 143 are what "
              "docker stop and kill leave behind, another one is an error. They are told for "
              "container.keep-stopped (1 h).",
              [label("name", "Name", url=TO_CONTAINER % "${__value.text}", link="This container in depth"),
               label("image", "Image")],
              [column("Exit code", "none", f"max by (name, image) (weir_container_exit_code{{{MANY}}})",
                      levels=ANY_FAILS),
               column("Killed for want of memory", "none",
                      f"max by (name, image) (weir_container_oom_killed{{{MANY}}} and on (job, instance, id) "
                      f"weir_container_exit_code{{{MANY}}})", mappings=NO_YES),
               column("Ended", "dateTimeAsIso",
                      f"max by (name, image) (weir_container_finished_time_seconds{{{MANY}}} and on (job, "
                      f"instance, id) weir_container_exit_code{{{MANY}}}) * 1000"),
               column("Restarts", "none", f"max by (name, image) (weir_container_restarts_total{{{MANY}}} and on (job, "
                      f"instance, id) weir_container_exit_code{{{MANY}}})")], width=12, height=8),
        series("OOM kills", "none", "Processes killed for want of memory.",
               (f"sum {BY} ({grown('container_oom_events_total', MANY, '$__rate_interval')})", NAME), links=LINKS,
               calcs=("max",)))


def waiting():
    def panel(title, resource, about):
        return series(title, "percentunit", f"Part of the time in which some task of the container waited for {about}. "
                      "Needs pressure stall information in the kernel (psi=1) and cgroup v2.",
                      (f"max {BY} ({pressure('waiting', resource, MANY)})", NAME), levels=STALL, width=8, links=LINKS)

    return row("Pressure", panel("CPU pressure", "cpu", "a CPU"), panel("Memory pressure", "memory", "memory"),
               panel("I/O pressure", "io", "a disk"))


def on_request():
    return row(
        "On request: groups of metrics that are off by default",
        series("Writable layer", "bytes", "Size of each container's writable layer, as the engine counts it every "
               "engine.size-interval. Needs --metrics.enable=disk.",
               (f"max {BY} (container_fs_usage_bytes{{{MANY}}})", NAME), links=LINKS),
        series("Open files", "none", "Descriptors that the processes of each container have open. Needs "
               "--metrics.enable=process and the right to read them all.",
               (f"max {BY} (container_file_descriptors{{{MANY}}})", NAME), links=LINKS, decimals=0), collapsed=True)


def made():
    variables = [
        variable("job", "Job", "label_values(weir_build_info, job)"),
        variable("instance", "Host", 'label_values(weir_build_info{job=~"$job"}, instance)', many=False),
        variable("project", "Compose project", f"label_values(weir_container_state{{{THIS_HOST}}}, {PROJECT})",
                 every=".*"),
        variable("name", "Container", f'label_values(weir_container_state{{{THIS_HOST},{PROJECT}=~"$project"}}, name)'),
    ]
    return board("weir-containers", "weir / Containers", "The containers of one host, by Compose project.", variables,
                 [overview(), now_table(), projects(), use(), traffic(), life(), waiting(), on_request()])
