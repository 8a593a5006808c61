//! What RabbitMQ's API does not have.

mod browse;
mod condition;
mod dedup;
mod events;
mod health;
mod schedules;
mod sweeps;
mod unacked;

use crate::routes::Route;

/// Every table of routes below `/api/leveret/`.
pub(super) const TABLES: [&[Route]; 7] = [
    browse::ROUTES,
    dedup::ROUTES,
    events::ROUTES,
    health::ROUTES,
    schedules::ROUTES,
    sweeps::ROUTES,
    unacked::ROUTES,
];
