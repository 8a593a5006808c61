//! The table of resources: method, path, who may ask, what answers. The router and the OpenAPI document are made of it.

use crate::api;
use crate::call::Call;
pub use crate::content::{Body, Holds};
use crate::reply::Answer;
use std::pin::Pin;

/// Methods of HTTP that are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "they are HTTP's")]
pub enum Method {
    Get,
    Put,
    Post,
    Delete,
}

impl Method {
    /// Its name in upper case.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Put => "PUT",
            Self::Post => "POST",
            Self::Delete => "DELETE",
        }
    }
}

/// Who may ask. Tags are RabbitMQ's: an administrator may what the others may, monitoring and policymaker what management may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody, without a login.
    Anyone,
    /// A user with any of the four tags.
    Management,
    /// Tag `policymaker` or `administrator`.
    Policymaker,
    /// Tag `monitoring` or `administrator`.
    Monitor,
    /// Tag `administrator`.
    Administrator,
    /// Any tag, and permissions in the virtual host of the path.
    Vhost,
    /// The same, or tag `monitoring` or `administrator`.
    VhostVisible,
    /// Tag `policymaker` or `administrator`, and permissions in the virtual host of the path.
    VhostPolicymaker,
}

/// A future of a handler that waits without a thread.
pub type Waiting = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// What answers.
#[derive(Clone, Copy)]
pub enum Handler {
    /// May take locks and read from the disk: runs on the blocking pool.
    Blocking(fn(&Call) -> Answer),
    /// Waits for others.
    Async(fn(Call) -> Waiting),
}

/// One resource and method.
#[derive(Clone, Copy)]
pub struct Route {
    /// Method.
    pub method: Method,
    /// Path with `{name}` for what varies. A `vhost` has to exist.
    pub path: &'static str,
    /// Who may ask.
    pub access: Access,
    /// What it does, in words.
    pub summary: &'static str,
    /// What answers.
    pub handler: Handler,
    /// The request's body.
    pub body: Body,
    /// The answer's body.
    pub holds: Holds,
    /// Statuses of answers; errors that any request may meet with need not be named.
    pub statuses: &'static [u16],
    /// The answer is a list that can be sorted, filtered and divided into pages.
    pub is_paged: bool,
    /// The virtual host of the path need not be there.
    pub makes_vhost: bool,
    /// Parameters of the query besides those of lists.
    pub query: &'static [&'static str],
}

impl Route {
    const fn new(
        method: Method,
        path: &'static str,
        access: Access,
        summary: &'static str,
        handler: fn(&Call) -> Answer,
    ) -> Self {
        let handler = Handler::Blocking(handler);
        Self {
            method,
            path,
            access,
            summary,
            handler,
            body: Body::None,
            holds: Holds::Nothing,
            statuses: match method {
                Method::Get => &[200],
                Method::Put => &[201, 204],
                Method::Post | Method::Delete => &[204],
            },
            is_paged: false,
            makes_vhost: false,
            query: &[],
        }
    }

    pub(crate) const fn get(
        path: &'static str,
        access: Access,
        summary: &'static str,
        handler: fn(&Call) -> Answer,
    ) -> Self {
        Self::new(Method::Get, path, access, summary, handler)
    }

    pub(crate) const fn put(
        path: &'static str,
        access: Access,
        summary: &'static str,
        handler: fn(&Call) -> Answer,
    ) -> Self {
        Self::new(Method::Put, path, access, summary, handler)
    }

    pub(crate) const fn post(
        path: &'static str,
        access: Access,
        summary: &'static str,
        handler: fn(&Call) -> Answer,
    ) -> Self {
        Self::new(Method::Post, path, access, summary, handler)
    }

    pub(crate) const fn delete(
        path: &'static str,
        access: Access,
        summary: &'static str,
        handler: fn(&Call) -> Answer,
    ) -> Self {
        Self::new(Method::Delete, path, access, summary, handler)
    }

    pub(crate) const fn waiting(mut self, handler: fn(Call) -> Waiting) -> Self {
        self.handler = Handler::Async(handler);
        self
    }

    pub(crate) const fn body(mut self, keys: &'static [&'static str]) -> Self {
        self.body = Body::Object(keys);
        self
    }

    pub(crate) const fn holds(mut self, holds: Holds) -> Self {
        self.holds = holds;
        self
    }

    pub(crate) const fn one(self, shape: &'static str) -> Self {
        self.holds(Holds::One(shape))
    }

    pub(crate) const fn many(self, shape: &'static str) -> Self {
        self.holds(Holds::Many(shape))
    }

    pub(crate) const fn statuses(mut self, statuses: &'static [u16]) -> Self {
        self.statuses = statuses;
        self
    }

    pub(crate) const fn definitions(mut self) -> Self {
        self.body = Body::Definitions;
        self
    }

    pub(crate) const fn paged(mut self) -> Self {
        self.is_paged = true;
        self
    }

    pub(crate) const fn makes_vhost(mut self) -> Self {
        self.makes_vhost = true;
        self
    }

    pub(crate) const fn query(mut self, query: &'static [&'static str]) -> Self {
        self.query = query;
        self
    }

    /// The names in braces, in order.
    pub fn path_parameters(&self) -> impl Iterator<Item = &'static str> {
        self.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
    }
}

/// Every route.
pub fn all() -> impl Iterator<Item = &'static Route> {
    api::tables().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_route_is_there_twice() {
        let mut seen = HashSet::new();
        for route in all() {
            assert!(
                seen.insert((route.method.as_str(), route.path)),
                "{} {}",
                route.method.as_str(),
                route.path
            );
        }
    }
}
