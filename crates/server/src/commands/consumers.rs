//! `leveret consumers`.

use super::Runs;
use super::list::ListInVhost;
use super::noun::Noun;
use crate::failure::Outcome;
use crate::output::Kind;
use clap::Subcommand;

const NOUN: Noun = Noun {
    path: "consumers",
    one: "consumer",
    command: "consumers",
    is_in_vhost: true,
    is_paged: false,
    columns: &[
        ("vhost", "queue.vhost", Kind::Text),
        ("queue", "queue.name", Kind::Text),
        ("tag", "consumer_tag", Kind::Text),
        ("channel", "channel_details.name", Kind::Text),
        ("user", "channel_details.user", Kind::Text),
        ("ack", "ack_required", Kind::Text),
        ("prefetch", "prefetch_count", Kind::Count),
        ("exclusive", "exclusive", Kind::Text),
        ("active", "active", Kind::Text),
    ],
};

/// What can be done with consumers.
#[derive(Subcommand)]
pub(crate) enum Consumers {
    /// List consumers with their queues, channels and prefetch
    #[command(after_help = "Examples:
  leveret consumers list
  leveret consumers list --vhost shop --filter '^orders$'
        those of one queue")]
    List(ListInVhost),
}

impl Runs for Consumers {
    fn run(self) -> Outcome {
        let Consumers::List(list) = self;
        list.run(&NOUN)
    }
}
