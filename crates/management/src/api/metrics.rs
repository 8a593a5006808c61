//! Metrics for Prometheus beside the API, for who logs in. Without a login they are on a listener of their own.

use crate::call::Call;
use crate::reply::Reply;
use crate::routes::{Access, Holds, Route, Waiting};

pub(super) const ROUTES: &[Route] =
    &[Route::get("/metrics", Access::Monitor, "Metrics for Prometheus, added up", |_| Ok(Reply::NoContent))
        .holds(Holds::Text("text/plain"))
        .waiting(metrics)];

fn metrics(call: Call) -> Waiting {
    Box::pin(async move { Ok(Reply::Whole(Box::new(call.context.exporter.together().await))) })
}
