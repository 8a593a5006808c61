//! An idempotency store that tells when something came that was done before.

use std::time::Duration;

use leveret::idempotency::{Answer, Claim, IdempotencyStore};

use crate::tell::{Teller, Told};

/// Around any store.
pub(crate) struct Counted<S> {
    inner: S,
    teller: Teller,
}

impl<S> Counted<S> {
    pub(crate) fn new(inner: S, teller: Teller) -> Self {
        Self { inner, teller }
    }
}

impl<S: IdempotencyStore> IdempotencyStore for Counted<S> {
    fn claim<'a>(&'a self, key: &'a str, lease: Duration) -> Answer<'a, Claim> {
        Box::pin(async move {
            let claim = self.inner.claim(key, lease).await?;
            if claim == Claim::Done {
                self.teller.tell(Told::Duplicate);
            }
            Ok(claim)
        })
    }

    fn commit<'a>(&'a self, key: &'a str, token: u64, window: Duration) -> Answer<'a, ()> {
        self.inner.commit(key, token, window)
    }

    fn release<'a>(&'a self, key: &'a str, token: u64) -> Answer<'a, ()> {
        self.inner.release(key, token)
    }
}
