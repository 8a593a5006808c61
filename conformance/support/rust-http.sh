# shellcheck shell=bash
# Sourced by the suites rust-http-client and rust-rabbitmqadmin, which share one build: RabbitMQ's client library for the HTTP API, and its
# command line tool, which is made with it. Ports 15672 and 5672 are in the tests' code.
# Without TLS tests: their authors leave them out unless they are asked for.
VERSIONS=(rabbitmq_http_client=0.92.0 rabbitmqadmin=2.35.0)
RUST_HTTP=$CACHE/rust-http
build_rust_http() {
    local one
    apt_need pkg-config libssl-dev # the client's tests are written for OpenSSL
    for one in "${VERSIONS[@]}"; do crate_src "${one%=*}" "${one#*=}"; done
    mkdir -p "$RUST_HTTP"
    for one in "${VERSIONS[@]}"; do
        [ -d "$RUST_HTTP/${one%=*}" ] || cp -r "$CACHE/src/crate-${one/=/-}" "$RUST_HTTP/${one%=*}"
        sed -i '/^\[workspace\]$/d' "$RUST_HTTP/${one%=*}/Cargo.toml"
    done
    cat >"$RUST_HTTP/Cargo.toml" <<TOML
[workspace]
members = ["rabbitmq_http_client", "rabbitmqadmin"]
resolver = "2"
[patch.crates-io]
rabbitmq_http_client = { path = "rabbitmq_http_client" }
TOML
    # (the workspace's versions are those that rabbitmqadmin was published with)
    [ -e "$RUST_HTTP/Cargo.lock" ] || cp "$RUST_HTTP/rabbitmqadmin/Cargo.lock" "$RUST_HTTP/Cargo.lock"
    export CARGO_TARGET_DIR=$CACHE/target-rust-http CARGO_PROFILE_DEV_DEBUG=0 CARGO_PROFILE_TEST_DEBUG=0 CARGO_INCREMENTAL=0
    cd "$RUST_HTTP" || die "no folder $RUST_HTTP"
    local select="--no-run -p rabbitmq_http_client -p rabbitmqadmin --test integration --features"
    select+=" rabbitmq_http_client/async,rabbitmq_http_client/native-tls,rabbitmq_http_client/tabled,rabbitmq_http_client/zeroize"
    prepare "compiling the tests" cargo test $select
    cargo test -q $select --message-format json >"$RUST_HTTP/built" 2>>"$LOG" </dev/null
}
program() { # CRATE: its test program
    python3 - "$1" "$RUST_HTTP/built" <<'PY'
import json, sys
for line in open(sys.argv[2]):
    one = json.loads(line)
    if one.get("executable") and one["target"]["kind"] == ["test"] and f"/{sys.argv[1]}#" in one["package_id"]:
        print(one["executable"])
PY
}
# What the authors' bin/ci/before_build.sh declares, over the HTTP API.
declared() { # PATH BODY
    curl -sf -o /dev/null -u guest:guest -X PUT -H 'content-type: application/json' -d "$2" "http://127.0.0.1:15672/api/$1" || die "could not declare $1"
}
forward_both() {
    forward 15672 "$MGMT_PORT"
    FIRST_RELAY=${RELAY_RUNS-}
    # (bash says that it has a first coprocess already)
    forward 5672 "$AMQP_PORT" 2> >(grep -v 'execute_coproc' >&2)
    trap 'kill $FIRST_RELAY $RELAY_RUNS 2>/dev/null; wait $FIRST_RELAY $RELAY_RUNS 2>/dev/null' EXIT
}
# results CRATE: runs its tests. Statistics of RabbitMQ come every second (start-rabbitmq); two attempts: their authors advise four.
results() {
    export TEST_STATS_DELAY=${TEST_STATS_DELAY:-2000} CARGO_BIN_EXE_rabbitmqadmin=$CARGO_TARGET_DIR/debug/rabbitmqadmin
    SECONDS=0
    timeout -k 10 "$TIME_LIMIT" python3 "$SUPPORT/libtest.py" "$RUST_HTTP/$1" "$HERE/expected/$NAME" 2 8 "$(program "$1")" >"$WORK/lines" 2>>"$LOG" </dev/null
    echo $SECONDS >"$OUT/$NAME.seconds"
    finish lines "$WORK/lines"
}
