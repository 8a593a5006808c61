//! The resources, a file for each.

mod queues;
mod whoami;

use crate::routes::Route;

/// Every table of routes.
pub(crate) const TABLES: &[&[Route]] = &[queues::ROUTES, whoami::ROUTES];
