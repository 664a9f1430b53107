"""What the boards' queries have in common: the selectors of each board, and the words and colours of states."""

from board_parts import BLUE, GREEN, GREY, RED, YELLOW, words

# Of the boards of many hosts, of the one of a host, and of the one of a container. The host itself is id="/", without
# a name; so are systemd's services and slices, with collect.scope=services.
HOSTS = 'job=~"$job",instance=~"$instance"'
NAMED = HOSTS + ',name!=""'
ROOT = HOSTS + ',id="/"'
MANY = ('job=~"$job",instance="$instance",name=~"$name",'
        'container_label_com_docker_compose_project=~"$project"')
ONE = 'job=~"$job",instance="$instance",name="$name"'
THIS_HOST = 'job=~"$job",instance="$instance"'

PROJECT = "container_label_com_docker_compose_project"
SERVICE = "container_label_com_docker_compose_service"

# In the order in which one counts where two containers have had a name one after the other.
STATES = (("removed", GREY), ("removing", GREY), ("dead", RED), ("created", BLUE), ("exited", YELLOW),
          ("restarting", RED), ("paused", BLUE), ("running", GREEN))
HEALTH = (("none", GREY), ("healthy", GREEN), ("starting", BLUE), ("unhealthy", RED))
STATE_WORDS = words(*((number, name, color) for number, (name, color) in enumerate(STATES)))
STATE_COLORS = words(*((name, name, color) for name, color in STATES))
HEALTH_WORDS = words(*((number, name, color) for number, (name, color) in enumerate(HEALTH)))
HEALTH_COLORS = words(*((name, name, color) for name, color in HEALTH))
YES_NO = words((0, "no", RED), (1, "yes", GREEN))
NO_YES = words((0, "no", GREEN), (1, "yes", RED))

PART = ((None, GREEN), (0.8, YELLOW), (0.9, RED))  # of a limit
PERCENT = ((None, GREEN), (80, YELLOW), (90, RED))
STALL = ((None, GREEN), (0.1, YELLOW), (0.5, RED))  # of time
ANY_WARNS = ((None, GREEN), (1, YELLOW))
ANY_FAILS = ((None, GREEN), (1, RED))


def rate(metric, where):
    return f"rate({metric}{{{where}}}[$__rate_interval])"


def grown(metric, where, over="$__range"):
    return f"increase({metric}{{{where}}}[{over}])"


def or_zero(expr, where=HOSTS, by="by (job, instance)"):
    """0 for targets that are up and have no such series, rather than nothing."""
    return f"{expr} or max {by} (up{{{where}}} == 1) * 0"


def numbered(metric, where, label, names):
    """The label's value as a number, its place in `names`."""
    return " or ".join(f'({metric}{{{where},{label}="{name}"}} == 1) * {number}'
                       for number, (name, _) in enumerate(names))


def of_host(expr):
    """A value by job and instance, and whatever else, as a part of the host's CPUs."""
    return f"{expr} / on (job, instance) group_left () max by (job, instance) (machine_cpu_cores)"


def pressure(kind, resource, where):
    return rate(f"container_pressure_{resource}_{kind}_seconds_total", where)
