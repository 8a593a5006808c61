//! Publishing from the command line to a broker that takes no messages for now.

use crate::support::{Server, failure, leveret, success};
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

struct Alarm {
    server: Server,
    folder: tempfile::TempDir,
}

impl Alarm {
    /// A broker to which a message of two thousand bytes is too much memory.
    fn start() -> Alarm {
        let alarm = Alarm {
            server: Server::start(&["--memory-high-watermark", "1kB"]),
            folder: tempfile::tempdir().unwrap(),
        };
        success(&mut alarm.command(&["queues", "declare", "q"]));
        alarm
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let listens =
            |scheme: &str| self.server.banner.split_whitespace().find(|word| word.starts_with(scheme));
        let mut command = leveret(&self.folder, arguments);
        command.env("LEVERET_URL", format!("amqp://{}", self.server.address));
        command.env("LEVERET_HTTP", listens("http://").unwrap());
        command
    }

    fn publish(&self, more: &[&str]) -> Command {
        let body = "x".repeat(2_000);
        self.command(&[&["publish", "--queue", "q", &body], more].concat())
    }
}

/// It took five seconds to say `1 confirmed`: the goodbye waited for a broker that did not read.
#[test]
fn a_message_that_was_taken_ends_the_command_at_once() {
    let alarm = Alarm::start();
    let began = Instant::now();
    for _ in 0..5 {
        assert_eq!(success(&mut alarm.publish(&[])), "1 confirmed\n");
    }
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
}

#[test]
fn a_message_that_is_not_taken_says_why_and_what_to_do() {
    let alarm = Alarm::start();
    // The first may come through: what is published before the broker says that it takes no more.
    let (said, code) = failure(&mut alarm.publish(&["--count", "20", "--rate", "20", "--timeout", "1s"]));
    assert_eq!(code, Some(1), "{said}");
    for part in [
        "the broker blocks publishers: low on memory; waiting up to 1s for each message (--timeout)\n",
        "leveret publish: the broker blocks publishers: low on memory; a message was not taken within --timeout and is not stored\n",
        "`leveret status` shows the alarm",
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }
}

#[test]
fn it_goes_on_when_the_alarm_is_over() {
    let alarm = Alarm::start();
    let mut command = alarm.command(&["publish", "--queue", "q", "--lines"]);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
    writeln!(stdin, "{}", "x".repeat(2_000)).unwrap();
    let told = said.next().unwrap().unwrap();
    assert!(told.starts_with("the broker blocks publishers: low on memory"), "{told}");
    writeln!(stdin, "waits").unwrap();
    success(&mut alarm.command(&["queues", "purge", "q"]));
    assert_eq!(said.next().unwrap().unwrap(), "the broker takes messages again");
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), &*output.stdout), (Some(0), &b"2 confirmed\n"[..]));
}
