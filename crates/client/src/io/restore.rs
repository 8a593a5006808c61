//! After a lost connection: what was declared on it is declared again, on a channel of its own, before anything else comes back.

use std::sync::Arc;
use std::time::Duration;

use bytes::Buf as _;
use leveret_protocol::methods::{channel, exchange, queue};
use leveret_protocol::{Incoming, Method, ShortStr};
use tokio::time::{Instant, timeout_at};

use super::late::Late;
use super::link::Link;
use super::task::{End, Task};
use crate::deadline;
use crate::topology::{Outcome, Recovery, RecoveryReport, Step};

/// The channel it happens on; no other is open then.
const CHANNEL: u16 = 1;

/// What is to be bound or consumed is not there (any more).
pub(super) const NOT_FOUND: u16 = 404;
/// An exclusive queue belongs to another connection; see `late`.
pub(super) const RESOURCE_LOCKED: u16 = 405;

enum Answer {
    Done,
    Named(String),
    Closed { code: u16, reason: String },
}

impl Task {
    /// Runs the plan. What fails is skipped and reported, with what depends on it.
    pub(super) async fn restore(&mut self, link: &mut Link) -> Result<(), End> {
        let mut recovery = {
            let topology = self.shared.topology.lock();
            if topology.entities().next().is_none() {
                return Ok(());
            }
            topology.recover()
        };
        let done = self.carry_out(&mut recovery, link).await;
        if done.is_err() {
            recovery.done(&mut self.shared.topology.lock(), Outcome::Lost);
        }
        if recovery.is_waiting() {
            self.recovered(recovery.report().clone());
            self.late = Some(Late::new(recovery));
        } else {
            self.recovered(recovery.finish());
        }
        done
    }

    /// Tells of a recovery. Also when it was lost on the way: the names that the topology has by now are the ones to ask for.
    pub(super) fn recovered(&mut self, report: RecoveryReport) {
        for rename in &report.renames {
            self.rename_queue(&rename.old, &rename.new);
        }
        for failure in &report.failures {
            tracing::warn!(entity = ?failure.entity, reason = %failure.reason, "not declared again; it is tried after the next loss");
        }
        if report.recovered + report.failures.len() > 0 {
            tracing::info!(declared = report.recovered, failed = report.failures.len(), "declared again");
        }
        self.shared.recovery.send_replace(Some(Arc::new(report)));
    }

    async fn carry_out(&mut self, recovery: &mut Recovery, link: &mut Link) -> Result<(), End> {
        let mut is_open = false;
        loop {
            let frame = {
                let topology = self.shared.topology.lock();
                let Some(step) = recovery.next(&topology) else { break };
                let mut frame = Vec::new();
                encode(&step, CHANNEL, &mut frame).then_some(frame)
            };
            // Channels bring back their prefetch and consumers themselves.
            let Some(frame) = frame else {
                recovery.done(&mut self.shared.topology.lock(), Outcome::Left);
                continue;
            };
            if !is_open {
                channel::Open.write(CHANNEL, &mut link.out);
                self.answer(link).await?;
                is_open = true;
            }
            link.out.extend_from_slice(&frame);
            let outcome = match self.answer(link).await? {
                Answer::Done => Outcome::Done,
                Answer::Named(name) => Outcome::Named(name),
                Answer::Closed { code, reason } => {
                    is_open = false;
                    match code {
                        NOT_FOUND => Outcome::Gone(reason),
                        RESOURCE_LOCKED => Outcome::Later,
                        _ => Outcome::Failed(reason),
                    }
                }
            };
            recovery.done(&mut self.shared.topology.lock(), outcome);
        }
        if is_open {
            channel::Close { reply_code: 200, ..Default::default() }.write(CHANNEL, &mut link.out);
            self.answer(link).await?;
        }
        Ok(())
    }

    /// Writes what there is and reads until something answers it; deadlines of others still count meanwhile.
    async fn answer(&mut self, link: &mut Link) -> Result<Answer, End> {
        let after: Duration = self.options.operation_timeout;
        // For all of the wait: what else comes meanwhile, a heartbeat for example, is no answer.
        let until = deadline::after(Instant::now(), after);
        loop {
            if let Some(answer) = self.take_answer(link)? {
                return Ok(answer);
            }
            match self.offline(timeout_at(until, link.exchange())).await.map_err(End::Closed)? {
                Ok(Ok(())) => {}
                Ok(Err(text)) => return Err(End::Lost(text)),
                Err(_) => return Err(End::Lost(format!("no answer within {after:?} to a declaration"))),
            }
        }
    }

    fn take_answer(&mut self, link: &mut Link) -> Result<Option<Answer>, End> {
        let mut chunk = link.input.split().freeze();
        let mut found = Ok(None);
        while matches!(found, Ok(None)) {
            let whole = chunk.clone();
            match link.inbound.next(&whole) {
                Ok(Some((incoming, used))) => {
                    chunk.advance(used);
                    found = match incoming {
                        Incoming::Method { channel: 0, method } => {
                            self.on_connection(method, &mut link.out).map(|()| None)
                        }
                        Incoming::Method { method, .. } => Ok(Some(answer_of(&method, &mut link.out))),
                        _ => Ok(None),
                    };
                }
                Ok(None) => break,
                Err(error) => {
                    error.error.write(&mut link.out);
                    found = Err(End::Lost(error.to_string()));
                }
            }
        }
        link.input.extend_from_slice(&chunk);
        found
    }
}

fn answer_of(method: &Method<'_>, out: &mut Vec<u8>) -> Answer {
    match method {
        Method::QueueDeclareOk(ok) => Answer::Named(ok.queue.to_lossy().into_owned()),
        Method::ChannelClose(close) => {
            channel::CloseOk.write(CHANNEL, out);
            Answer::Closed { code: close.reply_code, reason: close.reply_text.to_lossy().into_owned() }
        }
        _ => Answer::Done,
    }
}

/// Writes the method of a step; false: channels do it themselves.
pub(super) fn encode(step: &Step<'_>, channel: u16, out: &mut Vec<u8>) -> bool {
    match *step {
        Step::DeclareExchange(declared) => exchange::Declare {
            exchange: ShortStr::truncate(&declared.name),
            kind: ShortStr::truncate(&declared.kind),
            durable: declared.durable,
            auto_delete: declared.auto_delete,
            internal: declared.internal,
            arguments: declared.arguments.clone(),
            ..Default::default()
        }
        .write(channel, out),
        Step::DeclareQueue { name, queue: declared } => queue::Declare {
            queue: ShortStr::truncate(name),
            durable: declared.durable,
            exclusive: declared.exclusive,
            auto_delete: declared.auto_delete,
            arguments: declared.arguments.clone(),
            ..Default::default()
        }
        .write(channel, out),
        Step::BindQueue { queue, source, routing_key, arguments } => queue::Bind {
            queue: ShortStr::truncate(queue),
            exchange: ShortStr::truncate(source),
            routing_key: ShortStr::from_bytes(routing_key).unwrap_or_default(),
            arguments: arguments.clone(),
            ..Default::default()
        }
        .write(channel, out),
        Step::BindExchange { destination, source, routing_key, arguments } => exchange::Bind {
            destination: ShortStr::truncate(destination),
            source: ShortStr::truncate(source),
            routing_key: ShortStr::from_bytes(routing_key).unwrap_or_default(),
            arguments: arguments.clone(),
            ..Default::default()
        }
        .write(channel, out),
        Step::Qos(_) | Step::Consume(_) => return false,
    }
    true
}
