//! Precedence, wrong values, contradictions, and the reference page.

use super::*;

fn flags(pairs: &[(&str, &str)]) -> Layer {
    let mut layer = Layer::new();
    for (key, value) in pairs {
        let option = OPTIONS.iter().find(|option| option.key == *key).unwrap();
        let origin = Origin::Flag(option.flag());
        layer.insert(option.key, Texts { texts: vec![(*value).to_owned()], origin });
    }
    layer
}

fn variables(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Loads with this text in the file; an empty text is an empty file, so that no other file is looked for.
fn load_with(file: &str, environment: &[(&str, &str)], given: &[(&str, &str)]) -> Result<Loaded, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.toml");
    std::fs::write(&path, file).unwrap();
    load(flags(given), Some(path.clone()), variables(environment))
        .map_err(|error| error.to_string().replace(path.to_str().unwrap(), "test.toml"))
}

#[test]
fn flag_beats_environment_beats_file_beats_default() {
    // file, environment, flag, heartbeat in seconds
    let table = [
        (None, None, None, 60),
        (Some("1s"), None, None, 1),
        (None, Some("2s"), None, 2),
        (None, None, Some("3s"), 3),
        (Some("1s"), Some("2s"), None, 2),
        (Some("1s"), None, Some("3s"), 3),
        (None, Some("2s"), Some("3s"), 3),
        (Some("1s"), Some("2s"), Some("3s"), 3),
    ];
    for (file, environment, flag, seconds) in table {
        let file = file.map_or(String::new(), |value| format!("heartbeat = '{value}'"));
        let environment: Vec<_> = environment.map(|value| ("LEVERET_HEARTBEAT", value)).into_iter().collect();
        let flag: Vec<_> = flag.map(|value| ("heartbeat", value)).into_iter().collect();
        let loaded = load_with(&file, &environment, &flag).unwrap();
        assert_eq!(loaded.settings.heartbeat.0.as_secs(), seconds, "{file:?} {environment:?} {flag:?}");
    }
}

#[test]
fn every_option_can_be_set_from_every_source() {
    for option in OPTIONS {
        let text = match option.default {
            "" if option.value_name == "NAME=VALUE" => "a=b",
            "" => "127.0.0.1:1",
            default => default,
        };
        let mut settings = Settings::defaults().unwrap();
        (option.apply)(&mut settings, &[text.to_owned()])
            .unwrap_or_else(|problem| panic!("{}: {problem}", option.key));
        assert!(!option.summary().is_empty() && !option.value_name.is_empty(), "{}", option.key);
        assert!(!option.flag().contains('_') && option.variable().starts_with("LEVERET_"), "{}", option.key);
    }
}

#[test]
fn wrong_values_say_where_and_how() {
    let table = [
        (
            "heartbeat = 60",
            &[][..],
            &[][..],
            "test.toml, line 1: heartbeat: `60` needs a unit: `60s` for seconds",
        ),
        ("\nframe_max = 'big'", &[], &[], "test.toml, line 2: frame_max: `big` is not a number of bytes"),
        (
            "",
            &[("LEVERET_CHANNEL_MAX", "70000")],
            &[],
            "environment variable LEVERET_CHANNEL_MAX: `70000` is not",
        ),
        ("", &[], &[("amqp", "5672")], "--amqp: `5672` has no port"),
        ("", &[], &[("frame_max", "1KiB")], "--frame-max: 1024 is outside 4096 to 16MiB"),
        ("", &[], &[("heartbeat", "1500ms")], "--heartbeat: has to be whole seconds"),
        ("amqp = []", &[], &[], "test.toml, line 1: amqp: there is no listener at all"),
        ("data = '/x'\nmemory = true", &[], &[], "test.toml, line 1: data: cannot be combined with `memory`"),
        ("", &[], &[("amqps", "[::1]:0")], "tls_cert: is missing"),
        ("tls_key = '/k'", &[], &[], "test.toml, line 1: tls_key: is for TLS listeners and there is none"),
        ("", &[], &[("external_auth", "true")], "--external-auth: needs clients' certificates"),
        ("", &[("OTEL_TRACES_SAMPLER", "sometimes")], &[], "environment variable OTEL_TRACES_SAMPLER: `some"),
        (
            "",
            &[("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")],
            &[],
            "environment variable OTEL_EXPORTER_OTLP_PR",
        ),
        ("", &[], &[("trace_sample", "2")], "--trace-sample: `2` is no share from 0 to 1"),
        ("", &[], &[("otlp_timeout", "0s")], "--otlp-timeout: has to be at least 100ms"),
        ("", &[], &[("memory", "yes")], "--memory: `yes` is neither `true` nor `false`"),
    ];
    for (file, environment, given, expected) in table {
        let problem = load_with(file, environment, given).unwrap_err();
        assert!(problem.starts_with(expected), "expected: {expected}\nfound:    {problem}");
    }
}

/// What OpenTelemetry's own variables come to.
fn telemetry(environment: &[(&str, &str)], file: &str) -> (bool, usize, f64, bool, String) {
    let settings = load_with(file, environment, &[]).unwrap().settings;
    let Settings { otlp_endpoint, otlp_signals, trace_sample, trace_parent, otlp_service_name, .. } =
        settings;
    (otlp_endpoint.is_some(), otlp_signals.len(), trace_sample.0, trace_parent, otlp_service_name)
}

#[test]
fn opentelemetrys_own_variables_are_understood() {
    let name = |name: &str| name.to_owned();
    let on = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4317");
    assert_eq!(telemetry(&[], ""), (false, 3, 0.01, true, name("leveret")));
    assert_eq!(telemetry(&[on], ""), (true, 3, 0.01, true, name("leveret")));
    assert_eq!(telemetry(&[on, ("OTEL_SDK_DISABLED", "true")], ""), (false, 3, 0.01, true, name("leveret")));
    let sampler = |sampler, ratio| {
        let (_, _, share, parent, _) =
            telemetry(&[("OTEL_TRACES_SAMPLER", sampler), ("OTEL_TRACES_SAMPLER_ARG", ratio)], "");
        (share, parent)
    };
    assert_eq!(sampler("always_on", ""), (1.0, false));
    assert_eq!(sampler("always_off", ""), (0.0, false));
    assert_eq!(sampler("traceidratio", "0.2"), (0.2, false));
    assert_eq!(sampler("parentbased_always_on", "0.2"), (1.0, true));
    assert_eq!(sampler("parentbased_traceidratio", "0.2"), (0.2, true));
    assert_eq!(sampler("", "0.3"), (0.3, true));
    let named = ("OTEL_RESOURCE_ATTRIBUTES", "a=b,service.name=orders");
    assert_eq!(telemetry(&[named], "").4, "orders");
    assert_eq!(telemetry(&[named, ("OTEL_SERVICE_NAME", "mq")], "").4, "mq");
    assert_eq!(telemetry(&[("OTEL_LOGS_EXPORTER", "none")], "").1, 2);
    let both = [("OTEL_SERVICE_NAME", "theirs"), ("LEVERET_OTLP_SERVICE_NAME", "ours")];
    assert_eq!(telemetry(&both, "otlp_service_name = 'file'").4, "ours");
    assert_eq!(telemetry(&both[..1], "otlp_service_name = 'file'").4, "theirs");
    let loaded = load_with("", &[("OTEL_EXPORTER_OTLP_TIMEOUT", "2500")], &[]).unwrap();
    assert_eq!(loaded.settings.otlp_timeout.0.as_millis(), 2500);
}

#[test]
fn all_problems_are_reported_at_once() {
    let problem =
        load_with("heartbeat = 'x'", &[("LEVERET_FRAME_MAX", "y")], &[("worker_threads", "0")]).unwrap_err();
    assert_eq!(problem.lines().count(), 3, "{problem}");
}

#[test]
fn a_stronger_source_decides_between_memory_and_folder() {
    let memory = |file: &str, given: &[(&str, &str)]| load_with(file, &[], given).unwrap().settings.memory;
    assert!(!memory("", &[]));
    assert!(memory("memory = true", &[]));
    assert!(memory("data = '/x'", &[("memory", "true")]));
    assert!(!memory("memory = true", &[("data", "/x")]));
}

#[test]
fn a_missing_file_is_an_error_when_it_was_named() {
    let missing = Some(PathBuf::from("/nowhere/leveret.toml"));
    let problem = load(Layer::new(), missing, []).unwrap_err().to_string();
    assert!(problem.starts_with("--config: cannot read /nowhere/leveret.toml: "), "{problem}");
    let problem =
        load(Layer::new(), None, variables(&[("LEVERET_CONFIG", "/nowhere/x")])).unwrap_err().to_string();
    assert!(
        problem.starts_with("environment variable LEVERET_CONFIG: cannot read /nowhere/x: "),
        "{problem}"
    );
}

#[test]
fn mistyped_variables_are_remarked_and_foreign_ones_are_not() {
    let environment = [
        ("LEVERET_FRAMEMAX", "1"),
        ("LEVERET_SERVICE_HOST", "10.0.0.1"),
        ("PATH", "/bin"),
        // They are for the commands, and `default_user` is near.
        ("LEVERET_USER", "app"),
        ("LEVERET_PASSWORD", "secret"),
    ];
    let warnings = load_with("", &environment, &[]).unwrap().warnings;
    assert_eq!(
        warnings,
        [
            "environment variable LEVERET_FRAMEMAX is not an option and is ignored; did you mean LEVERET_FRAME_MAX?"
        ]
    );
}

#[test]
fn the_sample_file_is_the_defaults() {
    let loaded = load_with(&reference::sample(), &[], &[]).unwrap();
    assert_eq!(loaded.settings, Settings::defaults().unwrap());
}

#[test]
fn the_reference_page_is_fresh() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/configuration.md");
    crate::expect_file(path, &reference::page());
}
