//! Who asked, and gave up: what a responder knows of it. No I/O; times are handed in.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Requests that are remembered as given up, at most: about a megabyte. The oldest is forgotten first, and then carried out for nobody.
const GONE_MAX: usize = 16_384;

/// Those of one responder.
#[derive(Default)]
pub(crate) struct Askers(Mutex<State>);

#[derive(Default)]
struct State {
    /// Those being handled, by their message id: what tells them, and how many there are with that id (one that came again).
    begun: HashMap<u128, (CancellationToken, usize)>,
    /// Given up, until then.
    gone: HashMap<u128, Instant>,
    order: VecDeque<(Instant, u128)>,
}

/// A request that is being handled, for as long as this is kept.
pub(crate) struct Asked {
    askers: Arc<Askers>,
    id: u128,
    gone: CancellationToken,
}

impl Askers {
    /// A request with this message id begins. `Err`: its asker has given up already.
    pub(crate) fn begin(self: &Arc<Self>, id: u128, now: Instant) -> Result<Asked, ()> {
        let mut state = self.0.lock();
        state.forget(now);
        if state.gone.contains_key(&id) {
            return Err(());
        }
        let (gone, count) = state.begun.entry(id).or_default();
        *count += 1;
        let gone = gone.clone();
        drop(state);
        Ok(Asked { askers: self.clone(), id, gone })
    }

    /// The asker of this request has given up; that is remembered `until` then.
    pub(super) fn gave_up(&self, id: u128, now: Instant, until: Instant) {
        let mut state = self.0.lock();
        state.forget(now);
        if state.gone.insert(id, until).is_none() {
            state.order.push_back((until, id));
        }
        if state.order.len() > GONE_MAX
            && let Some((_, oldest)) = state.order.pop_front()
        {
            state.gone.remove(&oldest);
        }
        let begun = state.begun.get(&id).map(|(gone, _)| gone.clone());
        drop(state);
        if let Some(gone) = begun {
            gone.cancel();
        }
    }
}

impl State {
    /// What is over. (One behind another that is remembered longer stays a little.)
    fn forget(&mut self, now: Instant) {
        while let Some((until, id)) = self.order.front().copied()
            && until <= now
        {
            self.order.pop_front();
            self.gone.remove(&id);
        }
    }
}

impl Asked {
    /// Cancelled when its asker gives up.
    pub(crate) fn gone(&self) -> &CancellationToken {
        &self.gone
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        let mut state = self.askers.0.lock();
        if let Some((_, count)) = state.begun.get_mut(&self.id) {
            *count -= 1;
            if *count == 0 {
                state.begun.remove(&self.id);
            }
        }
    }
}

/// The number of a message id as requesters make them.
pub(crate) fn number(id: Option<&str>) -> Option<u128> {
    id.filter(|id| id.len() == 32).and_then(|id| u128::from_str_radix(id, 16).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn what_was_given_up_is_told_to_all_of_that_id_and_forgotten_in_time() {
        let (askers, now, minute) = (Arc::new(Askers::default()), Instant::now(), Duration::from_secs(60));
        let (one, again, other) = (askers.begin(1, now), askers.begin(1, now), askers.begin(2, now));
        let (one, again, other) = (one.ok().unwrap(), again.ok().unwrap(), other.ok().unwrap());
        drop(again);
        askers.gave_up(1, now, now + minute);
        assert!(one.gone().is_cancelled() && !other.gone().is_cancelled());
        assert!(askers.begin(1, now).is_err());
        drop((one, other));
        assert!(askers.0.lock().begun.is_empty());
        let again = askers.begin(1, now + minute).ok().unwrap();
        assert!(!again.gone().is_cancelled() && askers.0.lock().order.is_empty());
    }

    #[test]
    fn no_more_are_remembered_than_may_be() {
        let (askers, now) = (Arc::new(Askers::default()), Instant::now());
        for id in 0..=GONE_MAX as u128 {
            askers.gave_up(id, now, now + Duration::from_secs(60));
            askers.gave_up(id, now, now + Duration::from_secs(60));
        }
        let state = askers.0.lock();
        assert_eq!((state.gone.len(), state.order.len()), (GONE_MAX, GONE_MAX));
        assert!(!state.gone.contains_key(&0) && state.gone.contains_key(&1));
    }

    #[test]
    fn ids_are_those_of_requesters() {
        assert_eq!(number(Some(&format!("{:032x}", 255))), Some(255));
        assert_eq!((number(Some("order 7")), number(None)), (None, None));
    }
}
