//! The methods of class exchange.

use super::Session;
use super::errors::{IntoError as _, name};
use crate::exchange::{ExchangeKind, ExchangeSpec};
use crate::name::strip_line_breaks;
use crate::topology::Destination;
use crate::vhost::BindSpec;
use leveret_protocol::ProtocolError;
use leveret_protocol::methods::exchange;

impl Session {
    pub(super) fn declare_exchange(
        &mut self,
        channel: u16,
        m: exchange::Declare<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), ProtocolError> {
        let exchange = strip_line_breaks(name(m.exchange)?);
        if m.passive {
            self.vhost.check_exchange(&exchange).or_refuse(channel)?;
        } else {
            let spec = ExchangeSpec {
                name: (&*exchange).into(),
                kind: ExchangeKind::parse(&m.kind.to_lossy()).or_refuse(channel)?,
                durable: m.durable,
                auto_delete: m.auto_delete,
                internal: m.internal,
                arguments: m.arguments,
            };
            self.vhost.declare_exchange(&self.negotiated.actor, spec).or_refuse(channel)?;
        }
        if !m.no_wait {
            exchange::DeclareOk.write(channel, out);
        }
        Ok(())
    }

    pub(super) fn delete_exchange(
        &mut self,
        channel: u16,
        m: exchange::Delete<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), ProtocolError> {
        let exchange = name(m.exchange)?;
        self.vhost.delete_exchange(&self.negotiated.actor, exchange, m.if_unused).or_refuse(channel)?;
        if !m.no_wait {
            exchange::DeleteOk.write(channel, out);
        }
        Ok(())
    }

    pub(super) fn bind_exchange(
        &mut self,
        channel: u16,
        m: exchange::Bind<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), ProtocolError> {
        let spec = BindSpec {
            source: name(m.source)?.into(),
            destination: Destination::Exchange(name(m.destination)?.into()),
            key: m.routing_key.as_bytes().to_vec(),
            arguments: m.arguments,
        };
        self.vhost.bind(&self.negotiated.actor, spec).or_refuse(channel)?;
        if !m.no_wait {
            exchange::BindOk.write(channel, out);
        }
        Ok(())
    }

    pub(super) fn unbind_exchange(
        &mut self,
        channel: u16,
        m: exchange::Unbind<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), ProtocolError> {
        let spec = BindSpec {
            source: name(m.source)?.into(),
            destination: Destination::Exchange(name(m.destination)?.into()),
            key: m.routing_key.as_bytes().to_vec(),
            arguments: m.arguments,
        };
        self.vhost.unbind(&self.negotiated.actor, spec).or_refuse(channel)?;
        if !m.no_wait {
            exchange::UnbindOk.write(channel, out);
        }
        Ok(())
    }
}
