"""The board "weir / Agent": what weir itself costs, what it read and could not read, and who asked it."""

from board_parts import (GREEN, RED, YELLOW, bars, board, column, label, row, series, stat, states, table, variable,
                         words)
from board_queries import ANY_FAILS, ANY_WARNS, HOSTS, NO_YES, YES_NO, grown, or_zero, rate

INSTANCE = "{{instance}}"
BY = "by (instance)"
ERRORS = grown("weir_collector_errors_total", HOSTS, "$__rate_interval")
UNNAMED = HOSTS + ',name="",image="",id=~".*[0-9a-f]{64}.*"'
ENGINE_WORDS = words((0, "away", RED), (1, "answers", GREEN))
SUCCESS_WORDS = words((0, "failed", RED), (1, "read all", GREEN))


def of(metric):
    return f"{metric}{{{HOSTS}}}"


def line(title, unit, about, metric, **more):
    """One line for each host of a metric that each has once."""
    return series(title, unit, about, (f"max {BY} ({of(metric)})", INSTANCE), **{"width": 8, **more})


def overview():
    return row(
        "Agent",
        stat("Up", "none", "Targets of the chosen jobs that answered their last scrape.",
             f"count(up{{{HOSTS}}} == 1) or vector(0)"),
        stat("Memory", "bytes", "The largest resident memory of an agent.",
             f"max({of('process_resident_memory_bytes')})", graph=True),
        stat("CPU", "percent", "The largest CPU time of an agent in percent of one CPU, without what the engine spends "
             "on its answers.", f"100 * max({rate('process_cpu_seconds_total', HOSTS)})", graph=True, decimals=2),
        stat("Round", "s", "The longest of the last rounds, from demand to seal.",
             f"max({of('weir_round_duration_seconds')})", graph=True),
        stat("Series", "none", "Samples of all last scrapes together.", f"sum({of('scrape_samples_scraped')})",
             graph=True),
        stat("Errors", "none", "What could not be read in the time shown, as many times as it was tried.",
             f"sum({grown('weir_collector_errors_total', HOSTS)}) or vector(0)", levels=ANY_WARNS, decimals=0),
        stat("Simulated", "none", "Whether an agent shows containers that do not exist.",
             f"max({of('weir_simulated')}) or vector(0)", mappings=NO_YES),
        stat("Configuration", "none", "Whether every agent could use its configuration when it last read it.",
             f"min({of('weir_config_last_reload_successful')})", mappings=YES_NO))


def versions():
    return row("Versions", table(
        "Agents", "What runs where: weir's version, kernel, operating system and engine as cAdvisor's metric names "
        "them, and how control groups are mounted.",
        [label("instance", "Host"), label("version", "weir"), label("revision", "Revision"),
         label("mode", "Control groups"), label("kernelVersion", "Kernel"), label("osVersion", "System"),
         label("dockerVersion", "Engine")],
        [column("Since", "dateTimeAsIso", f"max {BY} ({of('process_start_time_seconds')}) * 1000"),
         column("Configuration of", "dateTimeAsIso",
                f"max {BY} ({of('weir_config_last_reload_success_timestamp_seconds')}) * 1000")],
        shown=[f"max by (instance, version, revision) ({of('weir_build_info')})",
               f"max by (instance, mode) ({of('weir_cgroup_info')})",
               f"max by (instance, kernelVersion, osVersion, dockerVersion) ({of('cadvisor_version_info')})"],
        height=6))


def cost():
    return row(
        "What it costs",
        series("CPU", "percent", "CPU time of weir in percent of one CPU. What the engine spends on its answers is not "
               "in it.", (f"100 * max {BY} ({rate('process_cpu_seconds_total', HOSTS)})", INSTANCE), width=8),
        line("Resident memory", "bytes", "Resident memory of weir.", "process_resident_memory_bytes"),
        line("Virtual memory", "bytes", "Address space of weir.", "process_virtual_memory_bytes"),
        series("Open descriptors", "none", "Descriptors weir has open, beside the most it may have.",
               (f"max {BY} ({of('process_open_fds')})", INSTANCE),
               (f"max {BY} ({of('process_max_fds')})", "{{instance}} most"), width=8, decimals=0),
        line("Kernel files kept open", "none", "Files of control groups kept open between rounds, at most "
             "cgroup.max-fds.", "weir_cgroup_kept_files", decimals=0),
        line("Threads", "none", "Threads of weir.", "process_threads", decimals=0))


def rounds():
    return row(
        "Rounds and scrapes",
        series("Rounds", "cps", "Rounds of collection a second; scrapes ask for them.",
               (f"max {BY} ({rate('weir_rounds_total', HOSTS)})", INSTANCE), width=6),
        line("Duration of a round", "s", "From demand to seal, of the round that was scraped.",
             "weir_round_duration_seconds", width=6),
        line("Duration of a scrape", "s", "How long Prometheus waited for the answer.", "scrape_duration_seconds",
             width=6),
        line("Samples of a scrape", "none", "Samples in one answer.", "scrape_samples_scraped", width=6, decimals=0),
        series("Age of the numbers", "s", "How old the numbers were when the query was made; above twice the scrape "
               "interval scrapes fail.", (f"time() - max {BY} ({of('weir_snapshot_timestamp_seconds')})", INSTANCE),
               width=6),
        line("Containers not found", "none", "1 while the containers could not all be found.", "container_scrape_error",
             width=6, levels=ANY_FAILS),
        line("Machine not read", "none", "1 while CPUs and memory of the host could not be read.",
             "machine_scrape_error", width=6, levels=ANY_FAILS),
        series("CPU numbers refused", "none", "CPU percentages not given because they were above what the host's CPUs "
               "can do.",
               (f"max {BY} ({grown('weir_cpu_percent_out_of_range_total', HOSTS, '$__rate_interval')})", INSTANCE),
               width=6, calcs=("max",)))


def sources():
    return row(
        "Sources",
        states("Collectors", "Whether each collector read everything it should in the round.",
               f"max by (instance, collector) ({of('weir_collector_success')})", "{{instance}} {{collector}}",
               SUCCESS_WORDS, width=12, height=8),
        series("Errors by reason", "none", "What went wrong while collecting, as many times as it was tried.",
               (f"sum by (instance, collector, reason) ({ERRORS}) or on (instance) max {BY} ({of('up')} == 1) * 0",
                "{{instance}} {{collector}} {{reason}}"),
               calcs=("max",)),
        series("Containers by tier", "none", "Who gave the CPU numbers of each container.",
               (f"count by (tier) ({of('weir_container_tier')})", "{{tier}}"), stack=True, width=8, decimals=0),
        series("Missing values by group and reason", "none", "Running containers that lack a group of values, by "
               "reason. Some reasons are no failure: host_network, shared_network, no_pressure, accounting_off and the "
               "like.",
               (f"count by (group, reason) ({of('weir_container_absent')}) or on () vector(0)",
                "{{group}} {{reason}}"), width=8, decimals=0),
        series("Labels left out", "none", "Container labels left out since the start, by reason.",
               (f"sum by (instance, reason) ({of('weir_labels_dropped_total')})", "{{instance}} {{reason}}"), width=8,
               decimals=0),
        series("Containers without a name", "none", "Containers that weir sees and cannot name; boards and rules by "
               "name miss them.",
               (or_zero(f"count {BY} (weir_container_state{{{UNNAMED}}} == 1)", by=BY), INSTANCE), width=8, decimals=0),
        line("Last-seen times given up", "none", "Ended containers whose container_last_seen was given up early since "
             "the start, because too many had ended.", "weir_lingering_dropped_total", decimals=0),
        bars("Hosts' containers", "none", "Containers of each host that have CPU numbers.",
             f"count {BY} (weir_container_tier{{{HOSTS},id!=\"/\"}})", INSTANCE, width=8))


def engines():
    states_of = "{{instance}} {{engine}} {{state}}"
    return row(
        "Engines",
        states("Engine", "Whether each engine answered what a round asked of it.",
               f"max by (instance, engine) ({of('weir_engine_up')})", "{{instance}} {{engine}}", ENGINE_WORDS, width=12,
               height=6),
        table("Engines", "What each engine said of itself.",
              [label("instance", "Host"), label("engine", "Engine"), label("product", "Product"),
               label("version", "Version"), label("api_version", "API"), label("cgroup_version", "Control groups")],
              [column("Answers", "none", f"max by (instance, engine) ({of('weir_engine_up')})", mappings=ENGINE_WORDS)],
              shown=["max by (instance, engine, product, version, api_version, cgroup_version) "
                     f"({of('weir_engine_info')})"],
              width=12, height=6),
        series("Containers", "none", "Containers each engine knows, by state.",
               (f"sum by (instance, engine, state) ({of('weir_engine_containers')})", states_of), stack=True, width=8,
               decimals=0),
        series("Images", "none", "Images each engine has, and those of them without a name.",
               (f"sum by (instance, engine) ({of('weir_engine_images')})", "{{instance}} {{engine}}"),
               (f"sum by (instance, engine) ({of('weir_engine_images_dangling')})",
                "{{instance}} {{engine}} without a name"), width=8, decimals=0),
        series("Volumes and networks", "none", "Volumes each engine has, those that no container uses, and networks.",
               (f"sum by (instance, engine) ({of('weir_engine_volumes')})", "{{instance}} {{engine}} volumes"),
               (f"sum by (instance, engine) ({of('weir_engine_volumes_unused')})",
                "{{instance}} {{engine}} unused volumes"),
               (f"sum by (instance, engine) ({of('weir_engine_networks')})", "{{instance}} {{engine}} networks"),
               width=8, decimals=0),
        series("Events", "cps", "Events a second that engines told of, by kind and action.",
               (f"sum by (type, action) ({rate('weir_engine_events_total', HOSTS)})", "{{type}} {{action}}"), width=24))


def endpoint():
    return row(
        "Endpoint",
        series("Requests", "reqps", "Requests a second that were answered, by status.",
               (f"sum by (code) ({rate('weir_http_requests_total', HOSTS)}) > 0", "{{code}}"), width=6),
        series("Refused", "cps", "Connections a second turned away or cut off by a limit, by reason.",
               (f"sum by (reason) ({rate('weir_http_refused_total', HOSTS)})", "{{reason}}"), width=6),
        line("Connections", "none", "Connections open, the one of the scrape too.", "weir_http_connections", width=6,
             decimals=0),
        line("Answers not taken yet", "bytes", "Memory held for answers that their readers have not taken.",
             "weir_http_pinned_bytes", width=6))


def configuration():
    return row("Configuration", states(
        "Configuration", "Whether the configuration could be used when it was last read.",
        f"max {BY} ({of('weir_config_last_reload_successful')})", INSTANCE, YES_NO, height=6))


def push():
    """Folded, because most hosts are scraped alone."""
    needs = "Needs push.url, or destinations in the file."
    by, legend = "by (instance, destination)", "{{instance}} {{destination}}"

    def gauge(title, unit, about, metric):
        return series(title, unit, f"{about} {needs}", (f"max {by} ({of(metric)})", legend), width=6)

    def samples(metric):
        return f"max {by} ({rate(f'weir_push_samples_{metric}_total', HOSTS)})"

    return row(
        "Push",
        series("Samples queued and sent", "cps", "Samples a second that were put into each destination's queue, that "
               f"its receiver took, and that were sent once more. {needs}",
               (samples("queued"), legend + " queued"), (samples("sent"), legend + " sent"),
               (samples("retried"), legend + " retried")),
        series("Samples dropped", "none", f"Samples given up, by reason; docs/PUSH.md says what each means. {needs}",
               (f"sum by (instance, destination, reason) "
                f"({grown('weir_push_samples_dropped_total', HOSTS, '$__rate_interval')})", legend + " {{reason}}"),
               calcs=("max",), levels=ANY_WARNS),
        series("Queue", "bytes", "Size of each queue, and the size at which its oldest rounds are dropped. " + needs,
               (f"max {by} ({of('weir_push_queue_bytes')})", legend),
               (f"max {by} ({of('weir_push_queue_max_bytes')})", legend + " most"), width=6),
        gauge("Oldest that waits", "s", "Age of the oldest round that its receiver has not taken.",
              "weir_push_queue_oldest_age_seconds"),
        gauge("Samples that wait", "none", "Samples that wait for an answer.", "weir_push_queue_samples"),
        series("Since the last success", "s", f"Time since each receiver last took something. {needs}",
               (f"time() - max {by} ({of('weir_push_last_success_timestamp_seconds')})", legend), width=6),
        series("Answers", "reqps", f"Requests a second by status code of the answer; none: no answer came. {needs}",
               (f"sum by (instance, destination, code) ({rate('weir_push_responses_total', HOSTS)})",
                legend + " {{code}}")),
        series("Duration of a request", "s", f"From the begin of a request to its answer, on average. {needs}",
               (f"sum {by} ({rate('weir_push_request_duration_seconds_total', HOSTS)}) "
                f"/ (sum {by} ({rate('weir_push_responses_total', HOSTS)}) > 0)", legend)),
        collapsed=True)


def on_request():
    return row(
        "On request: what is off by default",
        states("Web configuration", "Whether the file of web.config.file could be used when it was last looked at.",
               f"max {BY} ({of('weir_web_config_last_read_successful')})", INSTANCE, YES_NO, height=6),
        series("Disk usage", "bytes", "Disk space by kind, as each engine counts it. Needs engine.df-interval.",
               (f"sum by (instance, engine, type) ({of('weir_engine_disk_usage_bytes')})",
                "{{instance}} {{engine}} {{type}}"), stack=True),
        series("Age of the disk usage", "s", "Time since an engine counted it. Needs engine.df-interval.",
               (f"time() - max by (instance, engine) ({of('weir_engine_disk_usage_timestamp_seconds')})",
                "{{instance}} {{engine}}"), levels=((None, GREEN), (90000, YELLOW))), collapsed=True)


def made():
    variables = [
        variable("job", "Job", "label_values(weir_build_info, job)"),
        variable("instance", "Host", 'label_values(weir_build_info{job=~"$job"}, instance)'),
    ]
    return board("weir-agent", "weir / Agent", "What weir itself costs, what it read and could not read, and who "
                 "asked it.", variables, [overview(), versions(), cost(), rounds(), sources(), engines(), endpoint(),
                                          configuration(), push(), on_request()])
