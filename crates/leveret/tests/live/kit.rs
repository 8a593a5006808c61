//! Messages that are sent later, batches, questions and answers: on any broker the same.

use std::time::{Duration, SystemTime};

use leveret::rpc::CallError;
use leveret::{Cancelled, Failure, Json, Queue, State, Text, Topology};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::{Log, SOON, Target, dead, text, until};

#[tokio::test]
async fn what_is_scheduled_comes_when_it_is_due_unless_it_is_cancelled() {
    let target = Target::start("later").await;
    let (mq, name) = (target.connect().await, &target.name);
    mq.declare(Queue::durable(name).dead_letter()).await.unwrap();
    let publisher = mq.publisher(name).build::<Text>().await.unwrap();
    let ms = Duration::from_millis;
    let began = Instant::now();
    publisher.send_after("after", ms(2000)).await.unwrap();
    publisher.send_at("at", SystemTime::now() + ms(300)).await.unwrap();
    let never = publisher.cancellable_after("never", ms(500)).await.unwrap();
    let sent = publisher.cancellable_after("sent", ms(500)).await.unwrap();
    assert!(never.cancel().await.unwrap());
    let seen: Log = Log::default();
    let handler = |Text(body): Text, State(seen): State<Log>| async move { seen.lock().push(body) };
    let stop = CancellationToken::new();
    let worker = tokio::spawn(mq.worker(name).concurrency(1).state(seen.clone()).run(handler, stop.clone()));
    until("all have come", || seen.lock().len() == 3).await;
    assert!(began.elapsed() >= ms(1990), "{:?}", began.elapsed());
    assert_eq!(*seen.lock(), ["at", "sent", "after"]);
    assert!(!never.cancel().await.unwrap() && !sent.cancel().await.unwrap());
    stop.cancel();
    worker.await.unwrap().unwrap();
    let channel = mq.consuming().channel().await.unwrap();
    channel.queue_delete(name, Default::default()).await.unwrap();
    target.clean(&mq, Topology::new()).await;
}

#[tokio::test]
async fn each_message_of_a_batch_has_its_own_end() {
    for make in [Queue::durable as fn(String) -> Queue, Queue::quorum] {
        let target = Target::start("batch").await;
        let (mq, name) = (target.connect().await, &target.name);
        let queue = make(name.clone()).retry([Duration::from_millis(200)]).dead_letter();
        mq.declare(queue.clone()).await.unwrap();
        let publisher = mq.publisher(name).build::<Json<u32>>().await.unwrap();
        let orders: Vec<u32> = (1..=20).collect();
        assert!(publisher.send_all(&orders).await.iter().all(Result::is_ok));
        let seen: Log = Log::default();
        let handler = |orders: Vec<Json<u32>>, State(seen): State<Log>| async move {
            let mut seen = seen.lock();
            let each = |Json(order): &Json<u32>| {
                let again = seen.contains(&order.to_string());
                seen.push(order.to_string());
                match order {
                    5 => Err(Failure::permanent("five")),
                    6 if !again => Err(Failure::transient("not yet")),
                    _ => Ok(()),
                }
            };
            orders.iter().map(each).collect::<Vec<_>>()
        };
        let stop = CancellationToken::new();
        let worker = mq.worker(name).concurrency(2).state(seen.clone());
        let worker = tokio::spawn(worker.batch(8, Duration::from_millis(50), handler).run(stop.clone()));
        until("all were handled, one twice", || seen.lock().len() == 21).await;
        let letter = dead(&mq, &format!("{name}.dead")).await;
        assert_eq!(text(&letter, "x-error"), "five");
        stop.cancel();
        let report = worker.await.unwrap().unwrap();
        assert_eq!((report.acked, report.retried, report.dead_lettered), (19, 1, 1), "{report:?}");
        target.clean(&mq, queue).await;
    }
}

#[tokio::test]
async fn questions_have_answers_errors_and_deadlines() {
    let target = Target::start("rpc").await;
    let (mq, name) = (target.connect().await, &target.name);
    let queue = Queue::durable(name).discard_failed();
    mq.declare(queue.clone()).await.unwrap();
    let handler = |Json(number): Json<u32>| async move {
        match number {
            0 => Err(Failure::permanent("nothing").reason("zero").details(&7)),
            1 => std::future::pending().await,
            _ => Ok(Json(number * 2)),
        }
    };
    let stop = CancellationToken::new();
    let worker = mq.worker(name).grace(Duration::ZERO).responder(handler);
    let worker = tokio::spawn(worker.run(stop.clone()));
    let asker = mq.requester(name).deadline(SOON).build::<Json<u32>, Json<u32>>().await.unwrap();
    let (two, three) = tokio::join!(asker.call(&2), asker.call(&3));
    assert_eq!((two.unwrap(), three.unwrap()), (Json(4), Json(6)));
    let Err(CallError::Refused(refused)) = asker.call(&0).await else { panic!("it is refused") };
    assert_eq!((&*refused.reason, &*refused.text, refused.details::<u32>()), ("zero", "nothing", Some(7)));
    let error = asker.call_within(&1, Duration::from_millis(200)).await.unwrap_err();
    assert!(matches!(error, CallError::Deadline(_) | CallError::Refused(_)), "{error}");
    let nobody = mq.requester(format!("{name}-nobody")).build::<Json<u32>, Json<u32>>().await.unwrap();
    let error = nobody.call(&1).await.unwrap_err();
    assert!(matches!(error, CallError::Unroutable(_)), "{error}");
    stop.cancel();
    worker.await.unwrap().unwrap();
    target.clean(&mq, queue).await;
}

/// What was begun is asked to stop when its asker gives up, and what waits behind it is not begun.
#[tokio::test]
async fn a_responder_hears_of_askers_that_give_up() {
    let target = Target::start("given-up").await;
    let (mq, name) = (target.connect().await, &target.name);
    let queue = Queue::durable(name.clone()).dead_letter();
    mq.declare(queue.clone()).await.unwrap();
    let handler = |Text(body): Text, cancelled: Cancelled, State(seen): State<Log>| async move {
        seen.lock().push(format!("{body} begun"));
        cancelled.cancelled().await;
        seen.lock().push(format!("{body} stopped"));
    };
    let (seen, stop) = (Log::default(), CancellationToken::new());
    let worker = mq.worker(name).concurrency(1).state(seen.clone()).responder(handler);
    let worker = tokio::spawn(worker.run(stop.clone()));
    let asker = mq.requester(name).deadline(SOON * 10).build::<Text, Json<()>>().await.unwrap();
    let ask = |question: &'static str| {
        let asker = asker.clone();
        tokio::spawn(async move { asker.call(question).await })
    };
    let first = ask("first");
    until("the first has begun", || seen.lock().len() == 1).await;
    // Told before the first: in the order in which they are given up.
    assert!(timeout(Duration::from_millis(100), asker.call("second")).await.is_err());
    first.abort();
    until("it was asked to stop", || seen.lock().len() == 2).await;
    let third = ask("third");
    until("the third has begun", || seen.lock().len() == 3).await;
    third.abort();
    until("it was asked to stop", || seen.lock().len() == 4).await;
    stop.cancel();
    let report = timeout(SOON, worker).await.unwrap().unwrap().unwrap();
    assert_eq!(*seen.lock(), ["first begun", "first stopped", "third begun", "third stopped"]);
    assert_eq!((report.acked, report.given_up), (2, 1), "{report:?}");
    target.clean(&mq, queue).await;
}
