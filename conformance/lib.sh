# shellcheck shell=bash
# Sourced by every suite in suites/.  A suite names what it needs, says `ready`, runs its tests and says `finish`.
#
# Environment (all optional; `conformance/run` sets them):
#   AMQP_PORT AMQPS_PORT MGMT_PORT  where the broker under test listens on 127.0.0.1 (guest/guest, vhost /)
#   USER_AMQP_PORT  where a broker knows the user `user` with password `bitnami` (default: AMQP_PORT)
#   CACHE       what is fetched and built once; may be deleted at any time
#   SCRATCH     results and temporary files of one run
#   TIME_LIMIT  seconds the tests of one suite may run (300)
#   PREPARE     set: fetch and build only, run no test
# A suite leaves $SCRATCH/results/NAME.{results,failed,seconds,log} and prints as its last line
#   NAME: passed P failed F skipped S
set -u
HERE=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
SUPPORT=$HERE/support
NAME=$(basename "$0")
export AMQP_PORT=${AMQP_PORT:-5672} AMQPS_PORT=${AMQPS_PORT:-5671} MGMT_PORT=${MGMT_PORT:-15672}
USER_AMQP_PORT=${USER_AMQP_PORT:-$AMQP_PORT}
export AMQP_URL=amqp://guest:guest@127.0.0.1:$AMQP_PORT/%2f
CACHE=${CACHE:-$HERE/.cache}
SCRATCH=${SCRATCH:-$CACHE/run}
TIME_LIMIT=${TIME_LIMIT:-300}
PREPARE=${PREPARE-}
OUT=$SCRATCH/results
WORK=$SCRATCH/scratch/$NAME
LOG=$OUT/$NAME${PREPARE:+.prepare}.log
mkdir -p "$CACHE" "$OUT" "$WORK"
: >"$LOG"
[ -n "$PREPARE" ] || rm -rf "$OUT/$NAME".{results,failed,seconds} "${WORK:?}"/*

say() { echo "[$NAME] $*" >&2; }
# A suite that cannot run is never a suite without failures: it ends with exit code 1 and no results.
die() { say "$*"; [ ! -s "$LOG" ] || tail -n 15 "$LOG" | sed "s/^/[$NAME]   /" >&2; exit 1; }
# quietly COMMAND...: output goes to the log.
quietly() { "$@" >>"$LOG" 2>&1 </dev/null; }
# prepare WHAT COMMAND...: a step of the preparation that must succeed.
prepare() { local what=$1; shift; quietly "$@" || die "$what failed (whole output: $LOG)"; }
# ready: everything is fetched and built; the tests start here.
ready() { [ -z "$PREPARE" ] || exit 0; }
# tests COMMAND...: run the tests with a time limit; their output goes to the log.
tests() {
    local rc
    SECONDS=0
    timeout -k 10 "$TIME_LIMIT" "$@" >>"$LOG" 2>&1 </dev/null
    rc=$?
    echo $SECONDS >"$OUT/$NAME.seconds"
    case $rc in 124 | 137) say "time limit ($TIME_LIMIT s) reached" ;; esac
    return $rc
}
# finish FORMAT FILE...: collect the results, print the last line.
finish() { python3 "$SUPPORT/results.py" "$NAME" "$OUT" "$@" || die "no test reported a result (whole output: $LOG)"; }

# ---- programs and packages: installed when missing, an error when that fails
# locked NAME COMMAND...: suites are prepared side by side; some tools bear only one user at a time.
locked() { local lock=$CACHE/$1.lock; shift; flock -o "$lock" "$@"; }
# alone NAME FUNCTION ARG...: the same for a function, which may set variables.
alone() {
    local fd lock=$CACHE/$1.lock
    shift
    exec {fd}>"$lock"
    flock "$fd"
    "$@"
    exec {fd}>&-
}
apt_need() {
    local p missing=
    for p; do dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || missing="$missing $p"; done
    [ -n "$missing" ] || return 0
    say "installing$missing"
    quietly locked apt env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing && return
    quietly locked apt apt-get update # a fresh machine has no lists yet
    prepare "apt-get install$missing" locked apt env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing
}
# need PROGRAM PACKAGE: for programs that a machine may have from elsewhere than apt.
need() { command -v "$1" >/dev/null || apt_need "$2"; command -v "$1" >/dev/null || die "no program $1, and installing $2 did not bring it"; }

# unpack NAME TARBALL: into $CACHE/src/NAME, whole or not at all; sets SRC.
unpack() {
    SRC=$CACHE/src/$1
    [ ! -d "$SRC" ] || return 0
    rm -rf "$SRC.tmp"
    mkdir -p "$SRC.tmp"
    prepare "unpacking $1" tar xf "$2" -C "$SRC.tmp" --strip-components 1
    mv "$SRC.tmp" "$SRC"
}
apt_sources() { # the Debian mirrors that this machine's own apt uses
    cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null |
        grep -v '^#' | grep -oE 'https?://[^ ]+/debian/?( |$)' | head -1 | tr -d ' '
}
# deb_src PACKAGE=VERSION: the upstream tarball of a Debian source package; sets SRC.
# A private apt state with source entries leaves the machine's own apt alone.
deb_src() {
    SRC=$CACHE/src/${1/=/-}
    [ ! -d "$SRC" ] || return 0
    apt_need dpkg-dev xz-utils
    local d=$CACHE/apt s apt
    mkdir -p "$d/lists/partial" "$d/archives/partial" "$d/dl/$1"
    apt="-o Dir::Etc::sourcelist=$d/sources.list -o Dir::Etc::sourceparts=/dev/null -o Dir::State::lists=$d/lists
         -o Dir::Cache=$d/archives -o APT::Sandbox::User=root"
    for s in bookworm trixie; do
        echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $(apt_sources) $s main"
    done >"$d/sources.list"
    ls "$d"/lists/*Sources* >/dev/null 2>&1 || prepare "apt-get update" locked apt-src apt-get $apt update
    (cd "$d/dl/$1" && quietly locked apt-src apt-get $apt source --tar-only --download-only --only-source -q "$1")
    ls "$d/dl/$1"/*.orig.tar.[gx]z >/dev/null 2>&1 || die "apt-get source $1 failed"
    unpack "${1/=/-}" "$d/dl/$1"/*.orig.tar.[gx]z
}
# venv NAME REQUIREMENT...: a Python environment; sets PY.
venv() { alone "venv-$1" make_venv "$@"; }
make_venv() {
    local v=$CACHE/venv/$1
    shift
    PY=$v/bin/python
    [ -e "$v/.done" ] && [ "$(cat "$v/.done")" = "$*" ] && return
    need python3 python3
    rm -rf "$v"
    quietly python3 -m venv "$v" || { apt_need python3-venv && rm -rf "$v" && prepare "python3 -m venv" python3 -m venv "$v"; }
    prepare "pip install $*" "$v/bin/pip" install -q "$@"
    echo "$*" >"$v/.done"
}
# npm_src NAME@VERSION: an npm package, unpacked; sets SRC.
npm_src() {
    SRC=$CACHE/src/npm-$1
    [ ! -d "$SRC" ] || return 0
    need node nodejs
    need npm npm
    mkdir -p "$CACHE/npm/$1"
    (cd "$CACHE/npm/$1" && prepare "npm pack $1" npm pack -s "$1") || exit 1
    unpack "npm-$1" "$CACHE/npm/$1"/*.tgz
}
# npm_mods NAME PACKAGE@VERSION...: a folder with these modules installed; sets MODS.
npm_mods() { alone "npm-$1" make_npm_mods "$@"; }
make_npm_mods() {
    local m=$CACHE/npm-mods/$1
    shift
    MODS=$m/node_modules
    [ -e "$m/.done" ] && [ "$(cat "$m/.done")" = "$*" ] && return
    need node nodejs
    need npm npm
    mkdir -p "$m"
    echo '{}' >"$m/package.json"
    prepare "npm install $*" npm install --prefix "$m" --ignore-scripts --no-audit --no-fund "$@"
    echo "$*" >"$m/.done"
}
# crate_src NAME VERSION: a crate's source as published; sets SRC.
crate_src() {
    SRC=$CACHE/src/crate-$1-$2
    [ ! -d "$SRC" ] || return 0
    need cargo cargo
    local d=$CACHE/crates/$1
    rm -rf "$d" "$SRC.tmp"
    mkdir -p "$d/src" "$CACHE/src"
    : >"$d/src/lib.rs"
    printf '[package]\nname="fetch"\nversion="0.0.0"\nedition="2021"\n[dependencies]\n%s={version="=%s",default-features=false}\n[workspace]\n' \
        "$1" "$2" >"$d/Cargo.toml"
    prepare "cargo vendor $1" cargo vendor -q --manifest-path "$d/Cargo.toml" --versioned-dirs "$d/vendor"
    cp -r "$d/vendor/$1-$2" "$SRC.tmp" || die "no source of $1 $2"
    rm -rf "$d"
    # (the folder lies inside our own workspace, of which it is no part)
    printf '\n[workspace]\n' >>"$SRC.tmp/Cargo.toml"
    mv "$SRC.tmp" "$SRC"
}
# go_build OUTPUT FILE...: a program with the Go libraries of Debian's -dev packages.
go_env() { export GO111MODULE=off GOPATH=/usr/share/gocode GOCACHE=$CACHE/go-build GOFLAGS=; }
go_build() { go_env; local out=$1; shift; mkdir -p "$(dirname "$out")"; prepare "go build $out" go build -o "$out" "$@"; }

# ---- running
# forward PORT TARGET: for suites with a port number in their code; a plain TCP relay on 127.0.0.1 and ::1.
# Runs at the same time on one machine take turns.
forward() {
    [ "$1" != "$2" ] || return 0
    local turn said
    exec {turn}>"${TMPDIR:-/tmp}/leveret-conformance-port-$1.lock"
    flock -n $turn || say "waiting for another run to be done with port $1"
    flock -w 900 $turn || die "port $1 stays in use by another run"
    coproc RELAY { exec python3 "$SUPPORT/relay.py" "$1" "$2" 2>>"$LOG"; }
    RELAY_RUNS=$!
    trap 'kill $RELAY_RUNS 2>/dev/null; wait $RELAY_RUNS 2>/dev/null' EXIT
    read -r -t 10 -u "${RELAY[0]}" said && [ "$said" = listening ] ||
        die "port $1 is taken, and this suite has that number in its code: it needs it for a relay to $2"
}
# pytests ARG...: pytest in the environment $PY, reporting each test as it ends.  Then `finish lines "$WORK/lines"`.
pytests() {
    PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$SUPPORT:${PYTHONPATH:-} RESULT_LINES=$WORK/lines \
        tests "$PY" -m pytest -p pytest_lines -p no:cacheprovider -q "$@"
}
