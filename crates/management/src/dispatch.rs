//! From a request to its handler: who asks, whether they may, the body within its bounds, an answer within its time.

use crate::auth::{self, LoginError};
use crate::call::Call;
use crate::console;
use crate::context::Context;
use crate::error::ApiError;
use crate::guard;
use crate::reply::{Answer, respond};
use crate::routes::{self, Access, Body, Handler, Route};
use axum::Router;
use axum::body::to_bytes;
use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{RawPathParams, Request};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use axum::routing::{MethodFilter, MethodRouter};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// Bytes of a refused request's body that are read all the same.
const REFUSED_BODY_BYTES_MAX: usize = 64 * 1024;
/// Time in which they are read.
const REFUSED_BODY_TIMEOUT: Duration = Duration::from_secs(5);

/// Where a request comes from.
#[derive(Debug, Clone, Copy)]
pub struct Peer {
    /// Its address.
    pub address: SocketAddr,
    /// It came over TLS.
    pub is_tls: bool,
}

/// The router of the whole table.
pub(crate) fn router(context: &Arc<Context>) -> Router {
    let mut by_path: BTreeMap<&str, MethodRouter> = BTreeMap::new();
    for route in routes::all() {
        let filter = match route.method {
            routes::Method::Get => MethodFilter::GET,
            routes::Method::Put => MethodFilter::PUT,
            routes::Method::Post => MethodFilter::POST,
            routes::Method::Delete => MethodFilter::DELETE,
        };
        let context = context.clone();
        let handler = move |params: Result<RawPathParams, RawPathParamsRejection>, request: Request| {
            let context = context.clone();
            async move { answer(context, route, params.ok().as_ref(), request).await }
        };
        let methods = by_path.remove(route.path).unwrap_or_default();
        by_path.insert(route.path, methods.on(filter, handler));
    }
    let mut router = console::router();
    for (path, methods) in by_path {
        let allowed = allow(path);
        let methods = methods.options({
            let allowed = allowed.clone();
            move || async move { with_allow(StatusCode::OK, &allowed) }
        });
        let methods =
            methods.fallback(move || async move { with_allow(StatusCode::METHOD_NOT_ALLOWED, &allowed) });
        // RabbitMQ takes paths with a slash at their end as well.
        router = router.route(&format!("{path}/"), methods.clone()).route(path, methods);
    }
    let context = context.clone();
    router.fallback(move |request: Request| {
        let context = context.clone();
        // Nothing is said of what there is to who is not logged in.
        async move {
            let (address, is_tls) = peer(&request);
            match auth::log_in(&context, request.headers(), address, is_tls) {
                Err(error) => {
                    let_arrive(request.into_body()).await;
                    refuse_login(error)
                }
                Ok(_) => finish(Err(ApiError::not_found())),
            }
        }
    })
}

fn allow(path: &str) -> String {
    let mut all = vec!["OPTIONS"];
    for route in routes::all().filter(|route| route.path == path) {
        all.push(route.method.as_str());
        if route.method == routes::Method::Get {
            all.push("HEAD");
        }
    }
    all.sort_unstable();
    all.join(", ")
}

fn with_allow(status: StatusCode, allowed: &str) -> Response {
    let mut response = Response::new(axum::body::Body::empty());
    *response.status_mut() = status;
    if let Ok(allowed) = HeaderValue::from_str(allowed) {
        response.headers_mut().insert(header::ALLOW, allowed);
    }
    guard::secure(response.headers_mut());
    response
}

fn peer(request: &Request) -> (Option<std::net::IpAddr>, bool) {
    let peer = request.extensions().get::<Peer>();
    (peer.map(|peer| peer.address.ip()), peer.is_some_and(|peer| peer.is_tls))
}

fn finish(answer: Answer) -> Response {
    let mut response = respond(answer);
    guard::secure(response.headers_mut());
    response
}

fn refuse_login(error: LoginError) -> Response {
    let mut response = match error {
        LoginError::NotNamed => {
            let mut response = Response::new(axum::body::Body::empty());
            *response.status_mut() = StatusCode::UNAUTHORIZED;
            response
        }
        LoginError::Other(error) => respond(Err(error)),
    };
    if response.status() == StatusCode::UNAUTHORIZED {
        let realm = HeaderValue::from_static("Basic realm=\"RabbitMQ Management\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, realm);
    }
    guard::secure(response.headers_mut());
    response
}

/// Reads the body of a request that is refused, within bounds. A connection on which something was not read is closed: clients that log in only
/// when they are asked to, as many in Python do, would meet with that while they send, and not with the answer.
async fn let_arrive(body: axum::body::Body) {
    let _ = tokio::time::timeout(REFUSED_BODY_TIMEOUT, to_bytes(body, REFUSED_BODY_BYTES_MAX)).await;
}

async fn answer(
    context: Arc<Context>,
    route: &'static Route,
    params: Option<&RawPathParams>,
    request: Request,
) -> Response {
    let user = match route.access {
        Access::Anyone => None,
        _ => {
            let (address, is_tls) = peer(&request);
            match auth::log_in(&context, request.headers(), address, is_tls) {
                Ok(user) => Some(user),
                Err(error) => {
                    let_arrive(request.into_body()).await;
                    return refuse_login(error);
                }
            }
        }
    };
    let Some(params) = params else {
        return finish(Err(ApiError::bad_request("the path is not UTF-8")));
    };
    let path = params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let timeout = context.options.request_timeout;
    match tokio::time::timeout(timeout, run(context, route, user, path, request)).await {
        Ok(answer) => finish(answer),
        Err(_) => finish(Err(ApiError::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "timeout",
            format!("The request was not done within {} s", timeout.as_secs()),
        ))),
    }
}

/// Whether a request is to be looked at, by its head.
///
/// # Errors
/// Another site's page asks; the user may not; there is no such virtual host.
fn admit(
    context: &Context,
    route: &Route,
    user: Option<&leveret_broker::auth::User>,
    path: &[(String, String)],
    request: &Request,
) -> Result<(), ApiError> {
    guard::check_site(request.method(), request.headers())?;
    let vhost = path.iter().find(|(name, _)| name == "vhost").map(|(_, vhost)| vhost.as_str());
    let known = vhost.filter(|vhost| context.broker.vhost(vhost).is_some());
    if let Some(user) = user {
        auth::check(context, user, route.access, known)?;
    }
    if vhost.is_some() && known.is_none() && !route.makes_vhost {
        return Err(match *request.method() {
            Method::PUT => ApiError::new(StatusCode::NOT_FOUND, "not_found", "vhost_not_found"),
            _ => ApiError::not_found(),
        });
    }
    Ok(())
}

async fn run(
    context: Arc<Context>,
    route: &'static Route,
    user: Option<leveret_broker::auth::User>,
    path: Vec<(String, String)>,
    request: Request,
) -> Answer {
    let admitted = admit(&context, route, user.as_ref(), &path, &request);
    if let Err(error) = admitted {
        let_arrive(request.into_body()).await;
        return Err(error);
    }
    let bytes_max = match route.body {
        Body::Definitions => context.options.definitions_bytes_max,
        _ => context.options.body_bytes_max,
    };
    // One more than there may be: no more than that is ever read.
    let permit = context.permits.clone().acquire_owned().await;
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, bytes_max).await.map_err(|_| {
        let text = format!("The body may have {bytes_max} bytes at most, and has to arrive whole");
        ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", text)
    })?;
    let query = crate::page::pairs(parts.uri.query().unwrap_or_default());
    let broker = context.broker.clone();
    let call = Call { context, user, path, query, headers: parts.headers, body };
    match route.handler {
        Handler::Async(handler) => {
            drop(permit);
            handler(call).await
        }
        Handler::Blocking(handler) => {
            // The permit goes with the work, which goes on when whoever asked has gone.
            let work = tokio::task::spawn_blocking(move || {
                let _permit = permit;
                handler(&call)
            });
            let answer = work.await.unwrap_or_else(|_| {
                Err(ApiError::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "internal_server_error",
                    "The request could not be done",
                ))
            });
            // What is answered to a change outlives a crash, as declare-ok and confirms promise.
            if parts.method != Method::GET && answer.is_ok() {
                broker.stored().await.map_err(|error| {
                    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "not_stored", error.to_string())
                })?;
            }
            answer
        }
    }
}
