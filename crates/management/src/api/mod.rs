//! The resources, a file for each.

mod bindings;
mod definitions;
mod exchanges;
mod limits;
mod messages;
mod parameters;
mod permissions;
mod policies;
mod queues;
mod users;
mod vhosts;
mod whoami;

use crate::routes::Route;

/// Every table of routes.
pub(crate) const TABLES: &[&[Route]] = &[
    bindings::ROUTES,
    definitions::ROUTES,
    exchanges::ROUTES,
    limits::ROUTES,
    messages::ROUTES,
    parameters::ROUTES,
    permissions::ROUTES,
    policies::ROUTES,
    queues::ROUTES,
    users::ROUTES,
    vhosts::ROUTES,
    whoami::ROUTES,
];
