//! A scripted peer for the HTTP API: answers each request from a table and remembers what was asked.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What is answered: method and path with its query, status, body.
pub(crate) type Script = &'static [(&'static str, u16, &'static str)];

/// A peer that runs until the test ends.
pub(crate) struct Peer {
    /// Its URL.
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Peer {
    /// Answers from this table, and 404 to everything else.
    pub(crate) fn start(script: Script) -> Peer {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://guest:guest@{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let remembered = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let remembered = Arc::clone(&remembered);
                std::thread::spawn(move || serve(stream.unwrap(), script, &remembered));
            }
        });
        Peer { url, asked }
    }

    /// Every request so far: method, path and body.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn serve(stream: TcpStream, script: Script, asked: &Mutex<Vec<String>>) {
    let mut writer = stream.try_clone().unwrap();
    let mut reader = BufReader::new(stream);
    loop {
        let mut first = String::new();
        if reader.read_line(&mut first).unwrap_or(0) == 0 {
            return;
        }
        let mut body_len = 0;
        let mut reason = String::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            let line = line.trim_end();
            let lower = line.to_ascii_lowercase();
            if line.is_empty() {
                break;
            } else if let Some(len) = lower.strip_prefix("content-length: ") {
                body_len = len.parse().unwrap();
            } else if lower.starts_with("x-reason: ") {
                reason = format!(" ({})", &line[10..]);
            } else if lower.starts_with("authorization: ") {
                assert_eq!(line[15..], *"Basic Z3Vlc3Q6Z3Vlc3Q=");
            }
        }
        let mut body = vec![0; body_len];
        reader.read_exact(&mut body).unwrap();
        let what = first.trim_end().trim_end_matches(" HTTP/1.1").to_owned();
        let body = String::from_utf8(body).unwrap();
        asked.lock().unwrap().push(format!("{what}{reason} {body}").trim_end().to_owned());
        let missing = ("", 404, r#"{"error":"Object Not Found","reason":"Not Found"}"#);
        let (_, status, answer) = script.iter().find(|(path, ..)| *path == what).unwrap_or(&missing);
        let length = answer.len();
        write!(writer, "HTTP/1.1 {status} x\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{answer}").unwrap();
    }
}
