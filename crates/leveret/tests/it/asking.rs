//! A requester's layers: around each question and its answer, not around the sending alone.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll};

use leveret::layers::{InFlightLimit, LoadShed, Overloaded, TimedOut, Timeout};
use leveret::rpc::{CallError, Question, Reply, RequesterBuilder};
use leveret::{BoxError, Cancelled, Failure, Incoming, Json, Mq, Queue, RateLimit, State, Text};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tower::Service;
use tower::util::{MapRequestLayer, MapResultLayer};

use super::home::Home;
use super::support::Log;

pub(crate) async fn with_stock() -> (Home, Mq) {
    let home = Home::start().await;
    let mq = home.connect().await;
    mq.declare(Queue::durable("stock").dead_letter()).await.unwrap();
    home.pause_clock();
    (home, mq)
}

/// What is asked is what becomes of it.
async fn answer(
    Text(asked): Text,
    cancelled: Cancelled,
    State(seen): State<Log<String>>,
) -> Result<Text, Failure> {
    seen.lock().push(asked.clone());
    match &*asked {
        "no" => Err(Failure::permanent("never")),
        "later" => Err(Failure::transient("not now")),
        "wait" => {
            cancelled.cancelled().await;
            seen.lock().push("stopped".to_owned());
            Err(Failure::transient("stopped"))
        }
        _ => Ok(Text("yes".to_owned())),
    }
}

pub(crate) struct Responding(Log<String>, CancellationToken, JoinHandle<()>);

impl Responding {
    pub(crate) fn start(mq: &Mq) -> Self {
        let (seen, stop) = (Log::default(), CancellationToken::new());
        let worker = mq.worker("stock").state(seen.clone()).responder(answer).run(stop.clone());
        let worker = tokio::spawn(async move { assert!(worker.await.is_ok()) });
        Self(seen, stop, worker)
    }

    pub(crate) fn seen(&self) -> Vec<String> {
        self.0.lock().clone()
    }

    pub(crate) async fn stop(self) {
        self.1.cancel();
        self.2.await.unwrap();
    }
}

pub(crate) async fn ask(builder: RequesterBuilder, questions: &[&str]) -> Vec<Result<String, CallError>> {
    let asker = builder.build::<Text, Text>().await.unwrap();
    let mut all = Vec::new();
    for question in questions {
        all.push(asker.call(question).await.map(|Text(text)| text));
    }
    all
}

pub(crate) fn layers_own<E: std::error::Error + Clone + 'static>(outcome: &Result<String, CallError>) -> E {
    match outcome {
        Err(CallError::Layer(error)) => {
            error.downcast_ref::<E>().unwrap_or_else(|| panic!("{error}")).clone()
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_layer_sees_the_answer_or_the_typed_error_and_errors_come_back_as_they_were() {
    let (home, mq) = with_stock().await;
    let responding = Responding::start(&mq);
    let seen = Log::<String>::default();
    let notes = seen.clone();
    let note = MapResultLayer::new(move |outcome: Result<Reply, BoxError>| {
        let text = match &outcome {
            Ok(reply) => format!("{:?} {:?}", reply.properties.content_type, reply.body),
            Err(error) => format!("{:?}", error.downcast_ref::<CallError>().is_some()),
        };
        notes.lock().push(text);
        outcome
    });
    let builder = mq.requester("stock").deadline(home.span(5)).layer(note);
    let outcomes = ask(builder, &["what?", "no", "later", "wait"]).await;
    assert_eq!(outcomes[0].as_ref().unwrap(), "yes");
    let Err(CallError::Refused(no)) = &outcomes[1] else { panic!("{outcomes:?}") };
    assert_eq!((&*no.text, no.is_transient), ("never", false));
    assert!(matches!(&outcomes[2], Err(CallError::Refused(later)) if later.is_transient), "{outcomes:?}");
    let Err(CallError::Deadline(after)) = outcomes[3] else { panic!("{outcomes:?}") };
    assert_eq!(after, home.span(5));
    assert_eq!(*seen.lock(), ["Some(\"text/plain\") b\"yes\"", "true", "true", "true"]);
    responding.stop().await;
}

/// A cache answers, and what a layer says comes back as its error.
#[tokio::test]
async fn a_layer_may_change_a_question_answer_it_or_refuse_it() {
    let (_home, mq) = with_stock().await;
    let responding = Responding::start(&mq);
    let other = MapRequestLayer::new(|mut question: Question| {
        assert!(question.deadline() > Instant::now());
        question.message.body = "no".into();
        question
    });
    let outcome = ask(mq.requester("stock").layer(other), &["what?"]).await.remove(0);
    assert!(matches!(&outcome, Err(CallError::Refused(_))), "{outcome:?}");

    let cache = tower::layer::layer_fn(|_| {
        tower::service_fn(|question: Question| async move {
            match &*question.message.body {
                b"known" => Ok(Reply::new("from the cache")),
                _ => Err::<_, BoxError>("not in the cache".into()),
            }
        })
    });
    let outcomes = ask(mq.requester("stock").layer(cache), &["known", "unknown"]).await;
    assert_eq!(outcomes[0].as_ref().unwrap(), "from the cache");
    let error = outcomes[1].as_ref().unwrap_err();
    assert_eq!((error.to_string().as_str(), error.is_transient()), ("not in the cache", false));
    assert_eq!(responding.seen(), ["no"]);
    responding.stop().await;
}

#[tokio::test]
async fn questions_keep_to_a_rate_and_their_deadline_counts_while_they_are_held_up() {
    let (home, mq) = with_stock().await;
    let responding = Responding::start(&mq);
    let began = Instant::now();
    let rate = RateLimit::new(1, home.span(1));
    let outcomes = ask(mq.requester("stock").layer(rate), &["1", "2", "3"]).await;
    assert!(outcomes.iter().all(Result::is_ok) && home.took(began.elapsed(), 2), "{:?}", began.elapsed());

    let rate = RateLimit::new(1, home.span(60));
    let began = Instant::now();
    let outcomes = ask(mq.requester("stock").deadline(home.span(3)).layer(rate), &["4", "5"]).await;
    assert!(matches!(outcomes[1], Err(CallError::Deadline(after)) if after == home.span(3)), "{outcomes:?}");
    assert!(home.took(began.elapsed(), 3), "{:?}", began.elapsed());
    assert_eq!(responding.seen(), ["1", "2", "3", "4"], "what was held up is not sent");

    // What was held up for two of its three seconds has one left in its queue.
    let rate = RateLimit::new(1, home.span(2));
    let expirations = Log::<u64>::default();
    responding.stop().await;
    let asking = tokio::spawn(ask(
        mq.requester("stock").deadline(home.span(3)).layer(rate.clone()).layer(rate),
        &["6"],
    ));
    home.eventually("it is in the queue", || {
        let there = home.messages("stock").into_iter();
        expirations
            .lock()
            .extend(there.map(|message| message.properties.expiration.unwrap().parse::<u64>().unwrap()));
        !expirations.lock().is_empty()
    })
    .await;
    let left = u128::from(expirations.lock()[0]);
    assert!(left <= home.span(1).as_millis(), "{left} ms");
    asking.await.unwrap().remove(0).unwrap_err();
}

/// Of the questions that wait, not of those that are being sent.
#[tokio::test]
async fn so_many_questions_wait_at_the_same_time_and_more_wait_or_are_shed() {
    let (home, mq) = with_stock().await;
    let responding = Responding::start(&mq);
    let within = |seconds| mq.requester("stock").deadline(home.span(seconds));
    let limited = within(20).layer(InFlightLimit::new(1)).build::<Text, Text>().await.unwrap();
    let waiting = tokio::spawn({
        let (limited, soon) = (limited.clone(), home.span(5));
        async move { limited.call_within("wait", soon).await }
    });
    home.eventually("it has begun", || responding.seen() == ["wait"]).await;
    let began = Instant::now();
    assert_eq!(limited.call("after it").await.unwrap(), Text("yes".to_owned()));
    assert!(home.took(began.elapsed(), 5), "{:?}", began.elapsed());
    assert!(matches!(waiting.await.unwrap(), Err(CallError::Deadline(_))));

    let shed = within(5).layer(LoadShed::new(1)).build::<Text, Text>().await.unwrap();
    let (first, second) = tokio::join!(shed.call("wait"), shed.call("one too many"));
    assert!(matches!(first, Err(CallError::Deadline(_))), "{first:?}");
    let second = second.map(|Text(text)| text);
    assert_eq!(layers_own::<Overloaded>(&second).calls_max, 1);
    assert!(second.unwrap_err().is_transient());
    assert!(!responding.seen().contains(&"one too many".to_owned()));
    shed.call("after it").await.unwrap();
    responding.stop().await;
}

#[tokio::test]
async fn a_question_that_a_layer_gives_up_is_given_up_at_the_responder() {
    let (home, mq) = with_stock().await;
    let responding = Responding::start(&mq);
    let builder = mq.requester("stock").deadline(home.span(500)).layer(Timeout::new(home.span(2)));
    let began = Instant::now();
    let outcome = ask(builder, &["wait"]).await.remove(0);
    assert_eq!(layers_own::<TimedOut>(&outcome), TimedOut(home.span(2)));
    assert!(outcome.unwrap_err().is_transient() && home.took(began.elapsed(), 2), "{:?}", began.elapsed());
    home.eventually("it was asked to stop", || responding.seen() == ["wait", "stopped"]).await;
    responding.stop().await;
}

/// Asks once more what was refused.
#[derive(Clone)]
struct Again<S>(S);

impl<S> Service<Question> for Again<S>
where
    S: Service<Question, Response = Reply, Error = BoxError> + Clone + Send + 'static,
    S::Future: Send + 'static,
{
    type Response = Reply;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Reply, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, question: Question) -> Self::Future {
        let (first, mut again) = (self.0.call(question.clone()), self.0.clone());
        Box::pin(async move {
            match first.await {
                Ok(reply) => Ok(reply),
                Err(_) => again.call(question).await,
            }
        })
    }
}

#[tokio::test]
async fn what_a_layer_asks_again_is_the_same_question_and_is_not_given_up() {
    let (home, mq) = with_stock().await;
    let (seen, stop) = (Log::<String>::default(), CancellationToken::new());
    let handler = |message: Incoming, State(seen): State<Log<String>>| async move {
        let mut seen = seen.lock();
        seen.push(message.message_id().unwrap().to_owned());
        if seen.len() == 1 { Err(Failure::transient("not now")) } else { Ok(Json(7)) }
    };
    let worker = tokio::spawn(mq.worker("stock").state(seen.clone()).responder(handler).run(stop.clone()));
    let again = tower::layer::layer_fn(Again);
    let asker = mq.requester("stock").deadline(home.span(20)).layer(again).build::<Text, Json<u32>>();
    assert_eq!(asker.await.unwrap().call("?").await.unwrap(), Json(7));
    stop.cancel();
    let report = worker.await.unwrap().unwrap();
    assert_eq!((report.acked, report.refused, report.given_up), (1, 1, 0), "{report:?}");
    let seen = seen.lock();
    assert!(seen.len() == 2 && seen[0] == seen[1], "{seen:?}");
}

#[tokio::test]
async fn a_workers_layers_are_around_its_responder() {
    let (home, mq) = with_stock().await;
    let closed = Arc::new(AtomicUsize::new(0));
    let layer = {
        let closed = closed.clone();
        tower::layer::layer_fn(move |_| {
            let closed = closed.clone();
            tower::service_fn(move |_: Incoming| {
                closed.fetch_add(1, SeqCst);
                async { Err::<(), BoxError>(BoxError::from("closed today")) }
            })
        })
    };
    let (seen, stop) = (Log::<String>::default(), CancellationToken::new());
    let worker = mq.worker("stock").state(seen.clone()).layer(layer).responder(answer);
    let worker = tokio::spawn(worker.run(stop.clone()));
    let outcome = ask(mq.requester("stock").deadline(home.span(20)), &["?"]).await.remove(0);
    let Err(CallError::Refused(why)) = outcome else { panic!("{outcome:?}") };
    assert_eq!((&*why.text, why.is_transient), ("closed today", true));
    assert_eq!((closed.load(SeqCst), seen.lock().len()), (1, 0));
    stop.cancel();
    worker.await.unwrap().unwrap();
}
