//! A circuit breaker around questions: what it counts, and that nothing is asked while it is open.

use leveret::layers::CircuitOpen;
use leveret::rpc::CallError;
use leveret::{CircuitBreaker, Text};
use tokio::time::Instant;

use super::asking::{Responding, ask, layers_own, with_stock};

/// Refused for good is the question's own fault; everything else is the responder's, an answer that never came above all.
#[tokio::test]
async fn a_circuit_breaker_counts_questions_that_failed_or_were_not_answered() {
    let (home, mq) = with_stock().await;
    let responding = Responding::start(&mq);
    for (question, counts) in [("yes", false), ("no", false), ("later", true), ("wait", true)] {
        let breaker = CircuitBreaker::new(1, 1);
        let builder = mq.requester("stock").deadline(home.span(2)).layer(breaker.clone());
        let _ = ask(builder, &[question]).await.remove(0);
        assert_eq!(breaker.is_open(), counts, "{question}");
    }
    let breaker = CircuitBreaker::new(1, 1);
    let outcomes = ask(mq.requester("nobody's").layer(breaker.clone()), &["?", "?"]).await;
    assert!(matches!(outcomes[0], Err(CallError::Unroutable(_))) && breaker.is_open(), "{outcomes:?}");
    assert!(layers_own::<CircuitOpen>(&outcomes[1]).next > home.span(1));
    responding.stop().await;
}

/// The responder is away: nothing more is asked, until a probe is answered.
#[tokio::test]
async fn an_open_circuit_breaker_asks_nothing_and_closes_with_an_answer() {
    let (home, mq) = with_stock().await;
    let breaker = CircuitBreaker::new(2, 2).pause(home.span(20));
    let asker = mq.requester("stock").deadline(home.span(2)).layer(breaker.clone());
    let asker = asker.build::<Text, Text>().await.unwrap();
    for _ in 0..2 {
        let error = asker.call("is anybody there?").await.unwrap_err();
        assert!(matches!(error, CallError::Deadline(_)), "{error}");
    }
    home.advance(3).await;
    let responding = Responding::start(&mq);
    let began = Instant::now();
    let refused = asker.call("not asked").await.map(|Text(text)| text);
    assert!(layers_own::<CircuitOpen>(&refused).next <= home.span(20));
    assert!(home.is_real() || began.elapsed().is_zero(), "at once");
    home.sleep(20).await;
    assert_eq!(asker.call("and now?").await.unwrap(), Text("yes".to_owned()));
    assert!(!breaker.is_open());
    assert_eq!(responding.seen(), ["and now?"]);
    responding.stop().await;
}
