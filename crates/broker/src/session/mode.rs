//! Confirm mode and transactions. A transaction's publishings and settlements are done together at commit.

use super::Session;
use super::deliver::put_return;
use crate::channel::Mode;
use crate::channel::confirms::Confirms;
use crate::channel::transaction::{Settlement, Transaction};
use crate::queue::Incoming;
use crate::queue::past::Return;
use crate::stats::{CONFIRM, TRANSACTION};
use leveret_protocol::methods::{confirm, tx};
use leveret_protocol::{ProtocolError, ReplyCode};

impl Session {
    pub(super) fn select_confirm(
        &mut self,
        channel: u16,
        m: confirm::Select,
        out: &mut Vec<u8>,
    ) -> Result<(), ProtocolError> {
        let mode = &mut self.channel(channel)?.mode;
        match mode {
            Mode::Transaction(_) => {
                return Err(precondition(channel, "cannot switch from tx to confirm mode"));
            }
            Mode::Confirm(_) => {}
            Mode::Plain => *mode = Mode::Confirm(Confirms::default()),
        }
        self.channel(channel)?.figures.mode.set(CONFIRM);
        if !m.no_wait {
            confirm::SelectOk.write(channel, out);
        }
        Ok(())
    }

    pub(super) fn select_tx(&mut self, channel: u16, out: &mut Vec<u8>) -> Result<(), ProtocolError> {
        let mode = &mut self.channel(channel)?.mode;
        match mode {
            Mode::Confirm(_) => return Err(precondition(channel, "cannot switch from confirm to tx mode")),
            Mode::Transaction(_) => {}
            Mode::Plain => *mode = Mode::Transaction(Transaction::default()),
        }
        self.channel(channel)?.figures.mode.set(TRANSACTION);
        tx::SelectOk.write(channel, out);
        Ok(())
    }

    pub(super) fn commit(&mut self, channel: u16, out: &mut Vec<u8>) -> Result<(), ProtocolError> {
        let transaction = self.take_transaction(channel)?;
        self.count_committed(channel, &transaction);
        for (message, queues) in transaction.publishings {
            for queue in &queues {
                self.pending
                    .publish(queue, Incoming { message: message.clone(), channel, confirm: 0, moved: false });
            }
        }
        let mut acked = Vec::new();
        let (mut discarded, mut released, mut rejected) = (Vec::new(), Vec::new(), Vec::new());
        for (slot, settlement) in transaction.settlements {
            match settlement {
                Settlement::Ack => acked.push(slot),
                Settlement::Discard => discarded.push(slot),
                Settlement::Return(why) if why.is_failure() => rejected.push(slot),
                Settlement::Return(_) => released.push(slot),
            }
        }
        self.ack_slots(channel, acked);
        self.place_pending();
        self.refuse_slots(channel, discarded, None, "reject");
        self.refuse_slots(channel, released, Some(Return::Released), "nack");
        self.refuse_slots(channel, rejected, Some(Return::Rejected), "reject");
        // One append: after a crash the transaction is there whole, or not at all.
        self.recorder.make_synced();
        let ticket = self.record_for(true).map_err(super::errors::store_failed)?.ticket;
        self.hold_output_until(ticket);
        for message in transaction.returns {
            put_return(out, channel, 312, "NO_ROUTE", &message, self.negotiated.frame_max);
        }
        if self.take_transaction(channel)?.refused {
            return Err(precondition(channel, "partial tx completion"));
        }
        tx::CommitOk.write(channel, out);
        Ok(())
    }

    fn count_committed(&mut self, channel: u16, transaction: &Transaction) {
        let Self { channels, vhost, runs, .. } = self;
        let Some(Some(open)) = channels.get(usize::from(channel)) else { return };
        let taken = transaction.publishings.iter().map(|(message, queues)| (message, queues.len()));
        let returned = transaction.returns.iter().map(|message| (message, 0));
        let topology = vhost.topology();
        for (number, (message, queues)) in taken.chain(returned).enumerate() {
            open.figures.published(queues, number >= transaction.publishings.len());
            if let Some(exchange) =
                std::str::from_utf8(message.exchange()).ok().and_then(|name| topology.exchange(name))
            {
                runs.count(exchange.figures(), queues);
            }
        }
        drop(topology);
        open.show_transaction();
    }

    pub(super) fn rollback(&mut self, channel: u16, out: &mut Vec<u8>) -> Result<(), ProtocolError> {
        let transaction = self.take_transaction(channel)?;
        let slots = transaction.settlements.into_iter().map(|(slot, _)| slot);
        let open = self.channel(channel)?;
        open.unacked.restore(slots);
        open.show_unacked();
        open.show_transaction();
        tx::RollbackOk.write(channel, out);
        Ok(())
    }

    fn take_transaction(&mut self, channel: u16) -> Result<Transaction, ProtocolError> {
        match &mut self.channel(channel)?.mode {
            Mode::Transaction(transaction) => Ok(std::mem::take(transaction)),
            _ => Err(precondition(channel, "channel is not transactional")),
        }
    }
}

fn precondition(channel: u16, text: &str) -> ProtocolError {
    ProtocolError::channel(channel, ReplyCode::PreconditionFailed, text)
}

/// The transaction's bound in bytes was reached.
pub(super) fn transaction_too_large(channel: u16, bytes_max: usize) -> ProtocolError {
    let text = format!("transaction holds more than {bytes_max} bytes: commit more often");
    ProtocolError::channel(channel, ReplyCode::PreconditionFailed, text)
}
