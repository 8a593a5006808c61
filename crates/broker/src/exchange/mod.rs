//! temp
use crate::name::Name; use crate::refusal::Refusal; use leveret_protocol::*;
#[derive(Debug,Clone,PartialEq,Eq,Hash)] pub enum Destination { Queue(Name), Exchange(Name) }
#[derive(Debug,Clone,Copy,PartialEq,Eq)] pub enum ExchangeKind { Direct, Fanout, Topic, Headers, ConsistentHash }
impl ExchangeKind { pub fn parse(s:&str)->Result<Self,Refusal>{ Ok(match s {"direct"=>Self::Direct,"fanout"=>Self::Fanout,"topic"=>Self::Topic,_=>return Err(Refusal::UnknownExchangeType{kind:s.into()})}) } }
pub struct Publication<'a> { pub exchange: &'a str, pub routing_key: &'a [u8], pub properties: RawProperties<'a> }
#[derive(Debug)] pub struct Exchange { pub kind: ExchangeKind, pub internal: bool, pub bindings: Vec<(Destination,Vec<u8>)> }
