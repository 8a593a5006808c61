//! temp
use crate::queue::QueueSpec; use crate::refusal::Refusal;
#[derive(Clone,Copy)] pub enum Overflow { DropHead, RejectPublish, RejectPublishDlx }
pub struct QueueArguments;
impl QueueArguments { pub fn parse(_:&str,_:&str,_:&QueueSpec)->Result<Self,Refusal>{Ok(Self)}
 pub fn overflow(&self)->Option<Overflow>{None} pub fn message_ttl_ms(&self)->Option<u64>{None} pub fn expires_ms(&self)->Option<u64>{None} pub fn max_length(&self)->Option<u64>{None} pub fn max_length_bytes(&self)->Option<u64>{None}
 pub fn dead_letter_exchange(&self)->Option<&str>{None} pub fn dead_letter_routing_key(&self)->Option<&str>{None} pub fn max_priority(&self)->Option<u8>{None} pub fn single_active_consumer(&self)->bool{false} pub fn delivery_limit(&self)->Option<u32>{None} pub fn consumer_timeout_ms(&self)->Option<u64>{None} }
