//! Cuts the power under the store, and lets its disk fail, at every call, and compares what is left with a model.
//!
//! A workload comes from a seed ([`generate`]). It runs once on a recording disk ([`drive`]); then the disks that a power cut may
//! have left are built for every call ([`cuts`]), or the disk fails at every call in turn ([`faults`]), or its files are damaged
//! ([`damage`]), and what the store makes of it is compared with a model ([`model`], [`compare`]).
//! Whole brokers that drop duplicates have a suite of their own ([`dedup`]).
#![allow(clippy::cast_possible_truncation, reason = "numbers are small here, and 64 bits wide")]

pub mod act;
pub mod compare;
pub mod cuts;
pub mod damage;
pub mod dedup;
pub mod drive;
pub mod faults;
pub mod generate;
pub mod ledger;
pub mod model;
pub mod observe;
pub mod profile;
pub mod suite;
