//! What RabbitMQ's API does not have.

mod browse;
mod condition;
mod dedup;
mod events;
mod health;
mod schedules;
mod stream;
mod sweeps;
mod traces;
mod unacked;

use crate::routes::Route;

/// Every table of routes below `/api/leveret/`.
pub(super) const TABLES: [&[Route]; 8] = [
    browse::ROUTES,
    dedup::ROUTES,
    events::ROUTES,
    health::ROUTES,
    schedules::ROUTES,
    sweeps::ROUTES,
    traces::ROUTES,
    unacked::ROUTES,
];
