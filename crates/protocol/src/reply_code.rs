//! Reply codes.

pub use crate::generated::reply_code::ReplyCode;
