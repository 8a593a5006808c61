//! temp
use crate::name::Name; use crate::refusal::Refusal; use crate::exchange::*; use leveret_protocol::*; use std::collections::HashMap;
#[derive(Debug)] pub struct Topology<Q> { vhost: Name, queues: HashMap<Name,Q>, exchanges: HashMap<Name,Exchange>, epoch: u64 }
#[derive(Debug)] pub struct ExchangeSpec { pub name: Name, pub kind: ExchangeKind, pub durable: bool, pub auto_delete: bool, pub internal: bool, pub arguments: FieldTable }
impl ExchangeSpec { pub fn alternate_exchange(&self)->Option<Name>{None} }
pub struct RouteInfo { pub cacheable: bool }
pub struct Count(usize);
impl Count { pub fn count_at_least(&self,n:usize)->bool{self.0>=n} }
impl<Q: Clone> Topology<Q> {
 pub fn new(vhost: Name)->Self { let mut s=Self{vhost,queues:HashMap::new(),exchanges:HashMap::new(),epoch:1}; for (n,k) in [("",ExchangeKind::Direct),("amq.direct",ExchangeKind::Direct),("amq.fanout",ExchangeKind::Fanout),("amq.topic",ExchangeKind::Topic)] { s.exchanges.insert(n.into(),Exchange{kind:k,internal:false,bindings:vec![]}); } s }
 pub fn epoch(&self)->u64{self.epoch}
 pub fn queue(&self,n:&str)->Option<&Q>{self.queues.get(n)}
 pub fn queues(&self)->Count{Count(self.queues.len())}
 pub fn insert_queue(&mut self,n:Name,q:Q){self.epoch+=1;self.queues.insert(n,q);}
 pub fn remove_queue(&mut self,n:&str)->Option<(Q,())>{self.epoch+=1;for e in self.exchanges.values_mut(){e.bindings.retain(|b| !matches!(&b.0,Destination::Queue(q) if **q==*n));} self.queues.remove(n).map(|q|(q,()))}
 pub fn check_exchange(&self,n:&str)->Result<&Exchange,Refusal>{self.exchanges.get(n).ok_or_else(||Refusal::NoExchange{exchange:n.into(),vhost:self.vhost.clone()})}
 pub fn declare_exchange(&mut self,s:ExchangeSpec)->Result<bool,Refusal>{self.epoch+=1;self.exchanges.entry(s.name).or_insert(Exchange{kind:s.kind,internal:s.internal,bindings:vec![]});Ok(true)}
 pub fn delete_exchange(&mut self,n:&str,_:bool)->Result<(),Refusal>{self.epoch+=1;self.exchanges.remove(n);Ok(())}
 pub fn bind(&mut self,s:&str,d:Destination,k:&[u8],_:FieldTable)->Result<bool,Refusal>{self.epoch+=1;let v=self.vhost.clone();self.exchanges.get_mut(s).ok_or_else(||Refusal::NoExchange{exchange:s.into(),vhost:v})?.bindings.push((d,k.to_vec()));Ok(true)}
 pub fn unbind(&mut self,_:&str,_:&Destination,_:&[u8],_:&FieldTable)->Result<bool,Refusal>{Ok(true)}
 pub fn route(&self,p:&Publication<'_>,out:&mut Vec<Q>)->Result<RouteInfo,Refusal>{
  if p.exchange.is_empty(){ if let Some(q)=std::str::from_utf8(p.routing_key).ok().and_then(|k|self.queues.get(k)){out.push(q.clone());} return Ok(RouteInfo{cacheable:true}); }
  fn m(p:&[&[u8]],k:&[&[u8]])->bool{match(p.first(),k.first()){(None,None)=>true,(Some(&b"#"),_)=>m(&p[1..],k)||(!k.is_empty()&&m(p,&k[1..])),(Some(&b"*"),Some(_))=>m(&p[1..],&k[1..]),(Some(a),Some(b)) if a==b=>m(&p[1..],&k[1..]),_=>false}}
  let e=self.check_exchange(p.exchange)?; for (d,k) in &e.bindings{ let hit=match e.kind{ExchangeKind::Fanout=>true,ExchangeKind::Topic=>m(&k.split(|b|*b==b'.').collect::<Vec<_>>(),&p.routing_key.split(|b|*b==b'.').collect::<Vec<_>>()),_=>k==p.routing_key}; if hit { if let Destination::Queue(q)=d{ if let Some(q)=self.queues.get(q){out.push(q.clone());}}}}
  Ok(RouteInfo{cacheable:true})
 }
}
