//! Users.

use super::vhosts::tags_of;
use crate::call::{Call, text_of};
use crate::error::ApiError;
use crate::page;
use crate::reply::{Answer, Reply};
use crate::routes::{Access, Route};
use leveret_broker::auth::{HashingAlgorithm, PasswordHash, UserLimits, UserRecord};
use leveret_broker::definitions::UserDefinition;
use serde_json::{Map, Value, json};
use std::collections::HashSet;

/// Bytes of a name.
const NAME_BYTES_MAX: usize = 255;

pub(super) const ROUTES: &[Route] = &[
    Route::get("/api/users", Access::Administrator, "Users", list).many("User").paged(),
    Route::get(
        "/api/users/without-permissions",
        Access::Administrator,
        "Users who may enter no virtual host",
        without_permissions,
    )
    .many("User")
    .paged(),
    Route::post("/api/users/bulk-delete", Access::Administrator, "Deletes users", bulk_delete)
        .body(&["users"]),
    Route::get("/api/users/{user}", Access::Administrator, "A user", show).one("User").query(&["columns"]),
    Route::put("/api/users/{user}", Access::Administrator, "Adds or changes a user", put).body(&[
        "password",
        "password_hash",
        "hashing_algorithm",
        "tags",
        "limits",
    ]),
    Route::delete("/api/users/{user}", Access::Administrator, "Deletes a user", delete),
];

/// The user of the path.
pub(super) fn find(call: &Call, name: &str) -> Result<UserRecord, ApiError> {
    call.broker().auth().user(name).ok_or_else(ApiError::not_found)
}

fn shape(record: &UserRecord) -> Value {
    serde_json::to_value(UserDefinition::from_record(record)).unwrap_or_else(|_| json!({}))
}

fn list(call: &Call) -> Answer {
    page::list_json(call, call.broker().auth().users().iter().map(shape).collect())
}

fn without_permissions(call: &Call) -> Answer {
    let auth = call.broker().auth();
    let with: HashSet<_> = auth.permissions().into_iter().map(|row| row.user).collect();
    let without = auth.users().into_iter().filter(|user| !with.contains(&user.name));
    page::list_json(call, without.map(|user| shape(&user)).collect())
}

fn show(call: &Call) -> Answer {
    page::one(call, shape(&find(call, call.param("user"))?))
}

fn put(call: &Call) -> Answer {
    let name = call.param("user");
    if name.is_empty() || name.len() > NAME_BYTES_MAX {
        return Err(ApiError::bad_request(format!("a user's name has 1 to {NAME_BYTES_MAX} bytes")));
    }
    let object = call.object()?;
    let there = call.broker().auth().user(name);
    let tags = match (object.get("tags"), object.get("administrator")) {
        (Some(tags), _) => tags_of(Some(tags))?,
        (None, Some(Value::Bool(true))) => vec!["administrator".to_owned()],
        (None, Some(_)) => Vec::new(),
        (None, None) => return Err(ApiError::missing(&["tags"])),
    };
    let password = match password(&object)? {
        Some(password) => password,
        // Who exists keeps the password; a new user without one logs in with a certificate.
        None if there.is_some() => there.as_ref().map(|user| user.password.clone()).unwrap_or_default(),
        None => PasswordHash::none(),
    };
    let limits = match object.get("limits") {
        Some(limits) => limits_of(limits)?,
        None => there.as_ref().map(|user| user.limits).unwrap_or_default(),
    };
    let tags = tags.iter().map(|tag| tag.as_str().into()).collect();
    let is_new = call.broker().auth().put_user(UserRecord { name: name.into(), password, tags, limits });
    Ok(Reply::put(is_new))
}

fn password(object: &Map<String, Value>) -> Result<Option<PasswordHash>, ApiError> {
    let algorithm = match text_of(object, "hashing_algorithm")? {
        None => HashingAlgorithm::default(),
        Some(name) => HashingAlgorithm::from_name(name)
            .ok_or_else(|| ApiError::bad_request(format!("hashing algorithm {name} is not known")))?,
    };
    match (text_of(object, "password")?, text_of(object, "password_hash")?) {
        (Some(_), Some(_)) => {
            Err(ApiError::bad_request("Only one of password and password_hash may be given"))
        }
        (Some(""), None) => Err(ApiError::bad_request("a blank password is not allowed")),
        (Some(password), None) => {
            Ok(Some(PasswordHash::new(HashingAlgorithm::default(), password.as_bytes())))
        }
        (None, Some(hash)) => match PasswordHash::from_base64(algorithm, hash) {
            Ok(hash) => Ok(Some(hash)),
            Err(error) => Err(ApiError::bad_request(format!("password_hash: {error}"))),
        },
        (None, None) => Ok(None),
    }
}

fn limits_of(value: &Value) -> Result<UserLimits, ApiError> {
    let mut limits = UserLimits::default();
    for (name, value) in value.as_object().into_iter().flatten() {
        super::limits::set_user_limit(&mut limits, name, value)?;
    }
    Ok(limits)
}

fn delete(call: &Call) -> Answer {
    call.broker().delete_user(call.param("user"))?;
    Ok(Reply::NoContent)
}

fn bulk_delete(call: &Call) -> Answer {
    let object = call.object_with(&["users"])?;
    let Some(Value::Array(users)) = object.get("users") else {
        return Err(ApiError::bad_request("users has to be a list of names"));
    };
    let names: Vec<&str> = users.iter().filter_map(Value::as_str).collect();
    if names.len() < users.len() {
        return Err(ApiError::bad_request("users has to be a list of names"));
    }
    for name in names {
        // One that is gone already is not missed.
        let _ = call.broker().delete_user(name);
    }
    Ok(Reply::NoContent)
}
