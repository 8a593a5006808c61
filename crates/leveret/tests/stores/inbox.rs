//! Effect and mark in one transaction: both or neither, whatever ends in between.

use std::time::Duration;

use leveret::idempotency::{Claim, IdempotencyStore};
use leveret::{InboxError, SqlStore};

use crate::databases::{Fresh, TestDatabase, on_each_database};

on_each_database!(
    effect_and_mark_are_committed_together,
    of_two_transactions_one_has_it_and_the_other_waits,
    a_lease_of_a_worker_is_no_mark,
    what_is_over_is_new_and_forgotten,
    people_can_make_the_table_themselves,
);

async fn with_table<DB: TestDatabase>(db: &Fresh<DB>) -> SqlStore<DB> {
    let store = SqlStore::new(db.pool.clone());
    store.migrate().await.unwrap();
    DB::sql(&db.pool, "CREATE TABLE effects (what TEXT)").await;
    store
}

/// Handles a message as a handler does; says whether it was new. The effect is another statement on the same connection.
async fn handle<DB: TestDatabase>(db: &Fresh<DB>, inbox: &SqlStore<DB>, id: &str, commit: bool) -> bool {
    let mut tx = db.pool.begin().await.unwrap();
    let new = inbox.claim_in(&mut tx, id).await.unwrap();
    if new {
        DB::sql_in(&mut tx, &format!("INSERT INTO effects VALUES ('{id}')")).await;
    }
    if commit {
        tx.commit().await.unwrap();
    } else {
        tx.rollback().await.unwrap();
    }
    new
}

async fn effects<DB: TestDatabase>(db: &Fresh<DB>) -> i64 {
    DB::number(&db.pool, "SELECT COUNT(*) FROM effects").await
}

async fn effect_and_mark_are_committed_together<DB: TestDatabase>(db: Fresh<DB>) {
    let inbox = with_table(&db).await;
    assert!(handle(&db, &inbox, "m", false).await);
    assert_eq!(effects(&db).await, 0);
    assert!(handle(&db, &inbox, "m", true).await, "what was rolled back is new");
    assert!(!handle(&db, &inbox, "m", true).await);
    assert!(handle(&db, &inbox, "n", true).await);
    assert_eq!(effects(&db).await, 2);
}

async fn of_two_transactions_one_has_it_and_the_other_waits<DB: TestDatabase>(db: Fresh<DB>) {
    let inbox = with_table(&db).await;
    for (id, commit) in [("a", true), ("b", false)] {
        let mut tx = db.pool.begin().await.unwrap();
        assert!(inbox.claim_in(&mut tx, id).await.unwrap());
        let other = async { handle(&db, &inbox, id, true).await };
        let first = async {
            // The other is at it by now, or comes later: the answer is the same.
            tokio::task::yield_now().await;
            if commit { tx.commit().await } else { tx.rollback().await }.unwrap();
        };
        let (new, ()) = tokio::join!(other, first);
        assert_eq!(new, !commit, "{id}");
    }
}

async fn a_lease_of_a_worker_is_no_mark<DB: TestDatabase>(db: Fresh<DB>) {
    let inbox = with_table(&db).await;
    let Claim::New(token) = inbox.claim("m", Duration::from_secs(60)).await.unwrap() else { panic!() };
    let mut tx = db.pool.begin().await.unwrap();
    assert!(matches!(inbox.claim_in(&mut tx, "m").await, Err(InboxError::InProgress(_))));
    drop(tx);
    inbox.release("m", token).await.unwrap();
    assert!(handle(&db, &inbox, "m", true).await);
    assert_eq!(inbox.claim("m", Duration::from_secs(60)).await.unwrap(), Claim::Done);
}

async fn what_is_over_is_new_and_forgotten<DB: TestDatabase>(db: Fresh<DB>) {
    let inbox = with_table(&db).await;
    for id in ["a", "b"] {
        assert!(handle(&db, &inbox, id, true).await);
    }
    DB::sql(&db.pool, "UPDATE leveret_handled SET until = 1").await;
    // Another handle, which has not looked for what is over yet.
    let inbox = SqlStore::new(db.pool.clone()).window(Duration::from_secs(60));
    assert!(handle(&db, &inbox, "a", true).await);
    let Claim::New(token) = inbox.claim("c", Duration::from_secs(60)).await.unwrap() else { panic!() };
    let inbox = SqlStore::new(db.pool.clone());
    inbox.commit("c", token, Duration::from_secs(60)).await.unwrap();
    assert_eq!(DB::number(&db.pool, "SELECT COUNT(*) FROM leveret_handled").await, 2, "a and c; b is over");
}

async fn people_can_make_the_table_themselves<DB: TestDatabase>(db: Fresh<DB>) {
    let store = SqlStore::in_table(db.pool.clone(), "shop_inbox").unwrap();
    for statement in store.schema().split(";\n").filter(|statement| !statement.is_empty()) {
        DB::sql(&db.pool, statement).await;
    }
    store.migrate().await.unwrap();
    let Claim::New(_) = store.claim("m", Duration::from_secs(60)).await.unwrap() else { panic!() };
    assert!(SqlStore::in_table(db.pool.clone(), "a b").is_err());
}
