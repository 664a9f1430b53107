# Sourced by ./dev: Debian packages by name, and llhttp and yyjson on a Debian that has them not yet. Uses say and fail
# of ./dev; sets deps_prefix.
# shellcheck shell=bash
: "${top:?the repository, set by ./dev}"

private=$top/build/deps/prefix     # llhttp and yyjson where the system offers none (Debian 12)
deps_prefix=${WEIR_DEPS_PREFIX:-}  # given from outside: that prefix is used and not touched
pool_suite=trixie                  # the first Debian that has both; they run with Debian 12's libc
parser_packages=(libllhttp-dev libyyjson-dev)
lists_fresh=no

# Prints those of the arguments ("a|b" alternatives) of which nothing is installed, by their first name.
missing_packages() {
    local all wanted name installed
    IFS='| ' read -ra all <<<"$*"
    # dpkg-query fails when it does not know one of the names; it prints the others.
    installed=$({ dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${all[@]}" 2>/dev/null || true; } |
        sed -n 's/^installed //p')
    for wanted in "$@"; do
        for name in ${wanted//|/ }; do
            grep -qxF -- "$name" <<<"$installed" && continue 2
        done
        printf '%s\n' "${wanted%%|*}"
    done
}

# apt-get without questions. Its hundreds of lines go to a file, and are shown only where they explain a failure.
packages_log=$top/build/packages.log
apt_get() {
    local as_root=()
    if ((EUID != 0)); then
        command -v sudo >/dev/null || fail "this needs root and there is no sudo; as root: apt-get $*"
        as_root=(sudo)
    fi
    mkdir -p "$top/build"
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Acquire::Retries=3 "$@" \
        </dev/null >>"$packages_log" 2>&1
}

# Not fatal: another archive among the sources may be out of reach, and whether that matters the installation shows.
update_lists() {
    [[ $lists_fresh == no ]] || return 0
    say 'apt-get update'
    rm -f "$packages_log"
    apt_get update || say 'apt-get update failed in part, see build/packages.log'
    lists_fresh=yes
}

# --no-remove: a machine may have other packages in the place of these, which stay.
install_packages() {
    update_lists
    say "installing $* (see build/packages.log)"
    apt_get install --no-install-recommends --no-remove "$@" && return
    tail -n 8 "$packages_log" >&2
    fail "apt-get could not install $* (its last lines are above): are the network and the apt sources in order?"
}

need_packages() {
    local missing
    command -v apt-get >/dev/null ||
        fail "this is not Debian (there is no apt-get). Install what CONTRIBUTING.md lists and call cmake as it shows"
    mapfile -t missing < <(missing_packages "$@")
    ((${#missing[@]} == 0)) || install_packages "${missing[@]}"
}

# Whether apt can install all of these packages. The whole answer is read: a grep that stops at the first match would
# make apt-cache, and with pipefail the pipe, fail now and then.
offered() {
    local package policy
    for package in "$@"; do
        policy=$(LC_ALL=C apt-cache policy "$package")
        [[ $policy == *$'\n  Candidate: '[!\(]* ]] || return 1
    done
}

# What apt knows as $1 (see apt-get indextargets) of the source that is Debian's main archive: neither its updates nor
# its security archive nor anybody else's. Empty without package lists.
debian_archive() {
    apt-get indextargets --format "\$(CREATED_BY) \$(ORIGIN) \$(COMPONENT) \$(CODENAME) \$($1) \$(LABEL)" 2>/dev/null |
        awk '$1 == "Packages" && $2 == "Debian" && $3 == "main" && $4 !~ /-/ && $6 == "Debian" && NF == 6 && !found++ {
            print $5 }'
}

# The machine's own entry ($1, FILE:NUMBER, a stanza of a .sources file or a line of a .list file) with another suite.
# Mirror, keyring and options stay as they are, so no host is named here and signatures are checked as ever.
entry_with_suite() {
    local file=${1%:*} number=${1##*:} suite=$2
    if [[ $file == *.sources ]]; then
        awk -v RS= -v number="$number" -v suite="$suite" '{
            text = ""; skip = 0; lines = split($0, line, "\n")
            for (i = 1; i <= lines; i++) {
                if (line[i] ~ /^#/) continue
                if (line[i] !~ /^[ \t]/) skip = tolower(line[i]) ~ /^(types|suites|components|targets|languages):/
                if (!skip) text = text line[i] "\n"
            }
            if (text != "" && ++stanza == number)
                printf "Types: deb\nSuites: %s\nComponents: main\nTargets: Packages\nLanguages: none\n%s", suite, text
        }' "$file"
    else
        sed -nE "${number}s/^[[:space:]]*deb[[:space:]]+(\[([^]]*)\][[:space:]]+)?([^[:space:]]+).*/\
deb [\2 target=Packages lang=none] \3 $suite main/p" "$file"
    fi
}

# apt with a state of its own in $1: nothing of the machine's apt changes.
write_pool_conf() {
    local state=$1 entry=$2 source=$1/debian.list
    [[ $entry != *.sources:* ]] || source=$state/debian.sources
    mkdir -p "$state/lists/partial" "$state/cache/archives/partial"
    entry_with_suite "$entry" "$pool_suite" >"$source"
    cat >"$state/apt.conf" <<CONF
Dir::State::Lists "$state/lists";
Dir::Cache "$state/cache";
Dir::Etc::SourceList "$source";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
APT::Sandbox::User "";
APT::Update::Error-Mode "any";
Acquire::Retries "3";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
CONF
}

fetch_parsers() {
    local state=$top/build/deps/apt entry package
    entry=$(debian_archive SOURCESENTRY)
    [[ -n $entry ]] || fail "apt offers no ${parser_packages[*]}, and none of its sources is Debian's archive (or its" \
        'list could not be read, see build/packages.log). Set WEIR_DEPS_PREFIX to a prefix that has llhttp and yyjson'
    # Keys of later releases came to Debian 12 with an update of this package.
    [[ -e /usr/share/keyrings/debian-archive-$pool_suite-automatic.gpg ]] || install_packages debian-archive-keyring
    say "unpacking llhttp and yyjson of Debian $pool_suite below build/deps"
    rm -rf "$state" "$private"
    write_pool_conf "$state" "$entry"
    (cd "$state" && apt-get -q -c apt.conf update &&
        apt-get -q -c apt.conf download "${parser_packages[@]}" libyyjson0) >"$state/log" 2>&1 || {
        tail -n 8 "$state/log" >&2
        fail 'they could not be fetched (the last lines of apt are above)'
    }
    mkdir -p "$private"
    for package in "$state"/*.deb; do
        dpkg -x "$package" "$private"
    done
    rm -rf "$state"
    : >"$private/complete"
}

need_parsers() {
    [[ -z $deps_prefix ]] || return 0
    [[ -n $(missing_packages "${parser_packages[@]}") ]] || return 0
    if [[ ! -e $private/complete ]]; then
        [[ -n $(debian_archive SOURCESENTRY) ]] || update_lists
        if offered "${parser_packages[@]}"; then
            install_packages "${parser_packages[@]}"
            return
        fi
        fetch_parsers
    fi
    deps_prefix=$private
}
