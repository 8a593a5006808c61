//! Questions and answers: errors that come back typed, deadlines, bounds, lost connections.

use std::sync::Arc;
use std::time::Duration;

use leveret::rpc::CallError;
use leveret::{
    Attempt, Cancelled, Deadline, Failure, Idempotency, Json, MemoryStore, Mq, Queue, State, Text,
};
use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::home::Home;
use super::support::{Log, header};

pub(crate) async fn with_stock() -> (Home, Mq) {
    let home = Home::start().await;
    let mq = home.connect().await;
    mq.declare(Queue::durable("stock").retry(home.spans([5])).dead_letter()).await.unwrap();
    (home, mq)
}

async fn stock(Json(article): Json<u32>, Attempt(attempt): Attempt) -> Result<Json<u32>, Failure> {
    match article {
        0 => Err(Failure::permanent("there is no article 0").reason("no-such-article").details(&[1, 2])),
        1 if attempt == 1 => Err(Failure::transient("the shelf is locked")),
        2 => Err(Failure::transient("nobody is there")),
        more => Ok(Json(more * 10)),
    }
}

#[tokio::test]
async fn answers_and_errors_come_back_and_refused_requests_are_no_dead_letters() {
    let (home, mq) = with_stock().await;
    let stop = CancellationToken::new();
    let worker = tokio::spawn(mq.worker("stock").responder(stock).run(stop.clone()));
    let asker =
        mq.requester("stock").deadline(home.span(5) * 20).build::<Json<u32>, Json<u32>>().await.unwrap();
    let (seven, eight) = tokio::join!(asker.call(&7), asker.call(&8));
    assert_eq!((seven.unwrap(), eight.unwrap()), (Json(70), Json(80)));

    let Err(CallError::Refused(refused)) = asker.call(&0).await else { panic!("it is refused") };
    assert_eq!((&*refused.reason, &*refused.text), ("no-such-article", "there is no article 0"));
    assert_eq!((refused.is_transient, refused.details::<[u8; 2]>()), (false, Some([1, 2])));

    let strings = mq.requester("stock").build::<Text, Json<u32>>().await.unwrap();
    let error = strings.call("what?").await.unwrap_err();
    assert!(matches!(&error, CallError::Refused(why) if why.reason == "content-type"), "{error}");
    let texts = mq.requester("stock").build::<Json<u32>, Text>().await.unwrap();
    let error = texts.call(&7).await.unwrap_err();
    assert!(matches!(error, CallError::Decode(_)) && !error.is_transient(), "{error}");

    // While its asker waits, a request has its retries.
    for (article, answer) in [(1, Ok(10)), (2, Err("nobody is there".to_owned()))] {
        let asking = tokio::spawn({
            let asker = asker.clone();
            async move { asker.call(&article).await }
        });
        home.retry_of("stock", 5).await;
        let got = asking.await.unwrap().map(|json| json.0).map_err(|error| error.to_string());
        assert_eq!(got, answer);
    }
    assert!(home.messages("stock.dead").is_empty());
    stop.cancel();
    let report = worker.await.unwrap().unwrap();
    assert_eq!(
        (report.acked, report.refused, report.dead_lettered, report.retried),
        (4, 3, 0, 2),
        "{report:?}"
    );
}

#[tokio::test]
async fn a_question_ends_at_its_deadline_and_is_not_begun_after_it() {
    let (home, mq) = with_stock().await;
    home.pause_clock();
    let asker = mq.requester("stock").deadline(home.span(5)).build::<Json<u32>, Json<u32>>().await.unwrap();
    let asking = tokio::spawn(async move { asker.call(&7).await });
    let request = super::support::only(&home, "stock").await;
    // What was left of its time when it was sent.
    let left = Duration::from_millis(request.properties.expiration.unwrap().parse().unwrap());
    assert!(left <= home.span(5) && left > home.span(4), "{left:?}");
    let error = asking.await.unwrap().unwrap_err();
    assert!(
        matches!(error, CallError::Deadline(after) if after == home.span(5)) && error.is_transient(),
        "{error}"
    );
    home.advance(5).await;
    home.expect_empty("stock").await;
    let dead = super::support::only(&home, "stock.dead").await;
    assert_eq!(header(&dead, "x-first-death-reason"), "expired");

    let nobody = mq.requester("nobody's").build::<Json<u32>, Json<u32>>().await.unwrap();
    let error = nobody.call(&7).await.unwrap_err();
    assert!(matches!(error, CallError::Unroutable(_)), "{error}");
}

#[tokio::test]
async fn a_handler_is_asked_to_stop_when_its_asker_waits_no_longer() {
    let (home, mq) = with_stock().await;
    home.pause_clock();
    let seen: Log<Duration> = Log::default();
    let asked = tokio::time::Instant::now();
    let handler = move |cancelled: Cancelled,
                        Deadline(deadline): Deadline,
                        State(seen): State<Log<Duration>>| async move {
        cancelled.cancelled().await;
        assert!(deadline.is_some());
        seen.lock().push(asked.elapsed());
    };
    let stop = CancellationToken::new();
    let worker = tokio::spawn(mq.worker("stock").state(seen.clone()).responder(handler).run(stop.clone()));
    let asker = mq.requester("stock").deadline(home.span(20)).build::<Json<u32>, Json<()>>().await.unwrap();
    let _ = asker.call(&7).await;
    stop.cancel();
    worker.await.unwrap().unwrap();
    let log = seen.lock().clone();
    assert!(log.len() == 1 && home.took(log[0], 20), "{log:?}");
}

#[tokio::test]
async fn no_more_questions_are_out_than_may_be() {
    let (home, mq) = with_stock().await;
    home.pause_clock();
    let asker = mq.requester("stock").outstanding_max(1).build::<Json<u32>, Json<u32>>().await.unwrap();
    let first = tokio::spawn({
        let (asker, soon) = (asker.clone(), home.span(5));
        async move { asker.call_within(&7, soon).await }
    });
    home.eventually("it is out", || home.ready("stock") == Some(1)).await;
    let error = asker.call_within(&8, home.span(1)).await.unwrap_err();
    assert!(matches!(error, CallError::Busy(1)), "{error}");
    first.abort();
    let _ = first.await;
    let error = asker.call_within(&9, home.span(1)).await.unwrap_err();
    assert!(matches!(error, CallError::Deadline(_)), "whoever gives up leaves its place: {error}");
}

#[tokio::test]
async fn questions_that_were_out_when_the_connection_was_lost_fail_or_are_repeated() {
    let (home, mq) = with_stock().await;
    let (begun, gate): (Log<u32>, _) = (Arc::new(Mutex::default()), Arc::new(Semaphore::new(0)));
    let handler = |Json(article): Json<u32>,
                   State(begun): State<Log<u32>>,
                   State(gate): State<Arc<Semaphore>>| async move {
        begun.lock().push(article);
        gate.acquire().await.unwrap().forget();
        Json(article * 10)
    };
    let stop = CancellationToken::new();
    let worker = mq.worker("stock").state(begun.clone()).state(gate.clone()).responder(handler);
    let worker = tokio::spawn(worker.run(stop.clone()));
    let once = mq.requester("stock").build::<Json<u32>, Json<u32>>().await.unwrap();
    let again = mq.requester("stock").repeat_when_lost().build::<Json<u32>, Json<u32>>().await.unwrap();
    let asking = tokio::spawn(async move { tokio::join!(once.call(&1), again.call(&2)) });
    home.eventually("both have begun", || begun.lock().len() == 2).await;
    home.cut();
    // The two that were lost under way wait for their next attempt, where the broker knows that it is one; elsewhere they come at once.
    home.eventually("one is asked again", || begun.lock().len() >= 3).await;
    gate.add_permits(10);
    let (first, second) = asking.await.unwrap();
    let error = first.unwrap_err();
    assert!(matches!(error, CallError::Lost(_)) && error.is_transient(), "{error}");
    assert_eq!(second.unwrap(), Json(20));
    stop.cancel();
    worker.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_request_that_was_carried_out_before_is_told_so() {
    let (_home, mq) = with_stock().await;
    let stop = CancellationToken::new();
    let once = Idempotency::new(MemoryStore::default()).by(|message| Some(format!("{:?}", message.body())));
    let worker = tokio::spawn(mq.worker("stock").idempotent(once).responder(stock).run(stop.clone()));
    let asker = mq.requester("stock").build::<Json<u32>, Json<u32>>().await.unwrap();
    assert_eq!(asker.call(&7).await.unwrap(), Json(70));
    let error = asker.call(&7).await.unwrap_err();
    assert!(matches!(&error, CallError::Refused(why) if why.reason == "duplicate"), "{error}");
    stop.cancel();
    worker.await.unwrap().unwrap();
}

/// Between two attempts its asker has gone: it is not begun again. (What is answered to a queue can be looked at.)
#[tokio::test]
async fn a_request_whose_asker_has_gone_is_not_tried_again() {
    let (home, mq) = with_stock().await;
    mq.declare(Queue::durable("answers")).await.unwrap();
    let seen: Log<u32> = Log::default();
    let handler = |Attempt(attempt): Attempt, State(seen): State<Log<u32>>| async move {
        seen.lock().push(attempt);
        Err::<(), _>(Failure::transient("not yet"))
    };
    let stop = CancellationToken::new();
    let worker = tokio::spawn(mq.worker("stock").state(seen.clone()).responder(handler).run(stop.clone()));
    let publisher = mq.publisher("stock").build::<Json<u32>>().await.unwrap();
    let long_ago = |mut message: leveret::Message| {
        message.properties.reply_to = Some("answers".into());
        message.properties.timestamp = Some(1);
        message.properties.expiration = Some("60000".into());
        message
    };
    publisher.send_with(&7, long_ago).await.unwrap();
    home.eventually("it has failed", || seen.lock().len() == 1).await;
    home.settle().await;
    home.advance(5).await;
    let answer = super::support::only(&home, "answers").await;
    assert_eq!(header(&answer, "x-error-reason"), "too-late");
    stop.cancel();
    assert_eq!(worker.await.unwrap().unwrap().refused, 1);
    assert_eq!(*seen.lock(), [1]);
}
