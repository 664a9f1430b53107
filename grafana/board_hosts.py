"""The board "weir / Hosts": the fleet, one line for each host."""

from board_parts import (GREEN, RED, YELLOW, bars, board, column, label, link, row, series, stat, table, variable,
                         words)
from board_queries import (ANY_FAILS, ANY_WARNS, HOSTS, NAMED, PERCENT, ROOT, STALL, grown, of_host, or_zero, pressure,
                           rate)

BY = "by (job, instance)"
TO_CONTAINERS = "/d/weir-containers?var-datasource=${datasource}&var-job=%s&var-instance=%s&${__url_time_range}"
HOST_LINK = link("Containers of this host", TO_CONTAINERS % ("${__field.labels.job}", "${__field.labels.instance}"))
UP_WORDS = words((0, "down", RED), (1, "up", GREEN))
# What carries containers' traffic once more, beside what the agent leaves out already (veth, docker, nerdctl).
WIRES = ROOT + ',interface!~"br-.*|cni.*|flannel.*|ifb.*|podman.*|virbr.*"'
CPU_CORES = f"sum {BY} ({rate('container_cpu_usage_seconds_total', ROOT)})"
CONTAINERS_CORES = f"sum {BY} ({rate('container_cpu_usage_seconds_total', NAMED)})"
CPU_PERCENT = f"100 * {of_host(CPU_CORES)}"
CORES = f"max {BY} (machine_cpu_cores{{{HOSTS}}})"
MEMORY_TOTAL = f"max {BY} (machine_memory_bytes{{{HOSTS}}})"
MEMORY_PERCENT = f"100 * max {BY} (container_memory_working_set_bytes{{{ROOT}}}) / {MEMORY_TOTAL}"
RECEIVED = f"sum {BY} ({rate('container_network_receive_bytes_total', WIRES)})"
SENT = f"sum {BY} ({rate('container_network_transmit_bytes_total', WIRES)})"


def in_state(states):
    return or_zero(f'count {BY} (weir_container_state{{{NAMED},state=~"{states}"}} == 1)')


def with_label(expr, resource):
    return f'label_replace({expr}, "resource", "{resource}", "", "")'


WORST_PRESSURE = (f"max {BY} (" + " or ".join(
    with_label(pressure("waiting", resource, ROOT), resource) for resource in ("cpu", "memory", "io")) + ")")
UNHEALTHY = or_zero(f'count {BY} (weir_container_health_state{{{NAMED},state="unhealthy"}} == 1)')
OOM_KILLS = or_zero(f"sum {BY} ({grown('container_oom_events_total', NAMED)})")
RESTARTS = or_zero(f"sum {BY} ({grown('weir_container_restarts_total', NAMED)})")
ERRORS = or_zero(f"sum {BY} ({grown('weir_collector_errors_total', HOSTS)})")


def by_tier(tier):
    return or_zero(f'count {BY} (weir_container_tier{{{NAMED},tier="{tier}"}})')


def overview():
    return row(
        "Fleet",
        stat("Hosts up", "none", "Targets of the chosen jobs that answered their last scrape.",
             f"count(up{{{HOSTS}}} == 1) or vector(0)"),
        stat("Hosts down", "none", "Targets of the chosen jobs that did not answer their last scrape.",
             f"count(up{{{HOSTS}}} == 0) or vector(0)", levels=ANY_FAILS),
        stat("Running", "none", "Containers that run, paused ones not among them.",
             f'count(weir_container_state{{{NAMED},state="running"}} == 1) or vector(0)', graph=True),
        stat("Not running", "none", "Containers that exist and do not run, whatever the reason. One that has ended is "
             "counted for container.keep-stopped (1 h), so this is not a count of failures.",
             f'count(weir_container_state{{{NAMED},state!~"running|paused|removed"}} == 1) or vector(0)', graph=True),
        stat("Unhealthy", "none", "Running containers whose health check fails.",
             f'count(weir_container_health_state{{{NAMED},state="unhealthy"}} == 1) or vector(0)', levels=ANY_FAILS),
        stat("OOM kills", "none", "Processes of containers killed for want of memory, in the time shown.",
             f"sum({grown('container_oom_events_total', NAMED)}) or vector(0)", levels=ANY_FAILS, decimals=0),
        stat("Restarts", "none", "Restarts by restart policies, in the time shown.",
             f"sum({grown('weir_container_restarts_total', NAMED)}) or vector(0)", levels=ANY_WARNS, decimals=0),
        stat("Alerts", "none", "Alerts of grafana/rules that fire now; 0 too where Prometheus has not loaded them.",
             f'count(ALERTS{{{HOSTS},alertname=~"(Container|Weir).*",alertstate="firing"}}) or vector(0)',
             levels=ANY_FAILS))


def fleet_table():
    url = TO_CONTAINERS % ("${__data.fields.Job}", "${__data.fields.Host}")
    return row("Hosts", table(
        "Hosts", "One line for each target of the chosen jobs; a click on a host leads to its containers. CPU, memory, "
        "network and pressure are the whole host's, as the cgroup tier reads them.",
        [label("instance", "Host", url=url, link="Containers of this host", width=190), label("job", "Job"),
         label("version", "weir")],
        [column("Up", "none", f"max {BY} (up{{{HOSTS}}})", mappings=UP_WORDS),
         column("Running", "none", in_state("running|paused")),
         column("Not running", "none", in_state("created|restarting|removing|exited|dead")),
         column("Unhealthy", "none", UNHEALTHY, levels=ANY_FAILS),
         column("OOM kills", "none", OOM_KILLS, levels=ANY_FAILS, decimals=0),
         column("Restarts", "none", RESTARTS, levels=ANY_WARNS, decimals=0),
         column("Cores", "none", CORES),
         column("CPU", "percent", CPU_PERCENT, levels=PERCENT, decimals=1),
         column("Memory", "bytes", MEMORY_TOTAL),
         column("Memory used", "percent", MEMORY_PERCENT, levels=PERCENT, decimals=1),
         column("Received", "Bps", RECEIVED), column("Sent", "Bps", SENT),
         column("Pressure", "percentunit", WORST_PRESSURE, levels=STALL, decimals=1),
         column("By engine", "none", by_tier("engine")), column("By cgroup", "none", by_tier("cgroup")),
         column("Errors", "none", ERRORS, levels=ANY_WARNS, decimals=0)],
        shown=[f"max by (job, instance, version) (weir_build_info{{{HOSTS}}})"]))


def use():
    links = [HOST_LINK]
    return row(
        "Use",
        series("CPU", "percent", "CPU time of the whole host in percent of all its CPUs (machine_cpu_cores).",
               (CPU_PERCENT, "{{instance}}"), links=links, levels=PERCENT, width=8),
        series("CPU cores used", "short", "CPU time of the whole host in cores, beside the cores it has.",
               (CPU_CORES, "{{instance}}"), (CORES, "{{instance}} has"), links=links, width=8),
        series("CPU of containers", "percent", "CPU time of all named containers together, in percent of all CPUs of "
               "their host.", (f"100 * {of_host(CONTAINERS_CORES)}", "{{instance}}"), links=links, width=8),
        series("Memory", "percent", "Working set of the whole host in percent of its memory: what is used, less file "
               "cache that has not been touched lately.", (MEMORY_PERCENT, "{{instance}}"), links=links, levels=PERCENT,
               width=8),
        series("Memory used", "bytes", "Working set of the whole host.",
               (f"max {BY} (container_memory_working_set_bytes{{{ROOT}}})", "{{instance}}"), links=links, width=8),
        series("Memory of containers", "bytes", "Working sets of all named containers together.",
               (f"sum {BY} (container_memory_working_set_bytes{{{NAMED}}})", "{{instance}}"), links=links, width=8),
        series("Network", "Bps", "Bytes a second through the host's interfaces, bridges of engines left out; sent "
               "bytes are drawn below zero. An interface above others, such as a bond, counts them once more.",
               (RECEIVED, "{{instance}} received"), (SENT, "{{instance}} sent"), down="sent$", links=links, width=12),
        series("Disk", "Bps", "Bytes a second from and to the host's disks, whoever asked; written bytes are drawn "
               "below zero.",
               (f"sum {BY} ({rate('container_fs_reads_bytes_total', ROOT)})", "{{instance}} read"),
               (f"sum {BY} ({rate('container_fs_writes_bytes_total', ROOT)})", "{{instance}} written"),
               down="written$", links=links, width=12))


def waiting():
    def panel(title, resource, about):
        return series(title, "percentunit", f"Part of the time in which some task of the host waited for {about}. "
                      "Needs pressure stall information in the kernel (psi=1).",
                      (f"max {BY} ({pressure('waiting', resource, ROOT)})", "{{instance}}"), levels=STALL, width=8,
                      links=[HOST_LINK])

    return row("Pressure", panel("CPU pressure", "cpu", "a CPU"), panel("Memory pressure", "memory", "memory"),
               panel("I/O pressure", "io", "a disk"))


def life():
    links = [HOST_LINK]
    return row(
        "Containers",
        series("Containers by state", "none", "Containers of all chosen hosts by state. Those that ended are shown for "
               "container.keep-stopped (1 h), removed ones for some minutes.",
               (f"count by (state) (weir_container_state{{{NAMED}}} == 1)", "{{state}}"), stack=True, decimals=0),
        series("Containers by tier", "none", "Who gave the CPU numbers of each container: the engine, or the kernel's "
               "control groups.", (f"count by (tier) (weir_container_tier{{{NAMED}}})", "{{tier}}"), stack=True,
               decimals=0),
        series("Unhealthy", "none", "Running containers whose health check fails.", (UNHEALTHY, "{{instance}}"),
               links=links, decimals=0, width=6),
        series("OOM kills", "none", "Processes of containers killed for want of memory.",
               (or_zero(f"sum {BY} ({grown('container_oom_events_total', NAMED, '$__rate_interval')})"),
                "{{instance}}"), links=links, width=6, calcs=("max",)),
        series("Restarts", "none", "Restarts by restart policies.",
               (or_zero(f"sum {BY} ({grown('weir_container_restarts_total', NAMED, '$__rate_interval')})"),
                "{{instance}}"), links=links, width=6, calcs=("max",)),
        series("Collection errors", "none", "What weir could not read, as many times as it tried.",
               (or_zero(f"sum {BY} ({grown('weir_collector_errors_total', HOSTS, '$__rate_interval')})"),
                "{{instance}}"), links=links, width=6, calcs=("max",)),
        bars("Largest containers", "bytes", "The ten containers with the largest working sets.",
             f"topk(10, max by (instance, name) (container_memory_working_set_bytes{{{NAMED}}}))",
             "{{instance}} {{name}}", levels=((None, GREEN),)),
        bars("Busiest containers", "percent", "The ten containers that use most CPU, in percent of one CPU.",
             f"topk(10, 100 * sum by (instance, name) ({rate('container_cpu_usage_seconds_total', NAMED)}))",
             "{{instance}} {{name}}", levels=((None, GREEN), (80, YELLOW))))


def made():
    variables = [
        variable("job", "Job", "label_values(weir_build_info, job)"),
        variable("instance", "Host", 'label_values(weir_build_info{job=~"$job"}, instance)'),
    ]
    return board("weir-hosts", "weir / Hosts", "All hosts that weir measures: what they use, how their containers are, "
                 "and what could not be read.", variables, [overview(), fleet_table(), use(), waiting(), life()])
