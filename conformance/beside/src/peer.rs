//! A connection of a script: which channels are open, and what arrives on them as lines that can be compared.

use crate::names::Names;
use crate::render;
use crate::side::Fresh;
use leveret_dialogues::{Connection, Event, Method, conn, methods};
use std::collections::{BTreeMap, BTreeSet};

/// The channel on which nothing is done but asked.
pub(crate) const PROBE: u16 = 60;

/// Something that came.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Seen {
    pub(crate) line: String,
    /// Which delivery of its channel it was: 1, 2, ...
    pub(crate) delivery_tag: Option<u64>,
}

impl Seen {
    pub(crate) fn new(line: String) -> Self {
        Self { line, delivery_tag: None }
    }
}

/// What is known of an open channel.
#[derive(Debug, Default)]
struct State {
    last_delivery_tag: u64,
    confirmed: BTreeSet<u64>,
}

pub(crate) struct Peer {
    pub(crate) connection: Connection,
    channels: BTreeMap<u16, State>,
    /// The broker or the script ended it.
    pub(crate) dead: bool,
    /// The broker has looked at the last step.
    pub(crate) settled: bool,
    /// What was answered on the probing channel.
    pub(crate) probed: Option<String>,
}

impl Peer {
    pub(crate) fn new(connection: Connection) -> Self {
        Self { connection, channels: BTreeMap::new(), dead: false, settled: true, probed: None }
    }

    pub(crate) fn open_channel(&mut self, channel: u16) {
        if !self.channels.contains_key(&channel) {
            self.connection.at(channel).open();
            self.channels.insert(channel, State::default());
        }
    }

    pub(crate) fn is_open(&self, channel: u16) -> bool {
        self.channels.contains_key(&channel)
    }

    /// Takes in something that arrived on connection `at`.
    pub(crate) fn take(
        &mut self,
        channel: u16,
        event: &Event,
        at: usize,
        names: &mut Names,
        fresh: &mut Fresh,
    ) {
        let here = if channel == 0 { format!("c{at}") } else { format!("c{at}#{channel}") };
        let mut see = |place: String, line: String, delivery_tag: Option<u64>| {
            let line = names.plain(&line);
            fresh.entry(names.plain(&place)).or_default().push(Seen { line, delivery_tag });
        };
        let Some(method) = event.method() else {
            if *event == Event::Eof && !self.dead {
                see(here, "(end of the socket)".to_owned(), None);
                self.dead = true;
            }
            return;
        };
        let mut line = render::method(&method);
        if let Event::Message(message) = event {
            let body = String::from_utf8_lossy(&message.body);
            line = format!("{line} {} {} {body:.20}", render::properties(&message.properties), body.len());
        }
        match method {
            Method::ConnectionClose(_) => {
                self.connection.send(conn::CloseOk);
                see(here, line, None);
                self.dead = true;
            }
            Method::ConnectionCloseOk(_) => {
                see(here, line, None);
                self.dead = true;
            }
            Method::ChannelClose(_) | Method::ChannelCloseOk(_) => {
                if matches!(method, Method::ChannelClose(_)) {
                    self.connection.at(channel).send(methods::channel::CloseOk);
                }
                self.channels.remove(&channel);
                if channel == PROBE {
                    self.probed = Some(line);
                } else {
                    see(here, line, None);
                    self.settled = true;
                }
            }
            _ if channel == PROBE => self.probed = Some(line),
            Method::ChannelFlowOk(_) => self.settled = true,
            Method::TxCommitOk(_) => {
                see(here, line, None);
                self.settled = true;
            }
            Method::BasicAck(methods::basic::Ack { delivery_tag, multiple })
            | Method::BasicNack(methods::basic::Nack { delivery_tag, multiple, .. }) => {
                let word = method.id().to_string();
                let Some(State { confirmed, .. }) = self.channels.get_mut(&channel) else { return };
                let first = if multiple { 1 } else { delivery_tag };
                if !multiple && confirmed.contains(&delivery_tag) {
                    see(format!("{here} confirms"), format!("{delivery_tag:03} {word} again"), None);
                }
                for tag in first..=delivery_tag {
                    if confirmed.insert(tag) {
                        see(format!("{here} confirms"), format!("{tag:03} {word}"), None);
                    }
                }
            }
            Method::BasicDeliver(methods::basic::Deliver { delivery_tag, consumer_tag, .. }) => {
                let (known, line) = self.delivered(channel, delivery_tag, line);
                see(format!("{here} {consumer_tag}"), line, Some(known));
            }
            Method::BasicGetOk(methods::basic::GetOk { delivery_tag, .. }) => {
                let (known, line) = self.delivered(channel, delivery_tag, line);
                see(here, line, Some(known));
            }
            Method::BasicConsumeOk(methods::basic::ConsumeOk { consumer_tag })
            | Method::BasicCancelOk(methods::basic::CancelOk { consumer_tag }) => {
                see(here.clone(), line.clone(), None);
                see(format!("{here} {consumer_tag}"), line, None);
            }
            Method::BasicCancel(methods::basic::Cancel { consumer_tag, .. }) => {
                see(format!("{here} {consumer_tag}"), line, None);
            }
            _ => see(here, line, None),
        }
    }

    /// The delivery's number, and its line without it. (What comes to several consumers of a channel comes in any order, and so
    /// the numbers are not compared; that they go up by one is.)
    fn delivered(&mut self, channel: u16, delivery_tag: u64, line: String) -> (u64, String) {
        let Some(state) = self.channels.get_mut(&channel) else { return (delivery_tag, line) };
        let expected = state.last_delivery_tag + 1;
        state.last_delivery_tag = delivery_tag;
        if delivery_tag == expected {
            (delivery_tag, line.replace(&format!(" delivery_tag={delivery_tag} "), " "))
        } else {
            (delivery_tag, line)
        }
    }
}
