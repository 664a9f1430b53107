"""Every alert of grafana/rules fires where it should and nowhere else, as promtool judges.

A scenario is what weir exposes in the half hour before one moment, and every alert that fires at that moment: of all
others promtool is told that none may. `near` names the alert that a scenario comes close to without it.
"""

import copy
import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RULES = os.path.join(TOP, "grafana", "rules", "weir.rules.yaml")
LIMIT_S = 60
STEP_S = 30
NOW_S = 30 * 60  # the moment, after the first sample; time() at the first is 0
SAMPLES = NOW_S // STEP_S + 1
TARGET = {"job": "weir", "instance": "a:10142"}
MEBI = 1 << 20


def labels_of(name, number, **more):
    return {**TARGET, "id": f"/docker/{str(number) * 64}", "image": "shop/web:1.4", "name": name,
            "container_label_com_docker_compose_project": "shop",
            "container_label_com_docker_compose_service": "web", **more}


WEB, JOB, OLD = labels_of("shop-web-1", 1), labels_of("shop-job-1", 2), labels_of("shop-web-1", 3)
MIMIR = {**TARGET, "destination": "mimir"}

# -- values over time, in promtool's notation ------------------------------------------------------------------------


def steady(value, seconds=NOW_S):
    return f"{value}+0x{seconds // STEP_S}"


def rising(per_second, first=0):
    return f"{first}+{per_second * STEP_S}x{SAMPLES}"


def clock(seconds=NOW_S):
    return f"0+{STEP_S}x{seconds // STEP_S}"


def then(*parts):
    """One after the other; a number is so many seconds without the series."""
    return " ".join(f"_x{part // STEP_S}" if isinstance(part, int) else part for part in parts)


def ended(before, seconds):
    """What ended so many seconds before now: with the mark of a series that is gone."""
    return f"{before} stale _x{seconds // STEP_S}"


# -- worlds: what weir exposes, series -> values ---------------------------------------------------------------------


def series(metric, labels):
    text = ",".join(f'{key}="{value}"' for key, value in sorted(labels.items()))
    return f"{metric}{{{text}}}"


class World:
    def __init__(self):
        self.series = {}

    def set(self, metric, labels, values):
        self.series[series(metric, labels)] = values
        return self

    def drop(self, labels, seconds, keep=()):
        """The container's resources end so many seconds before now."""
        for name, values in list(self.series.items()):
            if f'id="{labels["id"]}"' in name and not name.startswith(tuple(keep)):
                del self.series[name]
        return self.set("container_last_seen", labels,
                        f"{clock(NOW_S - seconds)} {steady(NOW_S - seconds, seconds)}")

    def ended_with(self, labels, code, seconds=300, state="exited", killed=0):
        """The container was running, and ended so many seconds before now."""
        before = NOW_S - seconds
        self.drop(labels, seconds)
        self.set("weir_container_state", {**labels, "state": "running"}, ended(steady(1, before - STEP_S), seconds))
        self.set("weir_container_state", {**labels, "state": state}, then(before, steady(1, seconds)))
        self.set("weir_container_exit_code", labels, then(before, steady(code, seconds)))
        self.set("weir_container_oom_killed", labels, then(steady(0, before - STEP_S), steady(killed, seconds)))
        self.set("weir_container_finished_time_seconds", labels, then(before, steady(before, seconds)))
        self.set("weir_container_created_time_seconds", labels, steady(-7200))
        return self.set("weir_container_restarts_total", labels, steady(0))


def running(world, labels):
    """A container that is well and below its limits."""
    world.set("container_last_seen", labels, clock())
    world.set("container_start_time_seconds", labels, steady(-3600))
    world.set("weir_container_created_time_seconds", labels, steady(-7200))
    world.set("weir_container_state", {**labels, "state": "running"}, steady(1))
    world.set("weir_container_health_state", {**labels, "state": "healthy"}, steady(1))
    world.set("weir_container_restarts_total", labels, steady(1))
    world.set("weir_container_oom_killed", labels, steady(0))
    world.set("container_oom_events_total", labels, steady(3))
    world.set("container_memory_working_set_bytes", labels, steady(100 * MEBI))
    world.set("container_spec_memory_limit_bytes", labels, steady(256 * MEBI))
    world.set("container_cpu_cfs_periods_total", labels, rising(10))
    world.set("container_cpu_cfs_throttled_periods_total", labels, rising(1))
    world.set("container_threads", labels, steady(20))
    world.set("container_threads_max", labels, steady(100))
    world.set("weir_container_pids_limit_hits_total", labels, steady(2))
    for resource in ("cpu", "memory", "io"):
        world.set(f"container_pressure_{resource}_waiting_seconds_total", labels, rising(0.01))
    return world


def pushed(world, age=5, part=0.1, success=clock()):
    """A destination whose oldest sample is so old, and whose queue is so full."""
    world.set("weir_push_queue_oldest_age_seconds", MIMIR, steady(age) if isinstance(age, int) else age)
    world.set("weir_push_last_success_timestamp_seconds", MIMIR, success)
    world.set("weir_push_queue_bytes", MIMIR, steady(round(256 * MEBI * part)))
    world.set("weir_push_queue_max_bytes", MIMIR, steady(256 * MEBI))
    return world.set("weir_push_samples_dropped_total", {**MIMIR, "reason": "refused"}, steady(7))


def host(world):
    """weir, its engine and the host, which are well."""
    root = {**TARGET, "id": "/"}
    world.set("up", TARGET, steady(1))
    world.set("weir_build_info", {**TARGET, "version": "1", "revision": "r", "compiler": "c"}, steady(1))
    world.set("weir_engine_up", {**TARGET, "engine": "unix:///run/docker.sock"}, steady(1))
    for collector in ("engine", "cgroup"):
        world.set("weir_collector_success", {**TARGET, "collector": collector}, steady(1))
    world.set("weir_config_last_reload_successful", TARGET, steady(1))
    world.set("weir_web_config_last_read_successful", TARGET, steady(1))
    world.set("weir_container_absent", {**WEB, "group": "network", "reason": "host_network"}, steady(1))
    pushed(world)
    # The host's own rows meet every threshold and have no name: no alert is about them.
    world.set("weir_container_state", {**root, "state": "running"}, steady(1))
    world.set("container_memory_working_set_bytes", root, steady(99))
    world.set("container_spec_memory_limit_bytes", root, steady(100))
    world.set("container_oom_events_total", root, rising(1))
    world.set("container_pressure_cpu_waiting_seconds_total", root, rising(0.9))
    return world


WELL = running(host(World()), WEB)


def well():
    return copy.deepcopy(WELL)


# -- scenarios -------------------------------------------------------------------------------------------------------


@dataclasses.dataclass
class Fires:
    alert: str
    labels: dict  # all of them but the alert's name
    summary: str
    description: str


@dataclasses.dataclass
class Scenario:
    name: str
    world: World
    fires: list
    near: str = ""


def container(alert, labels, summary, description, severity="warning", **more):
    """Texts with the container's name, image and host put in."""
    words = {"who": f"{labels['name']} on {labels['instance']}",
             "what": f"{labels['name']} ({labels['image']}) on {labels['instance']}"}
    return Fires(alert, {**labels, "severity": severity, **more}, summary.format(**words), description.format(**words))


def down(labels, said="has been exited", **more):
    return container("ContainerDown", labels, "Container {who} is down",
                     f"Container {{what}} {said} for more than a minute, and it did not end with 0.", "critical",
                     **more)


def failed(labels, code):
    return container("ContainerExitedWithError", labels, f"Container {{who}} ended with {code}",
                     f"Container {{what}} ended with exit code {code}.")


def out_of_memory(labels):
    return container("ContainerOomKilled", labels, "Container {who} ran out of memory",
                     "The kernel killed a process of container {what} for want of memory within the last 10 minutes.")


def restarting(labels, times):
    return container("ContainerRestarting", labels, "Container {who} restarts again and again",
                     f"Container {{what}} was started about {times} times within 15 minutes.")


def waits(resource, about, part, minutes, severity="warning"):
    said = "I/O" if resource == "io" else about
    return container("ContainerPressure", WEB, f"Container {{who}} waits for {about}",
                     f"Tasks of container {{what}} have been waiting for {said} {part} of the time, for {minutes} "
                     "minutes.",
                     severity, resource=resource)


def degraded(problem, summary, description, severity="warning", **more):
    return Fires("WeirDegraded", {**TARGET, "severity": severity, "problem": problem, **more}, summary, description)


def weir_down(**target):
    labels = {**TARGET, **target, "severity": "critical"}
    return Fires("WeirDown", labels, f"weir on {labels['instance']} cannot be scraped",
                 f"Prometheus (job {labels['job']}) has had no answer from weir on {labels['instance']} for 2 minutes: "
                 "nothing is known of its containers, and their alerts are silent.")


def scenarios_of_ends():
    without_engine = well().drop(WEB, 150)
    replaced = running(well().ended_with(OLD, 143, state="exited"), WEB)
    removed = well().ended_with(WEB, 137, state="removed")
    task = {**JOB, "container_label_com_docker_swarm_task_name": "web.1.x"}
    loop = well().ended_with(JOB, 1, seconds=90, state="restarting")
    return [
        Scenario("stopped by docker stop", well().ended_with(WEB, 143), [down(WEB, state="exited")],
                 near="ContainerExitedWithError"),
        Scenario("killed by docker kill", well().ended_with(WEB, 137), [down(WEB, state="exited")],
                 near="ContainerOomKilled"),
        Scenario("ended by Ctrl-C", well().ended_with(WEB, 130), [down(WEB, state="exited")],
                 near="ContainerExitedWithError"),
        Scenario("dead", well().ended_with(WEB, 255, state="dead"),
                 [down(WEB, "has been dead", state="dead"), failed(WEB, 255)]),
        Scenario("crashed", well().ended_with(WEB, 139), [down(WEB, state="exited"), failed(WEB, 139)]),
        Scenario("crashed a moment ago", well().ended_with(WEB, 1, seconds=STEP_S), [failed(WEB, 1)],
                 near="ContainerDown"),
        Scenario("crashed just now", well().ended_with(WEB, 1, seconds=0), [], near="ContainerExitedWithError"),
        Scenario("replaced by another of its name, after an error", running(well().ended_with(
            OLD, 1, state="removed"), WEB), [], near="ContainerExitedWithError"),
        Scenario("a batch job that went well", well().ended_with(JOB, 0), [], near="ContainerDown"),
        Scenario("gone, and nobody to say how", without_engine, [down(WEB, "has not been seen")]),
        Scenario("gone two minutes ago", well().drop(WEB, 120), [], near="ContainerDown"),
        Scenario("gone without a name", World().drop({**TARGET, "id": "/docker/" + 64 * "4"}, 150), [],
                 near="ContainerDown"),
        Scenario("an old task of Swarm, and nobody to say how", well().drop(task, 150), [], near="ContainerDown"),
        Scenario("replaced by another of its name", replaced, [], near="ContainerDown"),
        Scenario("removed by docker rm -f", removed, [], near="ContainerDown"),
        Scenario("docker run --rm that failed", well().ended_with(JOB, 2, state="removed"), [failed(JOB, 2)]),
        Scenario("an old task of Swarm", well().ended_with(task, 143), [], near="ContainerDown"),
        Scenario("between two runs of its restart policy", loop, [], near="ContainerExitedWithError"),
        Scenario("could not be started", well().drop(JOB, NOW_S)
                 .set("weir_container_state", {**JOB, "state": "created"}, steady(1))
                 .set("weir_container_exit_code", JOB, steady(127)), [failed(JOB, 127)]),
        Scenario("ended for want of memory", well().ended_with(WEB, 137, killed=1),
                 [down(WEB, state="exited"), failed(WEB, 137), out_of_memory(WEB)]),
        Scenario("ended for want of memory long ago", well().ended_with(WEB, 137, killed=1, seconds=900),
                 [down(WEB, state="exited"), failed(WEB, 137)], near="ContainerOomKilled"),
    ]


def scenarios_of_life():
    half, before = NOW_S // 2, NOW_S - 600
    starts = " ".join(str(when) for when in range(SAMPLES))
    few = then(steady(-3600, before - STEP_S), "10", steady(20, 600 - STEP_S))
    return [
        Scenario("a process killed for want of memory", well().set(
            "container_oom_events_total", WEB, then(steady(3, NOW_S - 300 - STEP_S), steady(4, 300))),
            [out_of_memory(WEB)]),
        Scenario("killed before a scrape saw it alive", well()
                 .set("container_oom_events_total", WEB, then(NOW_S - 60, steady(1, 60)))
                 .set("weir_container_created_time_seconds", WEB, steady(NOW_S - 70)), [out_of_memory(WEB)]),
        Scenario("killed before Prometheus came back", well().set(
            "container_oom_events_total", WEB, then(NOW_S - 60, steady(5, 60))), [], near="ContainerOomKilled"),
        Scenario("restarted by its policy every minute", well().set(
            "weir_container_restarts_total", WEB, rising(1 / 60)), [restarting(WEB, 15)]),
        Scenario("restarted again and again, and no engine counts", well().set(
            "container_start_time_seconds", WEB, starts), [restarting(WEB, 30)]),
        Scenario("restarted twice by hand", well().set("container_start_time_seconds", WEB, few)
                 .set("weir_container_restarts_total", WEB, steady(0)), [], near="ContainerRestarting"),
        Scenario("its count of restarts set back by a start", well().set(
            "weir_container_restarts_total", WEB, then(steady(9, half), steady(0, half - STEP_S))), [],
            near="ContainerRestarting"),
        Scenario("unhealthy", unhealthy(300), [container(
            "ContainerUnhealthy", WEB, "Container {who} is unhealthy",
            "The health check of container {what} has been failing for more than a minute beyond its retries.",
            state="unhealthy")]),
        Scenario("unhealthy a moment ago", unhealthy(STEP_S), [], near="ContainerUnhealthy"),
        Scenario("its health check has not spoken yet", unhealthy(300, "starting"), [], near="ContainerUnhealthy"),
    ]


def unhealthy(seconds, state="unhealthy"):
    before = NOW_S - seconds
    return (well().set("weir_container_health_state", {**WEB, "state": "healthy"},
                       ended(steady(1, before - STEP_S), seconds))
            .set("weir_container_health_state", {**WEB, "state": state}, then(before, steady(1, seconds))))


def scenarios_of_limits():
    near_limit = container("ContainerNearMemoryLimit", WEB, "Container {who} is near its memory limit",
                           "The working set of container {what} has been above 90 % of its memory limit for 5 minutes; "
                           "it is 93.75%.")
    tasks = container("ContainerPidsNearLimit", WEB, "Container {who} is near its limit of tasks",
                      "Container {what} has more than 90 % of the processes and threads it may have, or was refused "
                      "one.")
    throttled = container("ContainerThrottled", WEB, "Container {who} is throttled",
                          "Container {what} used up its CPU quota in 50% of the periods in which it ran, for 15 "
                          "minutes.",
                          "info")
    full, used = steady(240 * MEBI), "container_memory_working_set_bytes"
    throttling, hits = "container_cpu_cfs_throttled_periods_total", "weir_container_pids_limit_hits_total"
    return [
        Scenario("near its memory limit", well().set(used, WEB, full), [near_limit]),
        Scenario("a third below its memory limit", well().set(used, WEB, steady(230 * MEBI)), [],
                 near="ContainerNearMemoryLimit"),
        Scenario("without a memory limit", well().set(used, WEB, full)
                 .set("container_spec_memory_limit_bytes", WEB, steady(0)), [], near="ContainerNearMemoryLimit"),
        Scenario("near its memory limit for a moment", well().set(
            used, WEB, then(steady(MEBI, NOW_S - 120 - STEP_S), steady(240 * MEBI, 120))), [],
            near="ContainerNearMemoryLimit"),
        Scenario("throttled", well().set(throttling, WEB, rising(5)), [throttled]),
        Scenario("throttled a little", well().set(throttling, WEB, rising(2)), [], near="ContainerThrottled"),
        Scenario("idle, with a quota", well().set(throttling, WEB, steady(5))
                 .set("container_cpu_cfs_periods_total", WEB, steady(10)), [], near="ContainerThrottled"),
        Scenario("near its limit of tasks", well().set("container_threads", WEB, steady(95)), [tasks]),
        Scenario("refused a task", well().set(hits, WEB, then(steady(2, NOW_S - 240), steady(3, 240 - STEP_S))),
                 [tasks]),
        Scenario("no limit of tasks", well().set("container_threads", WEB, steady(5000))
                 .set("container_threads_max", WEB, steady(0)), [], near="ContainerPidsNearLimit"),
        Scenario("at nine tenths of its tasks", well().set("container_threads", WEB, steady(90)), [],
                 near="ContainerPidsNearLimit"),
    ]


def scenarios_of_pressure():
    def of(resource, part):
        return well().set(f"container_pressure_{resource}_waiting_seconds_total", WEB, rising(part))

    return [
        Scenario("waits for memory", of("memory", 0.2), [waits("memory", "memory", "20%", 10)]),
        Scenario("waits for disks", of("io", 0.6), [waits("io", "disks", "60%", 15)]),
        Scenario("waits for a CPU", of("cpu", 0.8), [waits("cpu", "a CPU", "80%", 15, "info")]),
        Scenario("waits a little for memory", of("memory", 0.08), [], near="ContainerPressure"),
        Scenario("waits a little for disks", of("io", 0.4), [], near="ContainerPressure"),
        Scenario("waits a little for a CPU", of("cpu", 0.4), [], near="ContainerPressure"),
    ]


def scenarios_of_weir():
    socket = "unix:///run/docker.sock"
    up, engine = TARGET, {**TARGET, "engine": socket}
    lately = then(steady(1, NOW_S - 600), steady(0, 600 - STEP_S))
    other = {"job": "cadvisor", "instance": "b:8080"}
    away = degraded("engine", f"weir on a:10142 has no answer from {socket}",
                    f"The container engine {socket} of a:10142 has not answered weir for 2 minutes. Numbers come from "
                    "the kernel meanwhile; states, exits and health are not known.", engine=socket)
    denied = {**WEB, "group": "diskIO", "reason": "permission_denied"}
    cgroup = {**TARGET, "collector": "cgroup"}
    errors = {**cgroup, "reason": "stuck"}
    timeouts = {**TARGET, "collector": "engine", "reason": "timeout"}
    config = degraded("configuration", "weir on a:10142 could not use its configuration",
                      "weir on a:10142 could not use a configuration file when it last read it; what it read before is "
                      "still in force. A restart would fail.")
    engine_away = (well().set("weir_engine_up", engine, lately).set("weir_container_absent", denied, steady(1))
                   .set("weir_collector_success", {**TARGET, "collector": "engine"}, steady(0))
                   .set("weir_collector_errors_total", timeouts, rising(1)))
    return [
        Scenario("weir cannot be scraped", World().set("up", TARGET, lately), [weir_down()]),
        Scenario("weir under another job's name", World().set("up", other, lately)
                 .set("weir_build_info", other, ended(steady(1, NOW_S - 600), 600)), [weir_down(**other)]),
        Scenario("something else is down", World().set("up", other, lately), [], near="WeirDown"),
        Scenario("weir is being restarted", well().set("up", up, then(steady(1, NOW_S - 60), steady(0, 60 - STEP_S))),
                 [], near="WeirDown"),
        Scenario("the engine is away, and what follows from it", engine_away, [away]),
        Scenario("the engine is being restarted", well().set(
            "weir_engine_up", engine, then(steady(1, NOW_S - 60), steady(0, 60 - STEP_S))), [], near="WeirDegraded"),
        Scenario("a collector fails", well().set("weir_collector_success", cgroup, steady(0)),
                 [degraded("collector", "weir on a:10142 cannot read all: collector cgroup",
                           "The collector cgroup of weir on a:10142 has not read all it should for 5 minutes.",
                           collector="cgroup")]),
        Scenario("errors without end", well().set("weir_collector_errors_total", errors, rising(0.1)),
                 [degraded("errors", "weir on a:10142 counts errors: stuck",
                           "The collector cgroup of weir on a:10142 has been counting errors for 15 minutes: stuck.",
                           "info", collector="cgroup", reason="stuck")]),
        Scenario("one error", well().set("weir_collector_errors_total", errors,
                                         then(steady(1, NOW_S - 540), steady(2, 540 - STEP_S))), [],
                                         near="WeirDegraded"),
        Scenario("values that may not be read", well().set("weir_container_absent", denied, steady(1)),
                 [degraded("values", "weir on a:10142 lacks diskIO of 1 containers",
                           "weir on a:10142 has not been able to read diskIO of 1 running containers for 10 minutes: "
                           "permission_denied.", group="diskIO", reason="permission_denied")]),
        Scenario("values that are not there", well().set(
            "weir_container_absent", {**WEB, "group": "pressure", "reason": "no_pressure"}, steady(1)), [],
            near="WeirDegraded"),
        Scenario("a configuration that cannot be used", well().set(
            "weir_config_last_reload_successful", TARGET, steady(0)), [config]),
        Scenario("a web configuration that cannot be used", well().set(
            "weir_web_config_last_read_successful", TARGET, steady(0)), [config]),
    ]


def scenarios_of_push():
    dropped = {**MIMIR, "reason": "refused"}
    ended_at = f"{NOW_S - 900}+0x{SAMPLES}"
    failing = Fires("WeirPushFailing", {**MIMIR, "severity": "critical"}, "weir on a:10142 cannot push to mimir",
                    "mimir has taken nothing from weir on a:10142 for 10 minutes. The oldest sample has waited for "
                    "15m 0s; what waits is sent when it answers again, until the queue is full.")
    dropping = Fires("WeirPushDropping", {**dropped, "severity": "warning"},
                     "weir on a:10142 drops samples for mimir: refused",
                     "weir on a:10142 gave up 600 samples for mimir within 10 minutes: refused.")
    filling = Fires("WeirPushQueueFilling", {**MIMIR, "severity": "warning"},
                    "weir's queue for mimir on a:10142 is nearly full",
                    "The queue of weir on a:10142 for mimir is at 90% of queue.max-bytes. At 100% the oldest rounds "
                    "are dropped.")
    return [
        Scenario("a receiver is away", pushed(well(), 900, success=ended_at), [failing]),
        Scenario("a receiver never answered", pushed(well(), 900, success=then(NOW_S)), [failing]),
        Scenario("a receiver was away, and its queue is worked off", pushed(well(), 900), [], near="WeirPushFailing"),
        Scenario("a receiver has been away for a moment", pushed(well(), 590, success=ended_at), [],
                 near="WeirPushFailing"),
        Scenario("an interval of an hour", pushed(well(), 0, success=ended_at), [], near="WeirPushFailing"),
        Scenario("a receiver refuses", well().set("weir_push_samples_dropped_total", dropped, rising(1)), [dropping]),
        Scenario("a receiver refused once, a while ago", well().set(
            "weir_push_samples_dropped_total", dropped, then(steady(0, NOW_S - 900), steady(568, 900 - STEP_S))), [],
            near="WeirPushDropping"),
        Scenario("a queue is nearly full", pushed(well(), 300, 0.9), [filling]),
        Scenario("a queue is half full", pushed(well(), 300, 0.5), [], near="WeirPushQueueFilling"),
        Scenario("a small queue of a large round", pushed(well(), 5, 0.9), [], near="WeirPushQueueFilling"),
    ]


def scenarios():
    return [Scenario("all is well", well(), []), *scenarios_of_ends(), *scenarios_of_life(), *scenarios_of_limits(),
            *scenarios_of_pressure(), *scenarios_of_weir(), *scenarios_of_push()]


# -- promtool --------------------------------------------------------------------------------------------------------

RULE = re.compile(r"^      - alert: (\w+)\n(.*?)(?=^      - alert: |^  - name: |\Z)", re.MULTILINE | re.DOTALL)
OWN_LABELS = re.compile(r"^ {8}labels:\n((?: {10}.*\n)+)", re.MULTILINE)
RUNBOOK = re.compile(r"^ {10}runbook: (?:>-\n((?: {12}.*\n?)+)|\"(.*)\"$)", re.MULTILINE)
LITERAL = re.compile(r"\{\{ `(.*?)` \}\}")


def read_rules():
    """[(alert, its own labels, runbook)] of the file."""
    with open(RULES, encoding="utf-8") as file:
        text = file.read()
    rules = []
    for alert, body in RULE.findall(text):
        own = dict(line.strip().split(": ", 1) for line in OWN_LABELS.search(body).group(1).splitlines())
        folded, quoted = RUNBOOK.search(body).groups()
        runbook = " ".join(line.strip() for line in folded.splitlines() if line.strip()) if folded else quoted
        rules.append((alert, own, LITERAL.sub(r"\1", runbook)))
    return rules


def rule_of(rules, fires):
    """The rule an alert comes from: its name and its own labels."""
    return next(rule for rule in rules if rule[0] == fires.alert and rule[1].items() <= fires.labels.items())


def promtool_test(rules, scenario):
    def expected(alert):
        return [{"exp_labels": fires.labels, "exp_annotations": {
            "summary": fires.summary, "description": fires.description, "runbook": rule_of(rules, fires)[2]}}
            for fires in scenario.fires if fires.alert == alert]

    return {"interval": f"{STEP_S}s", "name": scenario.name,
            "input_series": [{"series": name, "values": values} for name, values in scenario.world.series.items()],
            "alert_rule_test": [{"eval_time": f"{NOW_S}s", "alertname": alert, "exp_alerts": expected(alert)}
                                for alert in sorted({alert for alert, _, _ in rules})]}


def not_covered(rules, made):
    """Rules that no scenario lets fire, and alerts that none comes near to."""
    fired = [rule_of(rules, fires) for scenario in made for fires in scenario.fires]
    near = {scenario.near for scenario in made}
    return ([f"{alert} {own}: no scenario in which it fires" for alert, own, runbook in rules
             if (alert, own, runbook) not in fired] +
            [f"{alert}: no scenario that comes near to it" for alert in sorted({rule[0] for rule in rules} - near)])


def main():
    rules, made = read_rules(), scenarios()
    found = not_covered(rules, made)
    if shutil.which("promtool") is None:
        print(*found, "SKIP: promtool is not installed (Debian: prometheus)", sep="\n")
        return 1 if found else 77
    with tempfile.TemporaryDirectory() as folder:
        for scenario in made:
            file = os.path.join(folder, "test.yaml")
            with open(file, "w", encoding="utf-8") as out:  # JSON is YAML
                json.dump({"rule_files": [RULES], "evaluation_interval": f"{STEP_S}s",
                           "tests": [promtool_test(rules, scenario)]}, out)
            said = subprocess.run(["promtool", "test", "rules", file], capture_output=True, text=True, timeout=LIMIT_S,
                                  check=False)
            if said.returncode != 0:
                found.append(f"{scenario.name}: {said.stdout}{said.stderr}")
    print(*found, f"{len(rules)} rules, {len(made)} scenarios, {len(found)} findings", sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
