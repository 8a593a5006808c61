//! A whole content: method, properties, body.

use crate::method_id::MethodId;
use crate::methods::basic::{Deliver, GetOk, Publish, Return};
use crate::properties::RawProperties;
use crate::wire::{Reader, WireError};

use super::Role;

/// The method a content came with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContentMethod<'a> {
    /// `basic.publish`, towards a server.
    Publish(Publish<'a>),
    /// `basic.deliver`, towards a client.
    Deliver(Deliver<'a>),
    /// `basic.return`, towards a client.
    Return(Return<'a>),
    /// `basic.get-ok`, towards a client.
    GetOk(GetOk<'a>),
}

impl<'a> ContentMethod<'a> {
    /// Whether this side receives contents with this method.
    #[inline]
    pub(super) fn is_received_by(role: Role, id: MethodId) -> bool {
        match role {
            Role::Server => id == Publish::ID,
            Role::Client => matches!(id, Deliver::ID | Return::ID | GetOk::ID),
        }
    }

    /// Decodes the arguments of a method that [`is_received_by`](Self::is_received_by) knows.
    #[inline]
    pub(super) fn decode(id: MethodId, arguments: &'a [u8]) -> Result<Self, WireError> {
        let mut reader = Reader::new(arguments);
        let method = match id {
            Deliver::ID => Self::Deliver(Deliver::decode_args(&mut reader)?),
            Return::ID => Self::Return(Return::decode_args(&mut reader)?),
            GetOk::ID => Self::GetOk(GetOk::decode_args(&mut reader)?),
            _ => Self::Publish(Publish::decode_args(&mut reader)?),
        };
        reader.finish()?;
        Ok(method)
    }

    /// Class and method number.
    #[must_use]
    pub const fn id(&self) -> MethodId {
        match self {
            Self::Publish(_) => Publish::ID,
            Self::Deliver(_) => Deliver::ID,
            Self::Return(_) => Return::ID,
            Self::GetOk(_) => GetOk::ID,
        }
    }
}

/// The body of a content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body<'a> {
    /// A slice of the read buffer.
    Borrowed(&'a [u8]),
    /// Assembled from several frames; nobody else holds it.
    Owned(Vec<u8>),
}

impl Body<'_> {
    /// The bytes.
    #[must_use]
    #[inline]
    pub fn as_slice(&self) -> &[u8] {
        match self {
            Self::Borrowed(bytes) => bytes,
            Self::Owned(bytes) => bytes,
        }
    }

    /// The bytes, owned; copies them only when they lie in the read buffer.
    #[must_use]
    pub fn into_vec(self) -> Vec<u8> {
        match self {
            Self::Borrowed(bytes) => bytes.to_vec(),
            Self::Owned(bytes) => bytes,
        }
    }

    /// Length in bytes.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        self.as_slice().len()
    }

    /// Whether there are no bytes.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.as_slice().is_empty()
    }
}

/// A method with its whole content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content<'a> {
    pub(super) head: Head<'a>,
    /// The body.
    pub body: Body<'a>,
    /// Method frame, header frame and the one body frame (none for an empty body) exactly as received, when they lay in the
    /// read buffer in one piece. A server may pass the header and body frames on as they are.
    pub wire: Option<&'a [u8]>,
}

/// Method and properties, in the read buffer or out of an assembly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Head<'a> {
    Borrowed { method: ContentMethod<'a>, properties: RawProperties<'a> },
    Owned(Box<OwnedHead>),
}

/// Method and properties as they were on the wire; both decoded once before they were kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OwnedHead {
    pub(super) id: MethodId,
    pub(super) arguments: Vec<u8>,
    pub(super) properties: Vec<u8>,
}

impl OwnedHead {
    fn method(&self) -> ContentMethod<'_> {
        ContentMethod::decode(self.id, &self.arguments).unwrap_or(ContentMethod::Publish(Publish::default()))
    }
}

impl Content<'_> {
    /// The method.
    #[must_use]
    #[inline]
    pub fn method(&self) -> ContentMethod<'_> {
        match &self.head {
            Head::Borrowed { method, .. } => *method,
            Head::Owned(head) => head.method(),
        }
    }

    /// The properties.
    #[must_use]
    #[inline]
    pub fn properties(&self) -> RawProperties<'_> {
        match &self.head {
            Head::Borrowed { properties, .. } => *properties,
            Head::Owned(head) => RawProperties::of_checked(&head.properties),
        }
    }
}
