//! Every option of `leveret serve`, declared once. The doc comments are the words users read.

use super::declare::options;
use super::values::{
    ByteSize, Count, ListenAddress, LogFilter, LogFormat, MetricsAddress, NameValue, OtlpEndpoint,
    OtlpProtocol, OtlpSignal, Share, Span, TlsVerify, TlsVersionMin, Watermark, WorkerThreads,
};
use std::path::PathBuf;

options! {
    "Listeners" {
        /// Listens for AMQP 0-9-1 on this address.
        ///
        /// May be given several times. Port 0 takes any free port; the line printed at start names it. `none`
        /// turns plain AMQP off.
        amqp: Vec<ListenAddress> = "127.0.0.1:5672", "ADDR:PORT";

        /// Listens for AMQP 0-9-1 over TLS on this address.
        ///
        /// May be given several times. Needs `tls_cert` and `tls_key`. The usual port is 5671.
        amqps: Vec<ListenAddress> = "", "ADDR:PORT";

        /// Serves the HTTP API on this address.
        ///
        /// May be given several times. `none` turns it off.
        management: Vec<ListenAddress> = "127.0.0.1:15672", "ADDR:PORT";

        /// Serves the HTTP API over TLS on this address.
        ///
        /// May be given several times. Needs `tls_cert` and `tls_key`. The usual port is 15671.
        management_tls: Vec<ListenAddress> = "", "ADDR:PORT";

        /// Serves metrics for Prometheus on this address, without a login: names of queues and figures.
        ///
        /// `auto` is the host of the first `management` address, 20 ports above it (15692), and nothing when that is off. `off` turns
        /// it off.
        prometheus: MetricsAddress = "auto", "ADDR:PORT";

        /// The server's certificate, and the chain behind it, as a PEM file.
        tls_cert: Option<PathBuf> = "", "FILE";

        /// The private key of `tls_cert`, as a PEM file.
        tls_key: Option<PathBuf> = "", "FILE";

        /// Certificates of the authorities that sign clients' certificates, as a PEM file.
        tls_client_ca: Option<PathBuf> = "", "FILE";

        /// Whether TLS clients must show a certificate: `none`, `optional` or `required`.
        ///
        /// With `optional` and `required` a certificate that is shown must be signed by one in `tls_client_ca`.
        tls_verify: TlsVerify = "none", "MODE";

        /// The oldest version of TLS accepted: `1.2` or `1.3`.
        tls_version_min: TlsVersionMin = "1.2", "VERSION";
    }

    "Data" {
        /// Keeps data in this folder, which is made when it is missing.
        ///
        /// Users, permissions, virtual hosts, durable exchanges and queues, policies, and the messages of durable queues. One
        /// broker has a folder for itself.
        data: PathBuf = "leveret-data", "DIR";

        /// Keeps everything in memory: nothing is read from disk or written to it.
        ///
        /// For tests and tries. Cannot be combined with `data`.
        memory: bool = "false", "BOOL";

        /// Reads definitions at start from this file, in RabbitMQ's JSON format, after those of the data folder.
        load_definitions: Option<PathBuf> = "", "FILE";

        /// The node's name, as clients and the log see it. Without it: leveret@ and the machine's name.
        node_name: Option<String> = "", "NAME";
    }

    "Users" {
        /// Name of the user made when there is none yet.
        default_user: String = "guest", "NAME";

        /// Password of `default_user`. Other users of the machine can read a flag: prefer the file or the variable.
        default_pass: String = "guest", "PASSWORD";

        /// The virtual host made when there is none yet; `default_user` has every permission in it.
        default_vhost: String = "/", "NAME";

        /// Users who may log in from this machine only. May be given several times; `none` lifts the rule.
        loopback_users: Vec<String> = "guest", "NAME";

        /// The user that clients become who log in with the ANONYMOUS mechanism; offered only when this is set.
        anonymous_user: Option<String> = "", "NAME";

        /// Offers the EXTERNAL mechanism: the name in a TLS client's certificate is the user.
        ///
        /// PLAIN and AMQPLAIN (user name and password) are always offered. Needs `tls_verify` to be `optional` or
        /// `required`.
        external_auth: bool = "false", "BOOL";
    }

    "Limits" {
        /// Connections open at once. One more is closed before it is served.
        connection_max: Count = "65536", "COUNT";

        /// Channels per connection, offered to each client when it connects.
        channel_max: u16 = "2047", "COUNT";

        /// Queues in one virtual host. Declaring one more is refused.
        queue_max_per_vhost: Count = "1000000", "COUNT";

        /// Consumers of one channel. One more is refused.
        consumer_max_per_channel: Count = "100000", "COUNT";

        /// Size of one message's body. A larger one closes the channel that published it.
        message_bytes_max: ByteSize = "16MiB", "BYTES";

        /// Size of one frame, offered to each client when it connects; at least 4096.
        frame_max: ByteSize = "128KiB", "BYTES";

        /// Memory taken by messages from which on publishers wait: a share of the machine's memory, or an amount.
        memory_high_watermark: Watermark = "0.4", "SHARE|BYTES";

        /// Memory taken by messages from which on messages that nobody waits for are kept on disk only.
        ///
        /// Without effect with `memory`, where there is no disk to keep them on.
        backlog_memory_max: ByteSize = "64MiB", "BYTES";

        /// Free disk space below which publishers wait.
        disk_free_min: ByteSize = "50MB", "BYTES";

        /// Bytes waiting to be sent to one connection from which on it gets no further deliveries.
        outgoing_bytes_max: ByteSize = "1MiB", "BYTES";

        /// Bytes that the open transaction of one channel may hold. Going over closes the channel.
        transaction_bytes_max: ByteSize = "128MiB", "BYTES";
    }

    "Time" {
        /// Heartbeat interval offered to each client; 0 turns heartbeats off.
        ///
        /// A connection that is silent for two intervals is closed.
        heartbeat: Span = "60s", "TIME";

        /// Time in which a client must have logged in and opened its virtual host.
        handshake_timeout: Span = "10s", "TIME";

        /// Time a closing connection gives the client to answer before the socket is closed.
        close_timeout: Span = "5s", "TIME";

        /// Time in which a stop waits for deliveries to be settled before it closes the connections.
        shutdown_deadline: Span = "10s", "TIME";
    }

    "Telemetry" {
        /// Sends traces, metrics and logs to the OpenTelemetry collector at this address, over OTLP.
        ///
        /// `http://HOST:PORT` or `https://HOST:PORT`; the usual port is 4317 for gRPC and 4318 for HTTP, and over HTTP a path
        /// may follow, to which `/v1/traces` and the like are added. Without it nothing is sent and nothing is traced.
        /// `OTEL_EXPORTER_OTLP_ENDPOINT` is read too, as are OpenTelemetry's other variables: see the guide on tracing.
        otlp_endpoint: Option<OtlpEndpoint> = "", "URL";

        /// How OTLP is spoken: `grpc`, or `http` for protobuf in HTTP requests.
        otlp_protocol: OtlpProtocol = "grpc", "PROTOCOL";

        /// Headers sent with every request, such as a token: `authorization=Bearer%20abc`. `%XX` is a byte.
        ///
        /// Other users of the machine can read a flag: prefer the file or the variable.
        otlp_headers: Vec<NameValue> = "", "NAME=VALUE";

        /// Certificates of the authorities that signed an `https` collector's certificate, as a PEM file. Without it: the
        /// system's.
        otlp_ca: Option<PathBuf> = "", "FILE";

        /// What is sent: any of `traces`, `metrics`, `logs`.
        otlp_signals: Vec<OtlpSignal> = "traces,metrics,logs", "SIGNAL";

        /// Time in which the collector must answer one request.
        otlp_timeout: Span = "10s", "TIME";

        /// How often metrics are sent.
        otlp_metrics_interval: Span = "60s", "TIME";

        /// The service's name at the collector.
        otlp_service_name: String = "leveret", "NAME";

        /// More attributes of this process at the collector, such as `deployment.environment.name=test`.
        otlp_attributes: Vec<NameValue> = "", "NAME=VALUE";

        /// Share of the messages without a `traceparent` header that leave a trace: from 0 to 1, or with `%`.
        ///
        /// Decided when a message is published, for its whole way.
        trace_sample: Share = "0.01", "SHARE";

        /// Whether a message with a `traceparent` header leaves a trace is what that header says.
        ///
        /// When `false`, `trace_sample` decides about these too, by their trace ids.
        trace_parent: bool = "true", "BOOL";
    }

    "Process" {
        /// What is logged: error, warn, info, debug, trace or off; also per module: `info,leveret_broker=debug`.
        log_level: LogFilter = "info", "LEVEL";

        /// How log lines look: `text` for people, `json` for one JSON object per line.
        log_format: LogFormat = "text", "FORMAT";

        /// Threads that serve connections; `auto` is one per core.
        worker_threads: WorkerThreads = "auto", "COUNT";
    }
}
