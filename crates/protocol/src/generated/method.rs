//! Every method as one enum.
//!
//! Generated from `spec/amqp-0-9-1.toml` by `cargo run -p xtask -- generate`; change the table, not this file.

use crate::error::MethodError;
use crate::method_id::MethodId;
use crate::methods::{access, basic, channel, confirm, connection, exchange, queue, tx};
use crate::wire::Reader;

/// A method of any class, decoded.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Method<'a> {
    /// `connection.start`
    ConnectionStart(connection::Start<'a>),
    /// `connection.start-ok`
    ConnectionStartOk(connection::StartOk<'a>),
    /// `connection.secure`
    ConnectionSecure(connection::Secure<'a>),
    /// `connection.secure-ok`
    ConnectionSecureOk(connection::SecureOk<'a>),
    /// `connection.tune`
    ConnectionTune(connection::Tune),
    /// `connection.tune-ok`
    ConnectionTuneOk(connection::TuneOk),
    /// `connection.open`
    ConnectionOpen(connection::Open<'a>),
    /// `connection.open-ok`
    ConnectionOpenOk(connection::OpenOk),
    /// `connection.close`
    ConnectionClose(connection::Close<'a>),
    /// `connection.close-ok`
    ConnectionCloseOk(connection::CloseOk),
    /// `connection.blocked`
    ConnectionBlocked(connection::Blocked<'a>),
    /// `connection.unblocked`
    ConnectionUnblocked(connection::Unblocked),
    /// `connection.update-secret`
    ConnectionUpdateSecret(connection::UpdateSecret<'a>),
    /// `connection.update-secret-ok`
    ConnectionUpdateSecretOk(connection::UpdateSecretOk),
    /// `channel.open`
    ChannelOpen(channel::Open),
    /// `channel.open-ok`
    ChannelOpenOk(channel::OpenOk),
    /// `channel.flow`
    ChannelFlow(channel::Flow),
    /// `channel.flow-ok`
    ChannelFlowOk(channel::FlowOk),
    /// `channel.close`
    ChannelClose(channel::Close<'a>),
    /// `channel.close-ok`
    ChannelCloseOk(channel::CloseOk),
    /// `access.request`
    AccessRequest(access::Request<'a>),
    /// `access.request-ok`
    AccessRequestOk(access::RequestOk),
    /// `exchange.declare`
    ExchangeDeclare(exchange::Declare<'a>),
    /// `exchange.declare-ok`
    ExchangeDeclareOk(exchange::DeclareOk),
    /// `exchange.delete`
    ExchangeDelete(exchange::Delete<'a>),
    /// `exchange.delete-ok`
    ExchangeDeleteOk(exchange::DeleteOk),
    /// `exchange.bind`
    ExchangeBind(exchange::Bind<'a>),
    /// `exchange.bind-ok`
    ExchangeBindOk(exchange::BindOk),
    /// `exchange.unbind`
    ExchangeUnbind(exchange::Unbind<'a>),
    /// `exchange.unbind-ok`
    ExchangeUnbindOk(exchange::UnbindOk),
    /// `queue.declare`
    QueueDeclare(queue::Declare<'a>),
    /// `queue.declare-ok`
    QueueDeclareOk(queue::DeclareOk<'a>),
    /// `queue.bind`
    QueueBind(queue::Bind<'a>),
    /// `queue.bind-ok`
    QueueBindOk(queue::BindOk),
    /// `queue.purge`
    QueuePurge(queue::Purge<'a>),
    /// `queue.purge-ok`
    QueuePurgeOk(queue::PurgeOk),
    /// `queue.delete`
    QueueDelete(queue::Delete<'a>),
    /// `queue.delete-ok`
    QueueDeleteOk(queue::DeleteOk),
    /// `queue.unbind`
    QueueUnbind(queue::Unbind<'a>),
    /// `queue.unbind-ok`
    QueueUnbindOk(queue::UnbindOk),
    /// `basic.qos`
    BasicQos(basic::Qos),
    /// `basic.qos-ok`
    BasicQosOk(basic::QosOk),
    /// `basic.consume`
    BasicConsume(basic::Consume<'a>),
    /// `basic.consume-ok`
    BasicConsumeOk(basic::ConsumeOk<'a>),
    /// `basic.cancel`
    BasicCancel(basic::Cancel<'a>),
    /// `basic.cancel-ok`
    BasicCancelOk(basic::CancelOk<'a>),
    /// `basic.publish`
    BasicPublish(basic::Publish<'a>),
    /// `basic.return`
    BasicReturn(basic::Return<'a>),
    /// `basic.deliver`
    BasicDeliver(basic::Deliver<'a>),
    /// `basic.get`
    BasicGet(basic::Get<'a>),
    /// `basic.get-ok`
    BasicGetOk(basic::GetOk<'a>),
    /// `basic.get-empty`
    BasicGetEmpty(basic::GetEmpty),
    /// `basic.ack`
    BasicAck(basic::Ack),
    /// `basic.reject`
    BasicReject(basic::Reject),
    /// `basic.recover-async`
    BasicRecoverAsync(basic::RecoverAsync),
    /// `basic.recover`
    BasicRecover(basic::Recover),
    /// `basic.recover-ok`
    BasicRecoverOk(basic::RecoverOk),
    /// `basic.nack`
    BasicNack(basic::Nack),
    /// `confirm.select`
    ConfirmSelect(confirm::Select),
    /// `confirm.select-ok`
    ConfirmSelectOk(confirm::SelectOk),
    /// `tx.select`
    TxSelect(tx::Select),
    /// `tx.select-ok`
    TxSelectOk(tx::SelectOk),
    /// `tx.commit`
    TxCommit(tx::Commit),
    /// `tx.commit-ok`
    TxCommitOk(tx::CommitOk),
    /// `tx.rollback`
    TxRollback(tx::Rollback),
    /// `tx.rollback-ok`
    TxRollbackOk(tx::RollbackOk),
}

impl<'a> Method<'a> {
    /// Decodes a method frame's payload: class, method, arguments, and nothing after them.
    ///
    /// # Errors
    /// When no method has these numbers, or its arguments do not decode.
    pub fn decode(payload: &'a [u8]) -> Result<Self, MethodError> {
        let mut reader = Reader::new(payload);
        let id = MethodId::decode(&mut reader).map_err(MethodError::Short)?;
        let malformed = |source| MethodError::Malformed { id, source };
        let method = match id {
            connection::Start::ID => {
                Self::ConnectionStart(connection::Start::decode_args(&mut reader).map_err(malformed)?)
            }
            connection::StartOk::ID => {
                Self::ConnectionStartOk(connection::StartOk::decode_args(&mut reader).map_err(malformed)?)
            }
            connection::Secure::ID => {
                Self::ConnectionSecure(connection::Secure::decode_args(&mut reader).map_err(malformed)?)
            }
            connection::SecureOk::ID => {
                Self::ConnectionSecureOk(connection::SecureOk::decode_args(&mut reader).map_err(malformed)?)
            }
            connection::Tune::ID => {
                Self::ConnectionTune(connection::Tune::decode_args(&mut reader).map_err(malformed)?)
            }
            connection::TuneOk::ID => {
                Self::ConnectionTuneOk(connection::TuneOk::decode_args(&mut reader).map_err(malformed)?)
            }
            connection::Open::ID => {
                Self::ConnectionOpen(connection::Open::decode_args(&mut reader).map_err(malformed)?)
            }
            connection::OpenOk::ID => {
                Self::ConnectionOpenOk(connection::OpenOk::decode_args(&mut reader).map_err(malformed)?)
            }
            connection::Close::ID => {
                Self::ConnectionClose(connection::Close::decode_args(&mut reader).map_err(malformed)?)
            }
            connection::CloseOk::ID => {
                Self::ConnectionCloseOk(connection::CloseOk::decode_args(&mut reader).map_err(malformed)?)
            }
            connection::Blocked::ID => {
                Self::ConnectionBlocked(connection::Blocked::decode_args(&mut reader).map_err(malformed)?)
            }
            connection::Unblocked::ID => {
                Self::ConnectionUnblocked(connection::Unblocked::decode_args(&mut reader).map_err(malformed)?)
            }
            connection::UpdateSecret::ID => Self::ConnectionUpdateSecret(
                connection::UpdateSecret::decode_args(&mut reader).map_err(malformed)?,
            ),
            connection::UpdateSecretOk::ID => Self::ConnectionUpdateSecretOk(
                connection::UpdateSecretOk::decode_args(&mut reader).map_err(malformed)?,
            ),
            channel::Open::ID => {
                Self::ChannelOpen(channel::Open::decode_args(&mut reader).map_err(malformed)?)
            }
            channel::OpenOk::ID => {
                Self::ChannelOpenOk(channel::OpenOk::decode_args(&mut reader).map_err(malformed)?)
            }
            channel::Flow::ID => {
                Self::ChannelFlow(channel::Flow::decode_args(&mut reader).map_err(malformed)?)
            }
            channel::FlowOk::ID => {
                Self::ChannelFlowOk(channel::FlowOk::decode_args(&mut reader).map_err(malformed)?)
            }
            channel::Close::ID => {
                Self::ChannelClose(channel::Close::decode_args(&mut reader).map_err(malformed)?)
            }
            channel::CloseOk::ID => {
                Self::ChannelCloseOk(channel::CloseOk::decode_args(&mut reader).map_err(malformed)?)
            }
            access::Request::ID => {
                Self::AccessRequest(access::Request::decode_args(&mut reader).map_err(malformed)?)
            }
            access::RequestOk::ID => {
                Self::AccessRequestOk(access::RequestOk::decode_args(&mut reader).map_err(malformed)?)
            }
            exchange::Declare::ID => {
                Self::ExchangeDeclare(exchange::Declare::decode_args(&mut reader).map_err(malformed)?)
            }
            exchange::DeclareOk::ID => {
                Self::ExchangeDeclareOk(exchange::DeclareOk::decode_args(&mut reader).map_err(malformed)?)
            }
            exchange::Delete::ID => {
                Self::ExchangeDelete(exchange::Delete::decode_args(&mut reader).map_err(malformed)?)
            }
            exchange::DeleteOk::ID => {
                Self::ExchangeDeleteOk(exchange::DeleteOk::decode_args(&mut reader).map_err(malformed)?)
            }
            exchange::Bind::ID => {
                Self::ExchangeBind(exchange::Bind::decode_args(&mut reader).map_err(malformed)?)
            }
            exchange::BindOk::ID => {
                Self::ExchangeBindOk(exchange::BindOk::decode_args(&mut reader).map_err(malformed)?)
            }
            exchange::Unbind::ID => {
                Self::ExchangeUnbind(exchange::Unbind::decode_args(&mut reader).map_err(malformed)?)
            }
            exchange::UnbindOk::ID => {
                Self::ExchangeUnbindOk(exchange::UnbindOk::decode_args(&mut reader).map_err(malformed)?)
            }
            queue::Declare::ID => {
                Self::QueueDeclare(queue::Declare::decode_args(&mut reader).map_err(malformed)?)
            }
            queue::DeclareOk::ID => {
                Self::QueueDeclareOk(queue::DeclareOk::decode_args(&mut reader).map_err(malformed)?)
            }
            queue::Bind::ID => Self::QueueBind(queue::Bind::decode_args(&mut reader).map_err(malformed)?),
            queue::BindOk::ID => {
                Self::QueueBindOk(queue::BindOk::decode_args(&mut reader).map_err(malformed)?)
            }
            queue::Purge::ID => Self::QueuePurge(queue::Purge::decode_args(&mut reader).map_err(malformed)?),
            queue::PurgeOk::ID => {
                Self::QueuePurgeOk(queue::PurgeOk::decode_args(&mut reader).map_err(malformed)?)
            }
            queue::Delete::ID => {
                Self::QueueDelete(queue::Delete::decode_args(&mut reader).map_err(malformed)?)
            }
            queue::DeleteOk::ID => {
                Self::QueueDeleteOk(queue::DeleteOk::decode_args(&mut reader).map_err(malformed)?)
            }
            queue::Unbind::ID => {
                Self::QueueUnbind(queue::Unbind::decode_args(&mut reader).map_err(malformed)?)
            }
            queue::UnbindOk::ID => {
                Self::QueueUnbindOk(queue::UnbindOk::decode_args(&mut reader).map_err(malformed)?)
            }
            basic::Qos::ID => Self::BasicQos(basic::Qos::decode_args(&mut reader).map_err(malformed)?),
            basic::QosOk::ID => Self::BasicQosOk(basic::QosOk::decode_args(&mut reader).map_err(malformed)?),
            basic::Consume::ID => {
                Self::BasicConsume(basic::Consume::decode_args(&mut reader).map_err(malformed)?)
            }
            basic::ConsumeOk::ID => {
                Self::BasicConsumeOk(basic::ConsumeOk::decode_args(&mut reader).map_err(malformed)?)
            }
            basic::Cancel::ID => {
                Self::BasicCancel(basic::Cancel::decode_args(&mut reader).map_err(malformed)?)
            }
            basic::CancelOk::ID => {
                Self::BasicCancelOk(basic::CancelOk::decode_args(&mut reader).map_err(malformed)?)
            }
            basic::Publish::ID => {
                Self::BasicPublish(basic::Publish::decode_args(&mut reader).map_err(malformed)?)
            }
            basic::Return::ID => {
                Self::BasicReturn(basic::Return::decode_args(&mut reader).map_err(malformed)?)
            }
            basic::Deliver::ID => {
                Self::BasicDeliver(basic::Deliver::decode_args(&mut reader).map_err(malformed)?)
            }
            basic::Get::ID => Self::BasicGet(basic::Get::decode_args(&mut reader).map_err(malformed)?),
            basic::GetOk::ID => Self::BasicGetOk(basic::GetOk::decode_args(&mut reader).map_err(malformed)?),
            basic::GetEmpty::ID => {
                Self::BasicGetEmpty(basic::GetEmpty::decode_args(&mut reader).map_err(malformed)?)
            }
            basic::Ack::ID => Self::BasicAck(basic::Ack::decode_args(&mut reader).map_err(malformed)?),
            basic::Reject::ID => {
                Self::BasicReject(basic::Reject::decode_args(&mut reader).map_err(malformed)?)
            }
            basic::RecoverAsync::ID => {
                Self::BasicRecoverAsync(basic::RecoverAsync::decode_args(&mut reader).map_err(malformed)?)
            }
            basic::Recover::ID => {
                Self::BasicRecover(basic::Recover::decode_args(&mut reader).map_err(malformed)?)
            }
            basic::RecoverOk::ID => {
                Self::BasicRecoverOk(basic::RecoverOk::decode_args(&mut reader).map_err(malformed)?)
            }
            basic::Nack::ID => Self::BasicNack(basic::Nack::decode_args(&mut reader).map_err(malformed)?),
            confirm::Select::ID => {
                Self::ConfirmSelect(confirm::Select::decode_args(&mut reader).map_err(malformed)?)
            }
            confirm::SelectOk::ID => {
                Self::ConfirmSelectOk(confirm::SelectOk::decode_args(&mut reader).map_err(malformed)?)
            }
            tx::Select::ID => Self::TxSelect(tx::Select::decode_args(&mut reader).map_err(malformed)?),
            tx::SelectOk::ID => Self::TxSelectOk(tx::SelectOk::decode_args(&mut reader).map_err(malformed)?),
            tx::Commit::ID => Self::TxCommit(tx::Commit::decode_args(&mut reader).map_err(malformed)?),
            tx::CommitOk::ID => Self::TxCommitOk(tx::CommitOk::decode_args(&mut reader).map_err(malformed)?),
            tx::Rollback::ID => Self::TxRollback(tx::Rollback::decode_args(&mut reader).map_err(malformed)?),
            tx::RollbackOk::ID => {
                Self::TxRollbackOk(tx::RollbackOk::decode_args(&mut reader).map_err(malformed)?)
            }
            _ => return Err(MethodError::Unknown(id)),
        };
        reader.finish().map_err(malformed)?;
        Ok(method)
    }

    /// Class and method number.
    #[must_use]
    pub fn id(&self) -> MethodId {
        match self {
            Self::ConnectionStart(_) => connection::Start::ID,
            Self::ConnectionStartOk(_) => connection::StartOk::ID,
            Self::ConnectionSecure(_) => connection::Secure::ID,
            Self::ConnectionSecureOk(_) => connection::SecureOk::ID,
            Self::ConnectionTune(_) => connection::Tune::ID,
            Self::ConnectionTuneOk(_) => connection::TuneOk::ID,
            Self::ConnectionOpen(_) => connection::Open::ID,
            Self::ConnectionOpenOk(_) => connection::OpenOk::ID,
            Self::ConnectionClose(_) => connection::Close::ID,
            Self::ConnectionCloseOk(_) => connection::CloseOk::ID,
            Self::ConnectionBlocked(_) => connection::Blocked::ID,
            Self::ConnectionUnblocked(_) => connection::Unblocked::ID,
            Self::ConnectionUpdateSecret(_) => connection::UpdateSecret::ID,
            Self::ConnectionUpdateSecretOk(_) => connection::UpdateSecretOk::ID,
            Self::ChannelOpen(_) => channel::Open::ID,
            Self::ChannelOpenOk(_) => channel::OpenOk::ID,
            Self::ChannelFlow(_) => channel::Flow::ID,
            Self::ChannelFlowOk(_) => channel::FlowOk::ID,
            Self::ChannelClose(_) => channel::Close::ID,
            Self::ChannelCloseOk(_) => channel::CloseOk::ID,
            Self::AccessRequest(_) => access::Request::ID,
            Self::AccessRequestOk(_) => access::RequestOk::ID,
            Self::ExchangeDeclare(_) => exchange::Declare::ID,
            Self::ExchangeDeclareOk(_) => exchange::DeclareOk::ID,
            Self::ExchangeDelete(_) => exchange::Delete::ID,
            Self::ExchangeDeleteOk(_) => exchange::DeleteOk::ID,
            Self::ExchangeBind(_) => exchange::Bind::ID,
            Self::ExchangeBindOk(_) => exchange::BindOk::ID,
            Self::ExchangeUnbind(_) => exchange::Unbind::ID,
            Self::ExchangeUnbindOk(_) => exchange::UnbindOk::ID,
            Self::QueueDeclare(_) => queue::Declare::ID,
            Self::QueueDeclareOk(_) => queue::DeclareOk::ID,
            Self::QueueBind(_) => queue::Bind::ID,
            Self::QueueBindOk(_) => queue::BindOk::ID,
            Self::QueuePurge(_) => queue::Purge::ID,
            Self::QueuePurgeOk(_) => queue::PurgeOk::ID,
            Self::QueueDelete(_) => queue::Delete::ID,
            Self::QueueDeleteOk(_) => queue::DeleteOk::ID,
            Self::QueueUnbind(_) => queue::Unbind::ID,
            Self::QueueUnbindOk(_) => queue::UnbindOk::ID,
            Self::BasicQos(_) => basic::Qos::ID,
            Self::BasicQosOk(_) => basic::QosOk::ID,
            Self::BasicConsume(_) => basic::Consume::ID,
            Self::BasicConsumeOk(_) => basic::ConsumeOk::ID,
            Self::BasicCancel(_) => basic::Cancel::ID,
            Self::BasicCancelOk(_) => basic::CancelOk::ID,
            Self::BasicPublish(_) => basic::Publish::ID,
            Self::BasicReturn(_) => basic::Return::ID,
            Self::BasicDeliver(_) => basic::Deliver::ID,
            Self::BasicGet(_) => basic::Get::ID,
            Self::BasicGetOk(_) => basic::GetOk::ID,
            Self::BasicGetEmpty(_) => basic::GetEmpty::ID,
            Self::BasicAck(_) => basic::Ack::ID,
            Self::BasicReject(_) => basic::Reject::ID,
            Self::BasicRecoverAsync(_) => basic::RecoverAsync::ID,
            Self::BasicRecover(_) => basic::Recover::ID,
            Self::BasicRecoverOk(_) => basic::RecoverOk::ID,
            Self::BasicNack(_) => basic::Nack::ID,
            Self::ConfirmSelect(_) => confirm::Select::ID,
            Self::ConfirmSelectOk(_) => confirm::SelectOk::ID,
            Self::TxSelect(_) => tx::Select::ID,
            Self::TxSelectOk(_) => tx::SelectOk::ID,
            Self::TxCommit(_) => tx::Commit::ID,
            Self::TxCommitOk(_) => tx::CommitOk::ID,
            Self::TxRollback(_) => tx::Rollback::ID,
            Self::TxRollbackOk(_) => tx::RollbackOk::ID,
        }
    }

    /// Whether a content header and body follow the method.
    #[must_use]
    pub fn has_content(&self) -> bool {
        matches!(
            self,
            Self::BasicPublish(_) | Self::BasicReturn(_) | Self::BasicDeliver(_) | Self::BasicGetOk(_)
        )
    }

    /// Appends the whole method frame.
    pub fn write(&self, channel: u16, out: &mut Vec<u8>) {
        match self {
            Self::ConnectionStart(method) => method.write(channel, out),
            Self::ConnectionStartOk(method) => method.write(channel, out),
            Self::ConnectionSecure(method) => method.write(channel, out),
            Self::ConnectionSecureOk(method) => method.write(channel, out),
            Self::ConnectionTune(method) => method.write(channel, out),
            Self::ConnectionTuneOk(method) => method.write(channel, out),
            Self::ConnectionOpen(method) => method.write(channel, out),
            Self::ConnectionOpenOk(method) => method.write(channel, out),
            Self::ConnectionClose(method) => method.write(channel, out),
            Self::ConnectionCloseOk(method) => method.write(channel, out),
            Self::ConnectionBlocked(method) => method.write(channel, out),
            Self::ConnectionUnblocked(method) => method.write(channel, out),
            Self::ConnectionUpdateSecret(method) => method.write(channel, out),
            Self::ConnectionUpdateSecretOk(method) => method.write(channel, out),
            Self::ChannelOpen(method) => method.write(channel, out),
            Self::ChannelOpenOk(method) => method.write(channel, out),
            Self::ChannelFlow(method) => method.write(channel, out),
            Self::ChannelFlowOk(method) => method.write(channel, out),
            Self::ChannelClose(method) => method.write(channel, out),
            Self::ChannelCloseOk(method) => method.write(channel, out),
            Self::AccessRequest(method) => method.write(channel, out),
            Self::AccessRequestOk(method) => method.write(channel, out),
            Self::ExchangeDeclare(method) => method.write(channel, out),
            Self::ExchangeDeclareOk(method) => method.write(channel, out),
            Self::ExchangeDelete(method) => method.write(channel, out),
            Self::ExchangeDeleteOk(method) => method.write(channel, out),
            Self::ExchangeBind(method) => method.write(channel, out),
            Self::ExchangeBindOk(method) => method.write(channel, out),
            Self::ExchangeUnbind(method) => method.write(channel, out),
            Self::ExchangeUnbindOk(method) => method.write(channel, out),
            Self::QueueDeclare(method) => method.write(channel, out),
            Self::QueueDeclareOk(method) => method.write(channel, out),
            Self::QueueBind(method) => method.write(channel, out),
            Self::QueueBindOk(method) => method.write(channel, out),
            Self::QueuePurge(method) => method.write(channel, out),
            Self::QueuePurgeOk(method) => method.write(channel, out),
            Self::QueueDelete(method) => method.write(channel, out),
            Self::QueueDeleteOk(method) => method.write(channel, out),
            Self::QueueUnbind(method) => method.write(channel, out),
            Self::QueueUnbindOk(method) => method.write(channel, out),
            Self::BasicQos(method) => method.write(channel, out),
            Self::BasicQosOk(method) => method.write(channel, out),
            Self::BasicConsume(method) => method.write(channel, out),
            Self::BasicConsumeOk(method) => method.write(channel, out),
            Self::BasicCancel(method) => method.write(channel, out),
            Self::BasicCancelOk(method) => method.write(channel, out),
            Self::BasicPublish(method) => method.write(channel, out),
            Self::BasicReturn(method) => method.write(channel, out),
            Self::BasicDeliver(method) => method.write(channel, out),
            Self::BasicGet(method) => method.write(channel, out),
            Self::BasicGetOk(method) => method.write(channel, out),
            Self::BasicGetEmpty(method) => method.write(channel, out),
            Self::BasicAck(method) => method.write(channel, out),
            Self::BasicReject(method) => method.write(channel, out),
            Self::BasicRecoverAsync(method) => method.write(channel, out),
            Self::BasicRecover(method) => method.write(channel, out),
            Self::BasicRecoverOk(method) => method.write(channel, out),
            Self::BasicNack(method) => method.write(channel, out),
            Self::ConfirmSelect(method) => method.write(channel, out),
            Self::ConfirmSelectOk(method) => method.write(channel, out),
            Self::TxSelect(method) => method.write(channel, out),
            Self::TxSelectOk(method) => method.write(channel, out),
            Self::TxCommit(method) => method.write(channel, out),
            Self::TxCommitOk(method) => method.write(channel, out),
            Self::TxRollback(method) => method.write(channel, out),
            Self::TxRollbackOk(method) => method.write(channel, out),
        }
    }
}

impl<'a> From<connection::Start<'a>> for Method<'a> {
    fn from(method: connection::Start<'a>) -> Self {
        Self::ConnectionStart(method)
    }
}

impl<'a> From<connection::StartOk<'a>> for Method<'a> {
    fn from(method: connection::StartOk<'a>) -> Self {
        Self::ConnectionStartOk(method)
    }
}

impl<'a> From<connection::Secure<'a>> for Method<'a> {
    fn from(method: connection::Secure<'a>) -> Self {
        Self::ConnectionSecure(method)
    }
}

impl<'a> From<connection::SecureOk<'a>> for Method<'a> {
    fn from(method: connection::SecureOk<'a>) -> Self {
        Self::ConnectionSecureOk(method)
    }
}

impl From<connection::Tune> for Method<'_> {
    fn from(method: connection::Tune) -> Self {
        Self::ConnectionTune(method)
    }
}

impl From<connection::TuneOk> for Method<'_> {
    fn from(method: connection::TuneOk) -> Self {
        Self::ConnectionTuneOk(method)
    }
}

impl<'a> From<connection::Open<'a>> for Method<'a> {
    fn from(method: connection::Open<'a>) -> Self {
        Self::ConnectionOpen(method)
    }
}

impl From<connection::OpenOk> for Method<'_> {
    fn from(method: connection::OpenOk) -> Self {
        Self::ConnectionOpenOk(method)
    }
}

impl<'a> From<connection::Close<'a>> for Method<'a> {
    fn from(method: connection::Close<'a>) -> Self {
        Self::ConnectionClose(method)
    }
}

impl From<connection::CloseOk> for Method<'_> {
    fn from(method: connection::CloseOk) -> Self {
        Self::ConnectionCloseOk(method)
    }
}

impl<'a> From<connection::Blocked<'a>> for Method<'a> {
    fn from(method: connection::Blocked<'a>) -> Self {
        Self::ConnectionBlocked(method)
    }
}

impl From<connection::Unblocked> for Method<'_> {
    fn from(method: connection::Unblocked) -> Self {
        Self::ConnectionUnblocked(method)
    }
}

impl<'a> From<connection::UpdateSecret<'a>> for Method<'a> {
    fn from(method: connection::UpdateSecret<'a>) -> Self {
        Self::ConnectionUpdateSecret(method)
    }
}

impl From<connection::UpdateSecretOk> for Method<'_> {
    fn from(method: connection::UpdateSecretOk) -> Self {
        Self::ConnectionUpdateSecretOk(method)
    }
}

impl From<channel::Open> for Method<'_> {
    fn from(method: channel::Open) -> Self {
        Self::ChannelOpen(method)
    }
}

impl From<channel::OpenOk> for Method<'_> {
    fn from(method: channel::OpenOk) -> Self {
        Self::ChannelOpenOk(method)
    }
}

impl From<channel::Flow> for Method<'_> {
    fn from(method: channel::Flow) -> Self {
        Self::ChannelFlow(method)
    }
}

impl From<channel::FlowOk> for Method<'_> {
    fn from(method: channel::FlowOk) -> Self {
        Self::ChannelFlowOk(method)
    }
}

impl<'a> From<channel::Close<'a>> for Method<'a> {
    fn from(method: channel::Close<'a>) -> Self {
        Self::ChannelClose(method)
    }
}

impl From<channel::CloseOk> for Method<'_> {
    fn from(method: channel::CloseOk) -> Self {
        Self::ChannelCloseOk(method)
    }
}

impl<'a> From<access::Request<'a>> for Method<'a> {
    fn from(method: access::Request<'a>) -> Self {
        Self::AccessRequest(method)
    }
}

impl From<access::RequestOk> for Method<'_> {
    fn from(method: access::RequestOk) -> Self {
        Self::AccessRequestOk(method)
    }
}

impl<'a> From<exchange::Declare<'a>> for Method<'a> {
    fn from(method: exchange::Declare<'a>) -> Self {
        Self::ExchangeDeclare(method)
    }
}

impl From<exchange::DeclareOk> for Method<'_> {
    fn from(method: exchange::DeclareOk) -> Self {
        Self::ExchangeDeclareOk(method)
    }
}

impl<'a> From<exchange::Delete<'a>> for Method<'a> {
    fn from(method: exchange::Delete<'a>) -> Self {
        Self::ExchangeDelete(method)
    }
}

impl From<exchange::DeleteOk> for Method<'_> {
    fn from(method: exchange::DeleteOk) -> Self {
        Self::ExchangeDeleteOk(method)
    }
}

impl<'a> From<exchange::Bind<'a>> for Method<'a> {
    fn from(method: exchange::Bind<'a>) -> Self {
        Self::ExchangeBind(method)
    }
}

impl From<exchange::BindOk> for Method<'_> {
    fn from(method: exchange::BindOk) -> Self {
        Self::ExchangeBindOk(method)
    }
}

impl<'a> From<exchange::Unbind<'a>> for Method<'a> {
    fn from(method: exchange::Unbind<'a>) -> Self {
        Self::ExchangeUnbind(method)
    }
}

impl From<exchange::UnbindOk> for Method<'_> {
    fn from(method: exchange::UnbindOk) -> Self {
        Self::ExchangeUnbindOk(method)
    }
}

impl<'a> From<queue::Declare<'a>> for Method<'a> {
    fn from(method: queue::Declare<'a>) -> Self {
        Self::QueueDeclare(method)
    }
}

impl<'a> From<queue::DeclareOk<'a>> for Method<'a> {
    fn from(method: queue::DeclareOk<'a>) -> Self {
        Self::QueueDeclareOk(method)
    }
}

impl<'a> From<queue::Bind<'a>> for Method<'a> {
    fn from(method: queue::Bind<'a>) -> Self {
        Self::QueueBind(method)
    }
}

impl From<queue::BindOk> for Method<'_> {
    fn from(method: queue::BindOk) -> Self {
        Self::QueueBindOk(method)
    }
}

impl<'a> From<queue::Purge<'a>> for Method<'a> {
    fn from(method: queue::Purge<'a>) -> Self {
        Self::QueuePurge(method)
    }
}

impl From<queue::PurgeOk> for Method<'_> {
    fn from(method: queue::PurgeOk) -> Self {
        Self::QueuePurgeOk(method)
    }
}

impl<'a> From<queue::Delete<'a>> for Method<'a> {
    fn from(method: queue::Delete<'a>) -> Self {
        Self::QueueDelete(method)
    }
}

impl From<queue::DeleteOk> for Method<'_> {
    fn from(method: queue::DeleteOk) -> Self {
        Self::QueueDeleteOk(method)
    }
}

impl<'a> From<queue::Unbind<'a>> for Method<'a> {
    fn from(method: queue::Unbind<'a>) -> Self {
        Self::QueueUnbind(method)
    }
}

impl From<queue::UnbindOk> for Method<'_> {
    fn from(method: queue::UnbindOk) -> Self {
        Self::QueueUnbindOk(method)
    }
}

impl From<basic::Qos> for Method<'_> {
    fn from(method: basic::Qos) -> Self {
        Self::BasicQos(method)
    }
}

impl From<basic::QosOk> for Method<'_> {
    fn from(method: basic::QosOk) -> Self {
        Self::BasicQosOk(method)
    }
}

impl<'a> From<basic::Consume<'a>> for Method<'a> {
    fn from(method: basic::Consume<'a>) -> Self {
        Self::BasicConsume(method)
    }
}

impl<'a> From<basic::ConsumeOk<'a>> for Method<'a> {
    fn from(method: basic::ConsumeOk<'a>) -> Self {
        Self::BasicConsumeOk(method)
    }
}

impl<'a> From<basic::Cancel<'a>> for Method<'a> {
    fn from(method: basic::Cancel<'a>) -> Self {
        Self::BasicCancel(method)
    }
}

impl<'a> From<basic::CancelOk<'a>> for Method<'a> {
    fn from(method: basic::CancelOk<'a>) -> Self {
        Self::BasicCancelOk(method)
    }
}

impl<'a> From<basic::Publish<'a>> for Method<'a> {
    fn from(method: basic::Publish<'a>) -> Self {
        Self::BasicPublish(method)
    }
}

impl<'a> From<basic::Return<'a>> for Method<'a> {
    fn from(method: basic::Return<'a>) -> Self {
        Self::BasicReturn(method)
    }
}

impl<'a> From<basic::Deliver<'a>> for Method<'a> {
    fn from(method: basic::Deliver<'a>) -> Self {
        Self::BasicDeliver(method)
    }
}

impl<'a> From<basic::Get<'a>> for Method<'a> {
    fn from(method: basic::Get<'a>) -> Self {
        Self::BasicGet(method)
    }
}

impl<'a> From<basic::GetOk<'a>> for Method<'a> {
    fn from(method: basic::GetOk<'a>) -> Self {
        Self::BasicGetOk(method)
    }
}

impl From<basic::GetEmpty> for Method<'_> {
    fn from(method: basic::GetEmpty) -> Self {
        Self::BasicGetEmpty(method)
    }
}

impl From<basic::Ack> for Method<'_> {
    fn from(method: basic::Ack) -> Self {
        Self::BasicAck(method)
    }
}

impl From<basic::Reject> for Method<'_> {
    fn from(method: basic::Reject) -> Self {
        Self::BasicReject(method)
    }
}

impl From<basic::RecoverAsync> for Method<'_> {
    fn from(method: basic::RecoverAsync) -> Self {
        Self::BasicRecoverAsync(method)
    }
}

impl From<basic::Recover> for Method<'_> {
    fn from(method: basic::Recover) -> Self {
        Self::BasicRecover(method)
    }
}

impl From<basic::RecoverOk> for Method<'_> {
    fn from(method: basic::RecoverOk) -> Self {
        Self::BasicRecoverOk(method)
    }
}

impl From<basic::Nack> for Method<'_> {
    fn from(method: basic::Nack) -> Self {
        Self::BasicNack(method)
    }
}

impl From<confirm::Select> for Method<'_> {
    fn from(method: confirm::Select) -> Self {
        Self::ConfirmSelect(method)
    }
}

impl From<confirm::SelectOk> for Method<'_> {
    fn from(method: confirm::SelectOk) -> Self {
        Self::ConfirmSelectOk(method)
    }
}

impl From<tx::Select> for Method<'_> {
    fn from(method: tx::Select) -> Self {
        Self::TxSelect(method)
    }
}

impl From<tx::SelectOk> for Method<'_> {
    fn from(method: tx::SelectOk) -> Self {
        Self::TxSelectOk(method)
    }
}

impl From<tx::Commit> for Method<'_> {
    fn from(method: tx::Commit) -> Self {
        Self::TxCommit(method)
    }
}

impl From<tx::CommitOk> for Method<'_> {
    fn from(method: tx::CommitOk) -> Self {
        Self::TxCommitOk(method)
    }
}

impl From<tx::Rollback> for Method<'_> {
    fn from(method: tx::Rollback) -> Self {
        Self::TxRollback(method)
    }
}

impl From<tx::RollbackOk> for Method<'_> {
    fn from(method: tx::RollbackOk) -> Self {
        Self::TxRollbackOk(method)
    }
}
