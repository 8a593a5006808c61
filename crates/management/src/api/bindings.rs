//! Bindings: all, of a queue, from and to an exchange, between two ends, and one by its properties key.

use super::exchanges::name_of;
use super::queues::arguments_of;
use crate::call::{Call, text_of};
use crate::error::ApiError;
use crate::json::binding::{self as shape, Shown};
use crate::page::{self, Listed};
use crate::reply::{Answer, Reply};
use crate::routes::{Access, Route};
use leveret_broker::exchange::Destination;
use leveret_broker::topology::BindingRef;
use leveret_broker::vhost::{BindSpec, VirtualHost};

pub(super) const ROUTES: &[Route] = &[
    Route::get("/api/bindings", Access::Management, "Bindings of all virtual hosts one may see", list)
        .many("Binding")
        .paged(),
    Route::get("/api/bindings/{vhost}", Access::VhostVisible, "Bindings of a virtual host", list)
        .many("Binding")
        .paged(),
    Route::get("/api/queues/{vhost}/{name}/bindings", Access::VhostVisible, "Bindings to a queue", of_queue)
        .many("Binding")
        .paged(),
    Route::get(
        "/api/exchanges/{vhost}/{name}/bindings/source",
        Access::VhostVisible,
        "Bindings from an exchange",
        of_source,
    )
    .many("Binding")
    .paged(),
    Route::get(
        "/api/exchanges/{vhost}/{name}/bindings/destination",
        Access::VhostVisible,
        "Bindings to an exchange",
        of_destination,
    )
    .many("Binding")
    .paged(),
    Route::get(
        "/api/bindings/{vhost}/e/{source}/q/{destination}",
        Access::VhostVisible,
        "Bindings of a queue to an exchange",
        to_queue,
    )
    .many("Binding")
    .paged(),
    Route::post(
        "/api/bindings/{vhost}/e/{source}/q/{destination}",
        Access::Vhost,
        "Binds a queue",
        bind_queue,
    )
    .statuses(&[201])
    .body(&["routing_key", "arguments"]),
    Route::get(
        "/api/bindings/{vhost}/e/{source}/q/{destination}/{props}",
        Access::VhostVisible,
        "A binding",
        show_queue,
    )
    .one("Binding"),
    Route::delete(
        "/api/bindings/{vhost}/e/{source}/q/{destination}/{props}",
        Access::Vhost,
        "Unbinds a queue",
        unbind_queue,
    ),
    Route::get(
        "/api/bindings/{vhost}/e/{source}/e/{destination}",
        Access::VhostVisible,
        "Bindings of an exchange to an exchange",
        to_exchange,
    )
    .many("Binding")
    .paged(),
    Route::post(
        "/api/bindings/{vhost}/e/{source}/e/{destination}",
        Access::Vhost,
        "Binds an exchange to an exchange",
        bind_exchange,
    )
    .statuses(&[201])
    .body(&["routing_key", "arguments"]),
    Route::get(
        "/api/bindings/{vhost}/e/{source}/e/{destination}/{props}",
        Access::VhostVisible,
        "A binding",
        show_exchange,
    )
    .one("Binding"),
    Route::delete(
        "/api/bindings/{vhost}/e/{source}/e/{destination}/{props}",
        Access::Vhost,
        "Unbinds an exchange",
        unbind_exchange,
    ),
];

fn shown(vhost: &VirtualHost, binding: &BindingRef<'_>) -> Shown {
    Shown {
        vhost: vhost.name().to_string(),
        source: binding.source.to_owned(),
        destination: binding.destination.clone(),
        key: binding.key.to_vec(),
        arguments: binding.arguments.clone(),
    }
}

fn answer(call: &Call, mut all: Vec<Shown>) -> Answer {
    all.sort_by(|one, other| {
        (&one.vhost, &one.source, one.destination.name(), &one.key).cmp(&(
            &other.vhost,
            &other.source,
            other.destination.name(),
            &other.key,
        ))
    });
    let listed = Listed {
        name: &|shown: &Shown| shown.destination.name(),
        key: &|_, _| None,
        order: None,
        json: &|shown, _| shape::binding(shown),
    };
    page::list(call, all, &listed)
}

fn list(call: &Call) -> Answer {
    let mut all = Vec::new();
    for vhost in call.visible_vhosts() {
        all.extend(vhost.topology().bindings().map(|binding| shown(&vhost, &binding)));
    }
    answer(call, all)
}

/// Bindings to an end. One that is not there has none, which is no error in RabbitMQ either: its tools look before they unbind.
fn to(call: &Call, destination: &Destination, source: Option<&str>) -> Result<Vec<Shown>, ApiError> {
    let vhost = call.vhost()?;
    let topology = vhost.topology();
    let wanted =
        topology.bindings_to(destination).filter(|binding| source.is_none_or(|of| of == binding.source));
    Ok(wanted.map(|binding| shown(&vhost, &binding)).collect())
}

fn queue(call: &Call) -> Destination {
    Destination::Queue(call.param("destination").into())
}

fn exchange(call: &Call) -> Destination {
    Destination::Exchange(name_of(call, "destination").into())
}

fn of_queue(call: &Call) -> Answer {
    answer(call, to(call, &Destination::Queue(call.param("name").into()), None)?)
}

fn of_source(call: &Call) -> Answer {
    let (vhost, name) = (call.vhost()?, name_of(call, "name"));
    let topology = vhost.topology();
    let all = topology.bindings_from(name).map(|binding| shown(&vhost, &binding)).collect();
    drop(topology);
    answer(call, all)
}

fn of_destination(call: &Call) -> Answer {
    answer(call, to(call, &Destination::Exchange(name_of(call, "name").into()), None)?)
}

fn to_queue(call: &Call) -> Answer {
    answer(call, to(call, &queue(call), Some(name_of(call, "source")))?)
}

fn to_exchange(call: &Call) -> Answer {
    answer(call, to(call, &exchange(call), Some(name_of(call, "source")))?)
}

fn bind_queue(call: &Call) -> Answer {
    bind(call, queue(call))
}

fn bind_exchange(call: &Call) -> Answer {
    bind(call, exchange(call))
}

fn bind(call: &Call, destination: Destination) -> Answer {
    check_ends(call, &destination)?;
    let object = call.object()?;
    let key = text_of(&object, "routing_key")?.unwrap_or_default();
    if key.len() > 255 {
        return Err(ApiError::bad_request("routing_key may have 255 bytes at most"));
    }
    let spec = BindSpec {
        source: name_of(call, "source").into(),
        destination,
        key: key.as_bytes().to_vec(),
        arguments: arguments_of(&object)?,
    };
    let properties_key = shape::properties_key(&Shown {
        vhost: String::new(),
        source: String::new(),
        destination: spec.destination.clone(),
        key: spec.key.clone(),
        arguments: spec.arguments.clone(),
    });
    // Relative to the path that was asked for.
    let location = format!(
        "{}/{}",
        shape::encode(spec.destination.name().as_bytes()),
        shape::encode(properties_key.as_bytes())
    );
    call.vhost()?.bind(&call.actor()?, spec)?;
    Ok(Reply::CreatedAt(location))
}

/// Says which end is not there.
fn check_ends(call: &Call, destination: &Destination) -> Result<(), ApiError> {
    let (vhost, source) = (call.vhost()?, name_of(call, "source"));
    let topology = vhost.topology();
    let is_there = match destination {
        Destination::Queue(name) => topology.queue(name).is_some(),
        Destination::Exchange(name) => topology.exchange(name).is_some(),
    };
    let missing = match (topology.exchange(source).is_some(), is_there) {
        (true, true) => return Ok(()),
        (false, _) => ("exchange", source),
        (true, false) => (shape::kind(destination), &**destination.name()),
    };
    let (kind, name) = missing;
    Err(ApiError::missing_entity(format!("no {kind} '{name}' in vhost '{}'", vhost.name())))
}

/// The binding that the path names.
fn find(call: &Call, destination: &Destination) -> Result<Shown, ApiError> {
    let props = call.param("props");
    let all = to(call, destination, Some(name_of(call, "source")))?;
    all.into_iter().find(|shown| shape::properties_key(shown) == props).ok_or_else(ApiError::not_found)
}

fn show_queue(call: &Call) -> Answer {
    page::one(call, shape::binding(&find(call, &queue(call))?))
}

fn show_exchange(call: &Call) -> Answer {
    page::one(call, shape::binding(&find(call, &exchange(call))?))
}

fn unbind_queue(call: &Call) -> Answer {
    unbind(call, queue(call))
}

fn unbind_exchange(call: &Call) -> Answer {
    unbind(call, exchange(call))
}

fn unbind(call: &Call, destination: Destination) -> Answer {
    let Shown { key, arguments, .. } = find(call, &destination)?;
    let spec = BindSpec { source: name_of(call, "source").into(), destination, key, arguments };
    call.vhost()?.unbind(&call.actor()?, spec)?;
    Ok(Reply::NoContent)
}
