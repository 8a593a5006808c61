//! The resources, a file for each.

mod absent;
mod bindings;
mod connections;
pub(crate) mod consumers;
mod definitions;
mod deprecated;
pub(crate) mod exchanges;
mod features;
mod health;
mod leveret;
mod limits;
mod messages;
mod metrics;
mod nodes;
mod overview;
mod parameters;
mod permissions;
mod policies;
pub(crate) mod queues;
mod shovels;
mod users;
mod vhosts;
mod whoami;

use crate::routes::Route;

/// Every table of routes.
pub(crate) fn tables() -> impl Iterator<Item = &'static [Route]> {
    TABLES.iter().chain(&leveret::TABLES).copied()
}

/// Those with RabbitMQ's paths.
const TABLES: &[&[Route]] = &[
    absent::ROUTES,
    bindings::ROUTES,
    connections::ROUTES,
    consumers::ROUTES,
    definitions::ROUTES,
    deprecated::ROUTES,
    exchanges::ROUTES,
    features::ROUTES,
    health::ROUTES,
    limits::ROUTES,
    messages::ROUTES,
    metrics::ROUTES,
    nodes::ROUTES,
    overview::ROUTES,
    parameters::ROUTES,
    permissions::ROUTES,
    policies::ROUTES,
    queues::ROUTES,
    shovels::ROUTES,
    users::ROUTES,
    vhosts::ROUTES,
    whoami::ROUTES,
];
