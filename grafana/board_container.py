"""The board "weir / Container": one container in depth."""

from board_parts import GREEN, RED, YELLOW, board, column, label, row, series, stat, states, table, variable
from board_queries import (ANY_FAILS, ANY_WARNS, HEALTH, HEALTH_WORDS, NO_YES, ONE, PART, STALL, STATE_WORDS, STATES,
                           THIS_HOST, grown, numbered, of_host, pressure, rate)

CORES = f"sum({rate('container_cpu_usage_seconds_total', ONE)})"
QUOTA = f"max(container_spec_cpu_quota{{{ONE}}} / container_spec_cpu_period{{{ONE}}})"
LIMIT = f"max(container_spec_memory_limit_bytes{{{ONE}}} > 0)"


def largest(metric):
    return f"max({metric}{{{ONE}}})"


def faults(kind):
    where = f'{ONE},failure_type="{kind}",scope="hierarchy"'
    return f"sum({rate('container_memory_failures_total', where)})"


def overview():
    return row(
        "This container",
        stat("State", "none", "What the container is doing. Of one that ended it is told for container.keep-stopped "
             "(1 h).",
             f"max({numbered('weir_container_state', ONE, 'state', STATES)})", mappings=STATE_WORDS),
        stat("Health", "none", "What the health check says; none: it has no check.",
             f"max({numbered('weir_container_health_state', ONE, 'state', HEALTH)})", mappings=HEALTH_WORDS,
             empty="does not run"),
        stat("Up for", "s", "Time since its last start.", f"time() - {largest('container_start_time_seconds')}",
             empty="does not run", decimals=0),
        stat("Restarts", "none", "Restarts by the restart policy since it was last started by hand.",
             largest("weir_container_restarts_total"), levels=ANY_WARNS),
        stat("OOM kills", "none", "Processes of it killed for want of memory.", largest("container_oom_events_total"),
             levels=ANY_FAILS),
        stat("Last exit code", "none", "Code of the last exit in the time shown: 0 is well, 137 and 143 are what "
             "docker stop and kill leave behind, another one is an error.",
             f"max(last_over_time(weir_container_exit_code{{{ONE}}}[$__range]))", levels=ANY_FAILS, empty="none"),
        stat("Killed for want of memory", "none", "Whether a process of the present or last run was killed for want of "
             "memory, as the engine says.", largest("weir_container_oom_killed"), mappings=NO_YES),
        stat("Tasks", "none", "Processes and threads.", largest("container_threads"), empty="does not run", graph=True))


def identity():
    told = "id, image, image_id, image_digest, ports, mounts, network_mode"
    return row("What it is", table(
        "Made from", "Image, ports, mounts and network of the container, as the engine has them.",
        [label("image", "Image"), label("image_id", "Image id"), label("image_digest", "Digest"),
         label("ports", "Ports"), label("mounts", "Mounts"), label("network_mode", "Network"),
         label("id", "Control group")],
        [column("Made", "dateTimeAsIso", f"max by (id, image) (weir_container_created_time_seconds{{{ONE}}}) * 1000")],
        shown=[f"max by ({told}) (weir_container_info{{{ONE}}})"], height=4))


def cpu():
    by_host = f"sum by (job, instance) ({rate('container_cpu_usage_seconds_total', ONE)})"
    return row(
        "CPU",
        series("CPU", "percent", "CPU time in percent of one CPU, in all and in user mode and the kernel, beside the "
               "quota where there is one.", (f"100 * {CORES}", "used"),
               (f"100 * sum({rate('container_cpu_user_seconds_total', ONE)})", "in user mode"),
               (f"100 * sum({rate('container_cpu_system_seconds_total', ONE)})", "in the kernel"),
               (f"100 * {QUOTA}", "quota"), width=8),
        series("CPU of the host", "percent", "CPU time in percent of all CPUs of the host.",
               (f"100 * {of_host(by_host)}", "used"), width=8),
        series("CPU of quota", "percentunit", "CPU time as a part of the quota. Only of a container that has one.",
               (f"{CORES} / {QUOTA}", "of quota"), levels=PART, width=8),
        series("Throttled periods", "percentunit", "Part of the quota's periods in which the quota was used up. Only "
               "of a container that has one.",
               (f"sum({rate('container_cpu_cfs_throttled_periods_total', ONE)}) / "
                f"sum({rate('container_cpu_cfs_periods_total', ONE)})", "throttled"),
               levels=((None, GREEN), (0.25, YELLOW), (0.5, RED))),
        series("Throttled time", "percentunit", "Seconds a second that tasks waited for quota, added up over its CPUs. "
               "Only of a container that has one.",
               (f"sum({rate('container_cpu_cfs_throttled_seconds_total', ONE)})", "throttled")))


def memory():
    return row(
        "Memory",
        series("Memory", "bytes", "The working set (what counts against the limit before anything is thrown away) "
               "beside the limit, with what it is made of: anonymous memory and file cache, which may be thrown away.",
               (largest("container_memory_working_set_bytes"), "working set"),
               (largest("container_memory_rss"), "anonymous (rss)"),
               (largest("container_memory_cache"), "file (cache)"),
               (largest("container_memory_usage_bytes"), "usage"), (LIMIT, "limit"), width=16),
        series("Memory of limit", "percentunit", "Working set as a part of the limit, of a container that has one.",
               (f"{largest('container_memory_working_set_bytes')} / {LIMIT}", "of limit"), levels=PART, width=8),
        series("Kinds of memory", "bytes", "Mapped files, file cache that is to be written, and swap; swap and the "
               "kernel's own memory only from the cgroup tier.",
               (largest("container_memory_mapped_file"), "mapped files"),
               (largest("container_memory_file_dirty_bytes"), "dirty"),
               (largest("container_memory_swap"), "swap"), (largest("container_memory_kernel_usage"), "kernel"),
               width=8),
        series("Page faults", "cps", "Faults a second; a major one waited for a disk.",
               (faults("pgfault"), "all"), (faults("pgmajfault"), "major"), width=8),
        series("Memory events", "none", "How often the limit was hit, and processes killed for want of memory. Other "
               "events are of cgroup v2 alone.",
               (f"sum({grown('container_memory_failcnt', ONE, '$__rate_interval')})", "limit hit"),
               (f"sum by (event) ({grown('weir_container_memory_events_total', ONE, '$__rate_interval')})",
                "{{event}}"),
               (f"sum({grown('container_oom_events_total', ONE, '$__rate_interval')})", "killed"), width=8,
               calcs=("max",)))


def waiting():
    def panel(title, resource, about):
        return series(title, "percentunit", f"Part of the time in which some tasks, or all of them at once, waited for "
                      f"{about}. Needs pressure stall information in the kernel (psi=1) and cgroup v2.",
                      (f"max({pressure('waiting', resource, ONE)})", "some waited"),
                      (f"max({pressure('stalled', resource, ONE)})", "all waited"), levels=STALL, width=8)

    return row("Pressure", panel("CPU pressure", "cpu", "a CPU"), panel("Memory pressure", "memory", "memory"),
               panel("I/O pressure", "io", "a disk"))


def pair(title, unit, about, label_name, *lines):
    """Two metrics of each interface or device, the second drawn below zero; lines are pairs (metric, word)."""
    (first, here), (second, there) = lines
    return series(title, unit, about,
                  (f"sum by ({label_name}) ({rate(first, ONE)})", f"{{{{{label_name}}}}} {here}"),
                  (f"sum by ({label_name}) ({rate(second, ONE)})", f"{{{{{label_name}}}}} {there}"), down=f"{there}$")


def traffic():
    net = "container_network"
    return row(
        "Network and disk",
        pair("Network", "Bps", "Bytes a second through each interface; sent bytes are drawn below zero. A container "
             "that shares the host's network or another container's has none of its own.", "interface",
             (f"{net}_receive_bytes_total", "received"), (f"{net}_transmit_bytes_total", "sent")),
        pair("Packets", "pps", "Packets a second through each interface; sent ones are drawn below zero.", "interface",
             (f"{net}_receive_packets_total", "received"), (f"{net}_transmit_packets_total", "sent")),
        pair("Packets dropped", "pps", "Packets a second dropped by each interface; those to be sent are drawn below "
             "zero.",
             "interface", (f"{net}_receive_packets_dropped_total", "received"),
             (f"{net}_transmit_packets_dropped_total", "sent")),
        pair("Network errors", "pps", "Errors a second of each interface; those of sending are drawn below zero. Only "
             "from the cgroup tier.", "interface", (f"{net}_receive_errors_total", "received"),
             (f"{net}_transmit_errors_total", "sent")),
        pair("Disk", "Bps", "Bytes a second from and to each block device; written ones are drawn below zero. What the "
             "page cache answers is not in it.", "device", ("container_fs_reads_bytes_total", "read"),
             ("container_fs_writes_bytes_total", "written")),
        pair("Disk operations", "iops", "Reads and writes a second of each block device; writes are drawn below zero. "
             "Only from the cgroup tier.", "device", ("container_fs_reads_total", "read"),
             ("container_fs_writes_total", "written")))


def life():
    return row(
        "Life",
        states("State", "What the container was doing.",
               f"max({numbered('weir_container_state', ONE, 'state', STATES)})",
               "state", STATE_WORDS, width=12, height=5),
        states("Health", "What the health check said; none: it has no check.",
               f"max({numbered('weir_container_health_state', ONE, 'state', HEALTH)})", "health", HEALTH_WORDS,
               width=12,
               height=5),
        series("Restarts", "none", "Restarts by the restart policy, and starts of any kind as far as a scrape saw "
               "them.",
               (f"sum({grown('weir_container_restarts_total', ONE, '$__rate_interval')})", "by policy"),
               (f"sum(changes(container_start_time_seconds{{{ONE}}}[$__rate_interval]))", "started"), width=8,
               calcs=("max",)),
        series("Tasks", "none", "Processes and threads, beside the limit where there is one.",
               (largest("container_threads"), "tasks"), (f"max(container_threads_max{{{ONE}}} > 0)", "limit"), width=8,
               decimals=0),
        series("Failed health checks", "none", "Health checks that failed since the last one that did not. Only of a "
               "container that has a check.", (largest("weir_container_health_failing_streak"), "failed"), width=8,
               decimals=0, levels=((None, GREEN), (1, YELLOW), (3, RED))))


def on_request():
    return row(
        "On request: groups of metrics that are off by default",
        series("Writable layer", "bytes", "Size of the writable layer, beside the file system that holds it. Needs "
               "--metrics.enable=disk.", (largest("container_fs_usage_bytes"), "used"),
               (largest("container_fs_limit_bytes"), "file system"), width=8),
        series("Open files", "none", "Descriptors its processes have open, sockets among them, and the limit of one "
               "process. Needs --metrics.enable=process and the right to read them all.",
               (largest("container_file_descriptors"), "descriptors"), (largest("container_sockets"), "sockets"),
               (f"max(container_ulimits_soft{{{ONE}}} >= 0)", "limit of one process"), width=8, decimals=0),
        series("Waiting for a CPU", "percentunit", "Seconds a second that its processes waited in the scheduler's "
               "queue, added up. Needs --metrics.enable=sched.",
               (f"sum({rate('container_cpu_schedstat_runqueue_seconds_total', ONE)})", "waited"), width=8),
        collapsed=True)


def made():
    variables = [
        variable("job", "Job", "label_values(weir_build_info, job)"),
        variable("instance", "Host", 'label_values(weir_build_info{job=~"$job"}, instance)', many=False),
        variable("name", "Container", f"label_values(weir_container_state{{{THIS_HOST}}}, name)", many=False),
    ]
    return board("weir-container", "weir / Container", "One container in depth.", variables,
                 [overview(), identity(), cpu(), memory(), waiting(), traffic(), life(), on_request()])
