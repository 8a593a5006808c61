//! Questions and answers over direct reply-to: many at a time, none at all, and after a cut.

use std::time::Duration;

use leveret_client::{ConsumerOptions, Message, RpcClient, RpcError};

use crate::support::{SOON, Target, text};

#[tokio::test]
async fn many_questions_at_a_time_get_their_own_answers_also_after_a_cut() {
    let target = Target::start().await;
    let (here, there) = (target.relay().await, target.relay().await);
    let (asking, serving) = (here.connect().await, there.connect().await);
    let name = target.queue(&serving.channel().await.unwrap(), "rpc").await;
    let mut requests = serving.consumer(ConsumerOptions::new(name.clone(), 100)).await.unwrap();
    let answering = serving.clone();
    let server = tokio::spawn(async move {
        // A low-level channel ends with its connection; another is opened then.
        let mut channel = answering.channel().await.unwrap();
        while let Some(Ok(request)) = requests.next().await {
            if channel.closed().is_some() {
                channel = answering.channel().await.unwrap();
            }
            let answer = format!("re: {}", text(&request));
            let _ = channel.reply(&request, answer).await;
            let _ = request.ack();
        }
    });
    let client = RpcClient::new(&asking).await.unwrap();
    for round in 0..4 {
        let ask = |n: usize| {
            let request = Message::new(format!("{round}/{n}")).routing_key(name.clone());
            client.call(request, SOON)
        };
        let (a, b, c) = tokio::join!(ask(1), ask(2), ask(3));
        for (n, answer) in [(1, a), (2, b), (3, c)] {
            assert_eq!(text(&answer.unwrap()), format!("re: {round}/{n}"));
        }
        if round % 2 == 0 { here.cut_and_wait(&asking).await } else { there.cut_and_wait(&serving).await }
    }
    server.abort();
}

#[tokio::test]
async fn a_question_that_nobody_answers_ends_at_its_deadline() {
    let target = Target::start().await;
    let connection = target.connect().await;
    let name = target.queue(&connection.channel().await.unwrap(), "silent").await;
    let client = RpcClient::new(&connection).await.unwrap();
    let error =
        client.call(Message::new("?").routing_key(name), Duration::from_millis(50)).await.unwrap_err();
    assert!(matches!(error, RpcError::Deadline(_)) && error.is_transient(), "{error:?}");
}

#[tokio::test]
async fn a_question_for_nobody_is_told_at_once() {
    let target = Target::start().await;
    let connection = target.connect().await;
    let client = RpcClient::new(&connection).await.unwrap();
    let error = client.call(Message::new("?").routing_key("nobody's"), SOON).await.unwrap_err();
    assert!(matches!(error, RpcError::Unroutable(_)) && !error.is_transient(), "{error:?}");
}
