//! Class `tx` (90): Transactions over publishings and settlements of one channel.
//!
//! Generated from `spec/amqp-0-9-1.toml` by `cargo run -p xtask -- generate`; change the table, not this file.

use crate::frame::begin_method;
use crate::method_id::MethodId;
use crate::wire::{Reader, WireError};

/// `tx.select` (90, 10), sent by the client. Makes the channel transactional.
#[derive(Debug, Clone, PartialEq, Default, Copy, Eq)]
pub struct Select;

impl Select {
    /// Class and method number on the wire.
    pub const ID: MethodId = MethodId::new(90, 10);

    /// Reads the arguments that follow class and method number.
    ///
    /// # Errors
    /// When the bytes end early or hold a value that cannot be.
    #[inline]
    pub fn decode_args(_reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self)
    }

    /// Appends the arguments that follow class and method number.
    #[inline]
    pub fn encode_args(&self, _out: &mut Vec<u8>) {}

    /// Appends the whole method frame.
    #[inline]
    pub fn write(&self, channel: u16, out: &mut Vec<u8>) {
        let frame = begin_method(out, channel, Self::ID);
        self.encode_args(out);
        frame.end(out);
    }
}

/// `tx.select-ok` (90, 11), sent by the server. The channel is transactional.
#[derive(Debug, Clone, PartialEq, Default, Copy, Eq)]
pub struct SelectOk;

impl SelectOk {
    /// Class and method number on the wire.
    pub const ID: MethodId = MethodId::new(90, 11);

    /// Reads the arguments that follow class and method number.
    ///
    /// # Errors
    /// When the bytes end early or hold a value that cannot be.
    #[inline]
    pub fn decode_args(_reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self)
    }

    /// Appends the arguments that follow class and method number.
    #[inline]
    pub fn encode_args(&self, _out: &mut Vec<u8>) {}

    /// Appends the whole method frame.
    #[inline]
    pub fn write(&self, channel: u16, out: &mut Vec<u8>) {
        let frame = begin_method(out, channel, Self::ID);
        self.encode_args(out);
        frame.end(out);
    }
}

/// `tx.commit` (90, 20), sent by the client. Carries out what was collected since the last commit or rollback.
#[derive(Debug, Clone, PartialEq, Default, Copy, Eq)]
pub struct Commit;

impl Commit {
    /// Class and method number on the wire.
    pub const ID: MethodId = MethodId::new(90, 20);

    /// Reads the arguments that follow class and method number.
    ///
    /// # Errors
    /// When the bytes end early or hold a value that cannot be.
    #[inline]
    pub fn decode_args(_reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self)
    }

    /// Appends the arguments that follow class and method number.
    #[inline]
    pub fn encode_args(&self, _out: &mut Vec<u8>) {}

    /// Appends the whole method frame.
    #[inline]
    pub fn write(&self, channel: u16, out: &mut Vec<u8>) {
        let frame = begin_method(out, channel, Self::ID);
        self.encode_args(out);
        frame.end(out);
    }
}

/// `tx.commit-ok` (90, 21), sent by the server. The transaction is committed.
#[derive(Debug, Clone, PartialEq, Default, Copy, Eq)]
pub struct CommitOk;

impl CommitOk {
    /// Class and method number on the wire.
    pub const ID: MethodId = MethodId::new(90, 21);

    /// Reads the arguments that follow class and method number.
    ///
    /// # Errors
    /// When the bytes end early or hold a value that cannot be.
    #[inline]
    pub fn decode_args(_reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self)
    }

    /// Appends the arguments that follow class and method number.
    #[inline]
    pub fn encode_args(&self, _out: &mut Vec<u8>) {}

    /// Appends the whole method frame.
    #[inline]
    pub fn write(&self, channel: u16, out: &mut Vec<u8>) {
        let frame = begin_method(out, channel, Self::ID);
        self.encode_args(out);
        frame.end(out);
    }
}

/// `tx.rollback` (90, 30), sent by the client. Throws away what was collected since the last commit or rollback.
#[derive(Debug, Clone, PartialEq, Default, Copy, Eq)]
pub struct Rollback;

impl Rollback {
    /// Class and method number on the wire.
    pub const ID: MethodId = MethodId::new(90, 30);

    /// Reads the arguments that follow class and method number.
    ///
    /// # Errors
    /// When the bytes end early or hold a value that cannot be.
    #[inline]
    pub fn decode_args(_reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self)
    }

    /// Appends the arguments that follow class and method number.
    #[inline]
    pub fn encode_args(&self, _out: &mut Vec<u8>) {}

    /// Appends the whole method frame.
    #[inline]
    pub fn write(&self, channel: u16, out: &mut Vec<u8>) {
        let frame = begin_method(out, channel, Self::ID);
        self.encode_args(out);
        frame.end(out);
    }
}

/// `tx.rollback-ok` (90, 31), sent by the server. The transaction is rolled back.
#[derive(Debug, Clone, PartialEq, Default, Copy, Eq)]
pub struct RollbackOk;

impl RollbackOk {
    /// Class and method number on the wire.
    pub const ID: MethodId = MethodId::new(90, 31);

    /// Reads the arguments that follow class and method number.
    ///
    /// # Errors
    /// When the bytes end early or hold a value that cannot be.
    #[inline]
    pub fn decode_args(_reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self)
    }

    /// Appends the arguments that follow class and method number.
    #[inline]
    pub fn encode_args(&self, _out: &mut Vec<u8>) {}

    /// Appends the whole method frame.
    #[inline]
    pub fn write(&self, channel: u16, out: &mut Vec<u8>) {
        let frame = begin_method(out, channel, Self::ID);
        self.encode_args(out);
        frame.end(out);
    }
}
