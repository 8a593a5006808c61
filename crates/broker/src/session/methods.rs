//! Which operation a method is, and what comes before it: the work of the batch, for all but publishings and settlements.

use super::Session;
use super::errors::IntoError as _;
use leveret_protocol::handshake::unexpected_method;
use leveret_protocol::methods::{access, basic, channel, connection};
use leveret_protocol::{Content, Method, ProtocolError, ReplyCode};

/// Classes of methods that change entities.
const EXCHANGE_CLASS: u16 = 40;
const QUEUE_CLASS: u16 = 50;

/// What a handled method means for the connection as a whole.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Handled {
    /// It goes on.
    Open,
    /// The client closed the connection; `close-ok` is in the output.
    ConnectionClosed,
}

impl Session {
    /// A content method arrived whole.
    #[inline]
    pub(crate) fn content(
        &mut self,
        channel: u16,
        content: Content<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), ProtocolError> {
        self.publishes = true;
        self.publish(channel, content, out)
    }

    /// A method without content arrived on an open channel, or opens one, or concerns the connection.
    pub(crate) fn method(
        &mut self,
        channel: u16,
        method: Method<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Handled, ProtocolError> {
        let id = method.id();
        match method {
            Method::BasicAck(ack) => self.ack(channel, ack)?,
            Method::BasicNack(nack) => self.nack(channel, nack, out)?,
            Method::BasicReject(r) => self.reject(channel, r, out)?,
            method => {
                self.finish_batch(out);
                let changes_entities = matches!(id.class, EXCHANGE_CLASS | QUEUE_CLASS);
                let lost = self.vhost.changes_lost();
                let handled = self.other(channel, method, out).map_err(|error| match error.method {
                    Some(_) => error,
                    None => error.caused_by(id),
                });
                if changes_entities {
                    self.hold_until_changes_are_stored(lost);
                }
                return handled;
            }
        }
        Ok(Handled::Open)
    }

    fn other(
        &mut self,
        channel: u16,
        method: Method<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Handled, ProtocolError> {
        match method {
            Method::ChannelFlow(flow) => {
                if !flow.active {
                    return Err(ProtocolError::connection(ReplyCode::NotImplemented, "active=false"));
                }
                channel::FlowOk { active: true }.write(channel, out);
            }
            Method::AccessRequest(_) => access::RequestOk { ticket: 1 }.write(channel, out),
            Method::ExchangeDeclare(m) => self.declare_exchange(channel, m, out)?,
            Method::ExchangeDelete(m) => self.delete_exchange(channel, m, out)?,
            Method::ExchangeBind(m) => self.bind_exchange(channel, m, out)?,
            Method::ExchangeUnbind(m) => self.unbind_exchange(channel, m, out)?,
            Method::QueueDeclare(m) => self.declare_queue(channel, m, out)?,
            Method::QueueDelete(m) => self.delete_queue(channel, m, out)?,
            Method::QueuePurge(m) => self.purge_queue(channel, m, out)?,
            Method::QueueBind(m) => self.bind_queue(channel, m, out)?,
            Method::QueueUnbind(m) => self.unbind_queue(channel, m, out)?,
            Method::BasicQos(m) => self.qos(channel, m, out)?,
            Method::BasicConsume(m) => self.consume(channel, m, out)?,
            Method::BasicCancel(m) => self.cancel(channel, m, out)?,
            Method::BasicGet(m) => self.get(channel, m, out)?,
            Method::BasicRecover(m) => {
                self.recover(channel, m.requeue)?;
                basic::RecoverOk.write(channel, out);
            }
            Method::BasicRecoverAsync(m) => self.recover(channel, m.requeue)?,
            Method::ConfirmSelect(m) => self.select_confirm(channel, m, out)?,
            Method::TxSelect(_) => self.select_tx(channel, out)?,
            Method::TxCommit(_) => self.commit(channel, out)?,
            Method::TxRollback(_) => self.rollback(channel, out)?,
            other => {
                let text = format!("{} is not a method a client sends on an open channel", other.id());
                return Err(ProtocolError::connection(ReplyCode::CommandInvalid, text));
            }
        }
        Ok(Handled::Open)
    }

    /// A method arrived on channel 0.
    pub(crate) fn connection_method(
        &mut self,
        method: Method<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Handled, ProtocolError> {
        self.finish_batch(out);
        match method {
            Method::ConnectionClose(_) => {
                connection::CloseOk.write(0, out);
                Ok(Handled::ConnectionClosed)
            }
            Method::ConnectionUpdateSecret(_) => {
                let user = &self.negotiated.actor.user;
                self.broker.auth().check_update_secret(user, self.vhost.name()).or_refuse(0)?;
                connection::UpdateSecretOk.write(0, out);
                Ok(Handled::Open)
            }
            other => Err(unexpected_method("running", other.id())),
        }
    }
}
