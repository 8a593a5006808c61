//! Where the bodies come from: arguments, files, stdin. Stdin is read by a thread of its own, so that the connection never waits for it.

use crate::failure::Failure;
use std::io::{BufRead, IsTerminal, Read};
use std::path::PathBuf;
use tokio::sync::mpsc;

/// Largest message, in bytes: what brokers take at most.
const BODY_BYTES_MAX: u64 = 128 << 20;
/// Lines that wait for being published.
const LINES_WAITING_MAX: usize = 64;

/// Bodies one after the other.
pub(super) enum Bodies {
    /// These, several times.
    Given { bodies: Vec<Vec<u8>>, at: usize, rounds_left: u64 },
    /// The bytes of these, several times.
    Files { files: Vec<PathBuf>, at: usize, rounds_left: u64 },
    /// What a thread reads from stdin.
    Lines(mpsc::Receiver<Result<Vec<u8>, Failure>>),
}

impl Bodies {
    /// Arguments.
    pub(super) fn given(bodies: &[String], rounds: u64) -> Bodies {
        Bodies::Given {
            bodies: bodies.iter().map(|body| body.clone().into_bytes()).collect(),
            at: 0,
            rounds_left: rounds,
        }
    }

    /// Files, read when it is their turn.
    pub(super) fn files(files: Vec<PathBuf>, rounds: u64) -> Bodies {
        Bodies::Files { files, at: 0, rounds_left: rounds }
    }

    /// Everything on stdin as one.
    pub(super) fn stdin(rounds: u64) -> Result<Bodies, Failure> {
        if std::io::stdin().is_terminal() {
            return Err(Failure::usage("no message: give BODY, --file FILE, or something on stdin"));
        }
        let mut body = Vec::new();
        let mut stdin = std::io::stdin().lock().take(BODY_BYTES_MAX + 1);
        stdin.read_to_end(&mut body).map_err(|error| Failure::new(format!("stdin: {error}")))?;
        if body.len() as u64 > BODY_BYTES_MAX {
            return Err(too_large("stdin"));
        }
        Ok(Bodies::Given { bodies: vec![body], at: 0, rounds_left: rounds })
    }

    /// Lines of stdin; empty ones are messages too, unless they are to be JSON.
    pub(super) fn lines(skips_empty: bool) -> Bodies {
        let (sender, receiver) = mpsc::channel(LINES_WAITING_MAX);
        std::thread::spawn(move || {
            let mut stdin = std::io::stdin().lock();
            loop {
                let line = match line(&mut stdin) {
                    Ok(None) => return,
                    Ok(Some(line)) if line.is_empty() && skips_empty => continue,
                    Ok(Some(line)) => Ok(line),
                    Err(failure) => Err(failure),
                };
                let is_last = line.is_err();
                if sender.blocking_send(line).is_err() || is_last {
                    return;
                }
            }
        });
        Bodies::Lines(receiver)
    }

    /// The next one.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        match self {
            Bodies::Lines(lines) => lines.recv().await.transpose(),
            Bodies::Given { bodies, at, rounds_left } => {
                Ok(turn(bodies.len(), at, rounds_left).and_then(|at| bodies.get(at).cloned()))
            }
            Bodies::Files { files, at, rounds_left } => {
                let Some(file) = turn(files.len(), at, rounds_left).and_then(|at| files.get(at)) else {
                    return Ok(None);
                };
                let failed = |error: std::io::Error| Failure::new(format!("{}: {error}", file.display()));
                let size = std::fs::metadata(file).map_err(failed)?.len();
                if size > BODY_BYTES_MAX {
                    return Err(too_large(&file.display().to_string()));
                }
                std::fs::read(file).map_err(failed).map(Some)
            }
        }
    }
}

/// The next place in a list that is gone through several times.
fn turn(len: usize, at: &mut usize, rounds_left: &mut u64) -> Option<usize> {
    if *rounds_left == 0 || len == 0 {
        return None;
    }
    let now = *at;
    *at += 1;
    if *at == len {
        (*at, *rounds_left) = (0, *rounds_left - 1);
    }
    Some(now)
}

fn line(stdin: &mut impl BufRead) -> Result<Option<Vec<u8>>, Failure> {
    let mut line = Vec::new();
    let mut bounded = stdin.take(BODY_BYTES_MAX + 2);
    let read =
        bounded.read_until(b'\n', &mut line).map_err(|error| Failure::new(format!("stdin: {error}")))?;
    if read == 0 {
        return Ok(None);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
    }
    if line.len() as u64 > BODY_BYTES_MAX { Err(too_large("a line of stdin")) } else { Ok(Some(line)) }
}

fn too_large(what: &str) -> Failure {
    Failure::usage(format!("{what} is larger than {} MiB, which no broker takes", BODY_BYTES_MAX >> 20))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_gone_through_several_times() {
        let (mut at, mut rounds) = (0, 2);
        let places: Vec<usize> = std::iter::from_fn(|| turn(3, &mut at, &mut rounds)).collect();
        assert_eq!(places, [0, 1, 2, 0, 1, 2]);
        assert_eq!(turn(0, &mut 0, &mut 1), None);
    }

    #[test]
    fn lines_without_their_end() {
        let mut text = &b"a\n\nb\r\nlast"[..];
        let lines: Vec<_> = std::iter::from_fn(|| line(&mut text).unwrap()).collect();
        assert_eq!(lines, [&b"a"[..], b"", b"b\r", b"last"]);
    }
}
