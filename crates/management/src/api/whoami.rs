//! Who asks.

use crate::call::Call;
use crate::openapi;
use crate::reply::{Answer, Reply};
use crate::routes::{Access, Route};
use serde_json::json;

pub(super) const ROUTES: &[Route] = &[
    Route::get("/api/whoami", Access::Management, "The user who asks, and its tags", whoami).one("WhoAmI"),
    Route::get("/api/auth", Access::Anyone, "How one logs in: with a name and a password", auth)
        .one("LoginOptions"),
    Route::get("/api/leveret/openapi.json", Access::Management, "This description", description)
        .one("Document"),
];

fn whoami(call: &Call) -> Answer {
    let user = call.user()?;
    let tags: Vec<&str> = user.tags().iter().map(|tag| &**tag).collect();
    Ok(Reply::Json(json!({ "name": &**user.name(), "tags": tags })))
}

fn auth(_: &Call) -> Answer {
    // Keys of a login by OAuth 2, which is not offered.
    Ok(Reply::Json(
        json!({ "enable_uaa": false, "uaa_client_id": "", "uaa_location": "", "oauth_enabled": false }),
    ))
}

fn description(_: &Call) -> Answer {
    Ok(Reply::Json(openapi::document()))
}
