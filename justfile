# Every command a person types here. CI runs the same steps through .ci/run, which needs no `just`.

# the commands
default:
    @just --list --unsorted

# start a broker on 127.0.0.1:5672; options of `leveret serve` may follow
serve *options:
    cargo run --release -- serve {{ options }}

# measure the broker on 127.0.0.1:5672; options of `leveret bench` may follow
bench *options:
    cargo run --release -- bench {{ options }}

# all tests that need nothing but the toolchain
test:
    cargo test --workspace

# the tests of one crate: protocol, broker, server, dialogues
test-crate name *options:
    cargo test -p leveret-{{ name }} {{ options }}

# rewrite the sources as rustfmt likes them
format:
    cargo fmt --all
    cargo fmt --manifest-path fuzz/Cargo.toml

# what is looked at before a change goes in, without running anything: style, lints, documentation
check:
    .ci/run format lint docs

# write what is generated from tables: protocol methods, help texts, docs/reference/configuration.md
generate:
    cargo run -p xtask -- generate
    UPDATE_EXPECT=1 cargo test -p leveret-server

# the API documentation, in a browser
docs:
    cargo doc --workspace --no-deps --open

# foreign clients and their suites against this broker, compared with RabbitMQ; names of suites may follow
conformance *suites:
    conformance/run {{ suites }}

# the raw protocol dialogues, against this broker or the one at a URL such as amqp://guest:guest@127.0.0.1:5672/
dialogues url="":
    {{ if url == "" { "" } else { "LEVERET_CONFORMANCE_URL=" + quote(url) } }} cargo test -p leveret-dialogues

# the raw protocol dialogues against a real RabbitMQ, installed and started for the purpose
dialogues-rabbitmq:
    .ci/run rabbitmq

# feed both fuzz targets for so many seconds each (fuzz/README.md says how to go deeper)
fuzz seconds="60":
    FUZZ_SECONDS={{ seconds }} .ci/run fuzz

# malformed frames, slow readers, floods of connections: the broker refuses clearly and loses nothing
faults:
    .ci/run faults

# kill -9 under load, again and again: what was confirmed is there, what was settled is gone
kill rounds="30":
    conformance/kill/run --rounds {{ rounds }}

# the same, and what was not synced is lost (root and /dev/fuse)
power rounds="10":
    conformance/kill/power --rounds {{ rounds }}

# everything CI does
ci:
    .ci/run
